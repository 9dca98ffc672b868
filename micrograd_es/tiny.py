"""The whole idea on one page: numbers that know how responsible they are for a result.

    >>> x, w = Value(2.0), Value(-3.0)
    >>> p = x * w
    >>> y = p + x
    >>> y.backward()
    >>> y.data, x.grad, w.grad
    (-4.0, -2.0, 2.0)

    node       data   partials            grad
    x             2                       1·1 from y, and 1·(-3) from p: -2
    w            -3                       1·2 from p: 2
    p = x * w    -6   -3 by x, 2 by w     1·1 from y: 1
    y = p + x    -4   1 by p, 1 by x      1

Forward, read down: each node writes down its number and its partials, how fast it moves with each
arg. Backward, read up: nothing is differentiated any more. y is responsible for itself with 1, and
each node hands its own grad, times the partial, on to each arg. Two nodes use x, and their shares
add up to -2: y falls twice as fast as x grows.
"""

import math


class Value:
    """A node: a number, how it was made, and its responsibility for an output."""

    def __init__(self, data, primitive=None, args=(), partials=()):
        self.data, self.grad = float(data / 1), 0.0  # / 1 refuses texts, which float reads
        self.primitive, self.args, self.partials = primitive, args, partials

    def backward(self):
        """Give each node its grad, ∂self/∂node; a leaf adds it to the grad that it has."""
        order = topological_order(self)
        for node in order:
            node.grad = 0.0 if node.primitive else node.grad
        self.grad += 1.0
        for node in reversed(order):
            if node.grad != 0.0:  # else there is nothing to hand on: 0 · inf would be NaN
                for arg, partial in zip(node.args, node.partials, strict=True):
                    arg.grad += node.grad * partial

    __add__, __radd__ = (lambda a, b: add(a, b)), (lambda b, a: add(a, b))
    __sub__, __rsub__ = (lambda a, b: sub(a, b)), (lambda b, a: sub(a, b))
    __mul__, __rmul__ = (lambda a, b: mul(a, b)), (lambda b, a: mul(a, b))
    __neg__, __abs__ = (lambda a: neg(a)), (lambda a: abs(a))


class Primitive:
    """A row of the table: of numbers it gives a float; of values, or of both, a node."""

    def __init__(self, name, value, *partials):
        self.name, self.value, self.partials = name, value, partials

    def __call__(self, *args):
        if not any(type(arg) is Value for arg in args):
            return self.value(*map(float, args))
        args = [arg if type(arg) is Value else Value(arg, constant) for arg in args]
        data = [arg.data for arg in args]
        y = self.value(*data)
        return Value(y, self, args, [float(partial(y, *data)) for partial in self.partials])


def topological_order(output):
    """Return every node that output needs, each once, and after its args."""
    order, path = {}, [output]
    while path:
        missing = [arg for arg in path[-1].args if arg not in order]
        if missing:
            path.append(missing[0])
        else:
            order[path.pop()] = True
    return [*order]


def gradient(output, inputs):
    """Return ∂output/∂input for each input as a graph, which can itself be differentiated."""
    grads = {output: 1.0}
    for node in reversed(topological_order(output)):
        args = [arg.data if arg.primitive is constant else arg for arg in node.args]
        for i, arg in enumerate(node.args if node in grads else ()):
            grad, partial = grads[node], node.primitive.partials[i](node, *args)  # no floats
            if partial != 0 and arg.primitive is not constant:  # else nothing to hand on
                share = grad if partial == 1 else partial if grad == 1 else grad * partial
                grads[arg] = grads[arg] + share if arg in grads else share
    return [g if type(g) is Value else Value(g) for g in (grads.get(x, 0.0) for x in inputs)]


# fmt: off
#                    name        value                 partials: formulas over floats or values
constant = Primitive("constant", float)  # a number that met a value
add      = Primitive("add",      lambda a, b: a + b,   lambda y, a, b: 1,   lambda y, a, b: 1)
sub      = Primitive("sub",      lambda a, b: a - b,   lambda y, a, b: 1,   lambda y, a, b: -1)
mul      = Primitive("mul",      lambda a, b: a * b,   lambda y, a, b: b,   lambda y, a, b: a)
neg      = Primitive("neg",      lambda x: -x,                             lambda y, x: -1)
exp      = Primitive("exp",      math.exp,                                 lambda y, x: y)
relu     = Primitive("relu",     lambda x: 0.0 if x <= 0 else x,           lambda y, x: step(x))
abs      = Primitive("abs",      math.fabs,                                lambda y, x: sign(x))
step     = Primitive("step",     lambda x: float(x > 0) if x == x else x,  lambda y, x: 0)
sign     = Primitive("sign",     lambda x: step(x) - step(-x),             lambda y, x: 0)
