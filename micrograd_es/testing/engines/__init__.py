"""Other autodiff libraries, seen through adapters.

    engine_named("torch")   an engine of ENGINES, or one of your own, "module:name"

Read adapters.py.
"""

from micrograd_es.testing.engines.adapters import ENGINES as ENGINES
from micrograd_es.testing.engines.adapters import Engine as Engine
from micrograd_es.testing.engines.adapters import engine_named as engine_named
