# The names of __init__.py, for type checkers; written by docs/stubs.py.
from micrograd_es.declarations import OfAB, OfValues, OfWsXsBias, OfX, OfXAlpha, OfXSlope
from micrograd_es import losses as losses
from micrograd_es import nn as nn
from micrograd_es import optim as optim
from micrograd_es import operators as operators
from micrograd_es.check import GradientCheck as GradientCheck
from micrograd_es.check import PrimitiveCheck as PrimitiveCheck
from micrograd_es.check import assert_gradient as assert_gradient
from micrograd_es.check import check_directions as check_directions
from micrograd_es.check import check_gradient as check_gradient
from micrograd_es.check import check_hessian as check_hessian
from micrograd_es.check import check_primitive as check_primitive
from micrograd_es.check import taylor_test as taylor_test
from micrograd_es.errors import DomainError as DomainError
from micrograd_es.errors import GradientMismatch as GradientMismatch
from micrograd_es.errors import GraphError as GraphError
from micrograd_es.errors import MicrogradError as MicrogradError
from micrograd_es.errors import NonFiniteError as NonFiniteError
from micrograd_es.errors import PrimitiveError as PrimitiveError
from micrograd_es.errors import TraceError as TraceError
from micrograd_es.explanation import Explanation as Explanation
from micrograd_es.explanation import NonFinite as NonFinite
from micrograd_es.explanation import Responsibility as Responsibility
from micrograd_es.explanation import explain as explain
from micrograd_es.explanation import find_nonfinite as find_nonfinite
from micrograd_es.explanation import origins as origins
from micrograd_es.explanation import responsibility as responsibility
from micrograd_es.fields import Field as Field
from micrograd_es.fields import Landscape as Landscape
from micrograd_es.signatures import derivative as derivative
from micrograd_es.signatures import grad as grad
from micrograd_es.signatures import hessian as hessian
from micrograd_es.signatures import hvp as hvp
from micrograd_es.functions import jacobian as jacobian
from micrograd_es.functions import jvp as jvp
from micrograd_es.signatures import value_and_grad as value_and_grad
from micrograd_es.primitive import Primitive as Primitive
from micrograd_es.primitive import where as where
from micrograd_es.signatures import clip as clip
from micrograd_es.signatures import softmax as softmax
from micrograd_es.value import Value as Value
from micrograd_es.value import gradient as gradient
from micrograd_es.value import topological_order as topological_order
from micrograd_es.compiler import Program as Program
from micrograd_es.compiler import compile as compile

reciprocal: OfX
mod: OfAB
floordiv: OfAB
square: OfX
power: OfAB
sqrt: OfX
cbrt: OfX
exp: OfX
exp2: OfX
expm1: OfX
log: OfX
log2: OfX
log10: OfX
log1p: OfX
exprel: OfX
sin: OfX
cos: OfX
tan: OfX
sinc: OfX
asin: OfX
acos: OfX
atan: OfX
atan2: OfAB
sinh: OfX
cosh: OfX
tanh: OfX
asinh: OfX
acosh: OfX
atanh: OfX
erf: OfX
erfc: OfX
sigmoid: OfX
log_sigmoid: OfX
softplus: OfX
silu: OfX
gelu: OfX
relu: OfX
leaky_relu: OfXSlope
elu: OfXAlpha
hard_tanh: OfX
xlogy: OfAB
abs: OfX
sign: OfX
step: OfX
floor: OfX
ceil: OfX
round: OfX
maximum: OfAB
minimum: OfAB
detach: OfX
dot: OfWsXsBias
total: OfValues
mean: OfValues
prod: OfValues
hypot: OfAB
norm: OfValues
log_sum_exp: OfValues
