"""Scalar code at the speed of arrays: a function of one sample, run over columns of samples.

    compile(f, parameters)              the function as a Program
    program(*columns)                   its value
    program.value_and_grad(*columns)    its value and its gradient by the parameters
    program.minimize(*columns, rule=…)  many steps downhill in one call; also .sgd and .adam
    program.source(language)            the program as text; print(program) shows it as Python
    program.plan()                      how it is run
    trace(f, parameters)                the graph alone

Read in the order in which a function passes through:

    program.py                                    the whole way; skip what you do not know yet
    arguments.py, symbols.py, trace.py            a function becomes a graph of symbols
    code.py, linear.py                            the graph becomes straight-line code of rows
    basic.py, terms.py, forms.py, list_forms.py   rows written in a few basic operations
    hiding.py, lowering.py                        the code in basic operations
    columns.py, sums.py, backends/, llvm/         who runs it, and on what
    replay.py                                     a sample that gives no number, run again as eager
    descent.py                                    many steps downhill
    export.py                                     the code as text for other engines
"""

from micrograd_es.compiler.program import Program as Program
from micrograd_es.compiler.program import compile as compile
from micrograd_es.compiler.trace import Trace as Trace
from micrograd_es.compiler.trace import trace as trace
