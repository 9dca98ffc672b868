"""The property-test suite: for primitives of your own, for other engines, and for your tests.

Here is what needs nothing but the package; `strategies` and `laws` need hypothesis.
"""

from micrograd_es.testing.engines import ENGINES as ENGINES
from micrograd_es.testing.engines import Engine as Engine
from micrograd_es.testing.engines import engine_named as engine_named
from micrograd_es.testing.mutants import MUTANTS as MUTANTS
from micrograd_es.testing.mutants import Mutant as Mutant
from micrograd_es.testing.mutants import survivors as survivors
from micrograd_es.testing.oracles import Judgement as Judgement
from micrograd_es.testing.oracles import judge as judge
from micrograd_es.testing.programs import Program as Program
