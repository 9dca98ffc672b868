"""Scalar code at the speed of arrays.

    compile(f, parameters)              a function of one sample as a Program
    program(*columns)                   its value over columns of samples
    program.value_and_grad(*columns)    the value and the gradient by the parameters
    program.sgd, program.adam           many steps downhill in one call
    program.source(language), print(program.plan())
    trace(f, parameters)                the graph alone

Read along the way of a function: arguments.py (what it takes), symbols.py (what it may not ask),
trace.py, code.py and linear.py (a graph as lines of code), forms.py, hiding.py and lowering.py
(rows as basic operations), then backends/ or llvm/ (who runs it), columns.py (what is given to
it), replay.py (a sample run again as eager would), descent.py, export.py (as text for other
engines), and program.py, which holds it together.
"""

from micrograd_es.compiler.program import Program as Program
from micrograd_es.compiler.program import compile as compile
from micrograd_es.compiler.trace import Trace as Trace
from micrograd_es.compiler.trace import trace as trace
