"""The property-test suite: for primitives of your own, for other engines, and for your tests.

    strategies                      what hypothesis draws: numbers, points, values, programs
    laws                            what must hold for any engine; pytest --pyargs runs them
    engine_named("torch")           another engine, seen through an adapter
    judge(program, slopes)          is a gradient right, by means that share nothing with ours
    survivors(test)                 which bugs of MUTANTS your tests do not notice

What needs nothing but the package is named here; strategies and laws need hypothesis. Read
programs.py (a computation as data), engines/, oracles/, strategies.py, laws/, then mutants.py and
plugin.py (the options of pytest).
"""

from micrograd_es.testing.engines.adapters import ENGINES as ENGINES
from micrograd_es.testing.engines.adapters import Engine as Engine
from micrograd_es.testing.engines.adapters import engine_named as engine_named
from micrograd_es.testing.mutants import MUTANTS as MUTANTS
from micrograd_es.testing.mutants import Mutant as Mutant
from micrograd_es.testing.mutants import survivors as survivors
from micrograd_es.testing.oracles.judgement import Judgement as Judgement
from micrograd_es.testing.oracles.judgement import judge as judge
from micrograd_es.testing.programs import Program as Program
