"""compile: scalar code at the speed of arrays. trace → code → plan → numpy."""

from micrograd_es.compiler.program import Program as Program
from micrograd_es.compiler.program import compile as compile
from micrograd_es.compiler.trace import Trace as Trace
from micrograd_es.compiler.trace import trace as trace
