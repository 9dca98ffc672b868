"""Is this gradient right? Measured by nudging, from outside the graph.

    check_gradient(f, point, gradient)  pass, fail or inconclusive, input by input
    assert_gradient(f, point)           raises GradientMismatch unless it passes
    check_hessian, check_directions     the same for second derivatives, and along directions
    taylor_test(f, point)               how fast what is left of f shrinks
    check_primitive(row)                a row of one's own, held to the laws of the table

Read gradients.py for the verdicts, measure.py for how a slope is measured, then row.py.
"""

from micrograd_es.check.gradients import GradientCheck as GradientCheck
from micrograd_es.check.gradients import InputCheck as InputCheck
from micrograd_es.check.gradients import TaylorCheck as TaylorCheck
from micrograd_es.check.gradients import assert_gradient as assert_gradient
from micrograd_es.check.gradients import check_directions as check_directions
from micrograd_es.check.gradients import check_gradient as check_gradient
from micrograd_es.check.gradients import check_hessian as check_hessian
from micrograd_es.check.gradients import taylor_test as taylor_test
from micrograd_es.check.row import PrimitiveCheck as PrimitiveCheck
from micrograd_es.check.row import check_primitive as check_primitive
