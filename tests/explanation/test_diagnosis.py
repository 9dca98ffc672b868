"""Nothing silent: errors name the operation, its operands, the route to the output and the line."""

import math
import re

import pytest

import micrograd_es as me
from micrograd_es import DomainError, Primitive, Value, find_nonfinite, gradient, origins, value

HERE = re.escape(__file__)


def test_an_undefined_partial_names_its_node_its_operands_and_its_route():
    x, w = Value(0.0, name="x"), Value(2.0, name="w")
    loss = ((x.sqrt() * w).tanh() + 1.0) * 3.0
    loss.name = "loss"
    for ask in (loss.backward, lambda: gradient(loss, [x])):
        with pytest.raises(DomainError) as caught:
            ask()
        assert str(caught.value).startswith("sqrt(x=0.0) has the value 0.0, but no finite slope")
        assert str(caught.value).endswith("route to the output: sqrt -> mul -> tanh -> add -> loss")


@pytest.mark.parametrize(
    ("length", "route"),
    [
        (7, "sqrt" + " -> add" * 7),
        (8, "sqrt -> add -> add -> add -> … 2 more … -> add -> add -> add"),
        (50, "sqrt -> add -> add -> add -> … 44 more … -> add -> add -> add"),
    ],
)
def test_a_long_route_is_shortened(length, route):
    y = Value(0.0).sqrt()
    for _ in range(length):
        y = y + 1.0
    with pytest.raises(DomainError) as caught:
        y.backward()
    assert str(caught.value).endswith(f"its route to the output: {route}")


def test_a_responsibility_of_nan_stays_nan_at_an_undefined_partial():
    x = Value(0.0)
    y = x.sqrt() * math.nan
    y.backward()
    assert math.isnan(x.grad)
    assert math.isnan(gradient(y, [x])[0].data)


def test_a_partial_that_was_nan_may_be_nan_again_and_one_that_was_not_may_not():
    x = Value(math.nan)
    assert math.isnan(gradient(x * x, [x])[0].data)
    x = Value(3.0)
    y = x * x
    for changed in (4.0, math.nan):
        x.data = changed
        with pytest.raises(me.GraphError, match="data was changed"):
            gradient(y, [x])


def test_a_backward_that_fails_leaves_every_leaf_as_it_was():
    x, w = Value(0.0), Value(2.0)
    (w * 5).backward()
    y = w * 7 + x.sqrt()
    with pytest.raises(DomainError):
        y.backward()
    assert (x.grad, w.grad) == (0.0, 5.0)
    with pytest.raises(DomainError):
        y.backward()
    assert (x.grad, w.grad) == (0.0, 5.0)


def test_origins_name_the_user_s_line_in_errors_and_in_findings():
    x = Value(0.0)
    with origins() as made_at:
        leaf = Value(1.0)
        root = x.sqrt()
        y = me.total([root, leaf]) * 2
    with pytest.raises(DomainError, match=rf"made at {HERE}:\d+$"):
        y.backward()
    lines = [int(made_at[node].rpartition(":")[2]) for node in (leaf, root, y)]
    assert lines == [lines[0], lines[0] + 1, lines[0] + 2]
    assert find_nonfinite(y).origin == made_at[root]


def test_origins_leave_nothing_behind():
    before = Value.__init__
    with pytest.raises(ZeroDivisionError), origins() as made_at, origins():
        1 / 0  # noqa: B018  # any error
    assert Value.__init__ is before
    node = Value(1.0) + Value(2.0)
    assert node not in made_at


def test_origins_may_overlap():
    one, other = origins(), origins()
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert (Value(1.0) + 1.0) in value.made_at
    other.__exit__(None, None, None)
    assert (Value(1.0) + 1.0) not in value.made_at


def test_origins_look_past_the_package():
    from micrograd_es import nn

    with origins() as made_at:
        net = nn.MLP(2, [3, 1])
        y = net([1.0, 2.0])
    assert all(place.startswith(__file__) for place in made_at.values())
    assert y in made_at


def test_the_first_value_that_is_not_finite_is_found():
    x, bad = Value(2.0, name="x"), Value(math.inf, name="bad")
    y = (x * 3 + 1) * (bad - bad)
    found = find_nonfinite(y)
    assert (found.what, found.node, found.number) == ("value", bad, math.inf)
    assert str(found) == "the value of bad=inf is inf; its route to the output: bad -> sub -> mul"
    assert find_nonfinite(x * 3) is None
    mine = Primitive("mine", lambda x: x * math.inf if x > 1e300 else x, lambda y, x: 1)
    assert find_nonfinite(mine(Value(2.0))) is None


def test_a_partial_and_a_gradient_that_are_not_finite_are_found():
    x = Value(0.0, name="x")
    assert str(find_nonfinite(x.sqrt() + 1)).startswith("the partial of sqrt(x=0.0) is not finite")
    small = Value(1e-300, name="small")
    big = (small * 1e200) * 1e200
    big.backward()
    assert (big.data, small.grad) == (pytest.approx(1e100), math.inf)
    assert str(find_nonfinite(big)).startswith("the gradient of small=1e-300 is inf; its route")


def test_a_value_that_leaves_the_floats_names_operands_and_the_way_out():
    for f, says in (
        (
            lambda: me.log(Value(-1.0, name="p")),
            r"log\(p=-1.0\) is undefined: log needs x > 0; did you mean where\(",
        ),
        (lambda: me.asin(Value(2.0)), r"did you mean asin\(clip\(x, -1, 1\)\)\?"),
        (lambda: Value(1.0) / Value(0.0, name="n"), r"1.0 / n=0.0 .* did you mean where\(b != 0"),
        (lambda: me.mean([]), r"mean\(\) is undefined: mean needs at least one value"),
        (lambda: me.xlogy(Value(1.0), 0.0), "b > 0, or a = 0"),
    ):
        with pytest.raises(DomainError, match=says):
            f()
    with pytest.raises(OverflowError, match=r"cosh\(1000.0\) is too large for a float"):
        me.cosh(Value(1000.0))


@pytest.mark.parametrize(
    "row", [row for row in me.primitives.TABLE.values() if row.instead], ids=lambda row: row.name
)
def test_what_an_error_offers_instead_works(row):
    outside = {1: (-2.0,), 2: (-2.0, 0.5) if row.name == "power" else (1.0, 0.0)}[row.arity]
    if row.name in ("acosh", "reciprocal"):
        outside = (0.0,)
    with pytest.raises(DomainError) as caught:
        row(*map(Value, outside))
    offered = re.search(r"did you mean (.*)\?", str(caught.value)).group(1)
    names = dict(zip("ab" if row.arity == 2 else "x", map(Value, outside), strict=True))
    assert math.isfinite(eval(offered, vars(me) | names))
    if row.name not in ("acosh", "reciprocal", "div"):
        at_zero = dict.fromkeys(names, Value(0.0))  # the way out leads out there too
        assert math.isfinite(eval(offered, vars(me) | at_zero))
