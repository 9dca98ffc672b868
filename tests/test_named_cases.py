"""The failure classes of the field, one by one, each named; and what the design settles."""

import copy
import gc
import math
import os
import pickle
import subprocess
import sys
import threading
import weakref
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import micrograd_es as me
from micrograd_es import DomainError, GraphError, Primitive, Value, gradient, topological_order
from tests.support.amount import THOROUGH


def slope(f, *point):
    inputs = [Value(x) for x in point]
    f(*inputs).backward()
    return [x.grad for x in inputs]


@pytest.mark.parametrize(
    ("f", "at", "expected"),
    [
        (lambda x: x * x, 3.0, 6.0),
        (lambda x: x / x, 3.0, 0.0),
        (lambda x: x - x, 3.0, 0.0),
        (lambda x: x**x, 2.0, 4 * (1 + math.log(2))),
        (lambda x: (x + x) + (x + x), 5.0, 4.0),
        (lambda x: (lambda y: y + y * y)(x * x), 3.0, 114.0),  # noqa: PLC3002  # a diamond on one line
    ],
    ids=["x*x", "x/x", "x-x", "x**x", "b+b", "diamond"],
)
def test_class_01_a_node_may_be_used_again(f, at, expected):
    assert slope(f, at) == [pytest.approx(expected, rel=1e-15, abs=1e-15)]


def test_class_02_in_place_operators_rebind():
    x = Value(3.0)
    y = x
    y += 2 * x
    y *= x
    y.backward()
    assert (y.data, x.data, x.grad) == (27.0, 3.0, 18.0)


def test_class_03_backward_twice_adds_exactly_once_more():
    x = Value(3.0)
    y = x * x * x
    y.backward()
    assert x.grad == 27.0
    y.backward()
    assert x.grad == 54.0
    x.grad = 0.0
    y.backward()
    assert x.grad == 27.0


def test_class_03_two_losses_may_share_a_node():
    x = Value(3.0)
    shared = x * x
    (shared * 2).backward()
    (shared * 5).backward()
    assert x.grad == 42.0


def test_class_04_the_gradient_is_that_of_the_forward_pass_that_ran():
    x, w = Value(3.0), Value(2.0)
    y = x * w
    w.data = 20.0
    y.backward()
    assert (x.grad, w.grad) == (2.0, 3.0)
    with pytest.raises(GraphError, match="data was changed since"):
        gradient(y, [x])


def test_class_05_nested_gradients_do_not_mix():
    x = Value(1.0)
    y = Value(1.0)
    (inner,) = gradient(x * y, [y])
    (outer,) = gradient(x * inner, [x])
    assert outer.data == 2.0


@pytest.mark.parametrize(
    ("f", "point", "value", "slopes"),
    [
        (me.relu, [0.0], 0.0, [0.0]),
        (me.relu, [-math.inf], 0.0, [0.0]),
        (abs, [0.0], 0.0, [0.0]),
        (me.maximum, [2.0, 2.0], 2.0, [0.5, 0.5]),
        (me.minimum, [2.0, 2.0], 2.0, [0.5, 0.5]),
        (lambda x: x**0, [0.0], 1.0, [0.0]),
        (lambda x: x**2, [-3.0], 9.0, [-6.0]),
        (lambda y: 0**y, [2.0], 0.0, [0.0]),
        (lambda x, y: x**y, [0.0, 0.0], 1.0, None),
        (lambda x: x**-1, [-2.0], -0.5, [-0.25]),
    ],
)
def test_classes_06_and_07_conventions_at_kinks_and_edges(f, point, value, slopes):
    inputs = [Value(x) for x in point]
    output = f(*inputs)
    assert output.data == value
    if slopes is not None:
        output.backward()
        assert [x.grad for x in inputs] == slopes


def test_class_06_nan_stays_nan():
    x = Value(math.nan)
    y = x.relu()
    y.backward()
    assert math.isnan(y.data)
    assert math.isnan(x.grad)


def test_class_07_sqrt_at_zero_has_a_value_and_no_slope():
    x = Value(0.0, name="x")
    y = x.sqrt()
    assert y.data == 0.0
    with pytest.raises(DomainError, match=r"sqrt\(x=0.0\) has the value 0.0, but no finite slope"):
        y.backward()
    with pytest.raises(DomainError, match="no finite slope"):
        gradient(y, [x])


def test_class_07_an_undefined_partial_is_harmless_where_nobody_is_responsible():
    x = Value(0.0)
    y = x.sqrt() * 0 + 3 * x
    y.backward()
    assert x.grad == 3.0
    assert gradient(y, [x])[0].data == 3.0


def test_class_07_the_exponents_partial_of_a_negative_base_is_an_error_only_if_asked_for():
    x, y = Value(-2.0), Value(3.0)
    z = x**y
    assert z.data == -8.0
    assert gradient(z, [x])[0].data == 12.0
    with pytest.raises(DomainError, match="no finite slope by argument 2"):
        gradient(z, [y])


@pytest.mark.parametrize(
    "f",
    [
        lambda: Value(-1.0).log(),
        lambda: Value(0.0).log(),
        lambda: Value(-4.0) ** 0.5,
        lambda: Value(0.0) ** -1,
        lambda: (-2) ** Value(0.5),
        lambda: Value(1.0) / 0,
        lambda: 1 / Value(0.0),
        lambda: Value(-1.0).sqrt(),
        lambda: me.log(-1.0),
    ],
)
def test_classes_07_and_08_an_undefined_value_is_an_error_at_once(f):
    with pytest.raises(DomainError, match=r"is undefined: \w+ needs "):
        f()


@pytest.mark.parametrize(
    "f",
    [
        lambda: Value(1000.0).exp(),
        lambda: Value(1e200) * 1e200,
        lambda: Value(1.7e308) + Value(1.7e308),
        lambda: Value(1e308) / 1e-10,
        lambda: Value(10.0) ** 400,
        lambda: me.exp(1000.0),
        lambda: me.dot([Value(1e200)], [1e200]),
        lambda: Value(10**400),
        lambda: Value(1.0) + 10**5000,
        lambda: Value(Decimal("1e400")),
        lambda: Value(Fraction(10**400)),
    ],
)
def test_class_08_what_does_not_fit_in_a_float_is_an_overflow(f):
    with pytest.raises(OverflowError, match="too large for a float"):
        f()


def test_class_08_infinities_that_came_in_propagate():
    x = Value(math.inf)
    assert (x + 1).data == math.inf
    assert math.isnan((x - x).data)
    assert math.isnan(x.sin().data)
    assert (1 / x).data == 0.0


@pytest.mark.parametrize(
    "number",
    [
        2,
        2.0,
        True,
        Fraction(5, 2),
        Decimal("2.5"),
        np.float64(2),
        np.float32(2),
        np.int64(2),
        np.bool_(True),
    ],
    ids=lambda number: type(number).__name__,
)
def test_class_12_real_numbers_become_floats(number):
    for made in (
        Value(number),
        Value(1.0) * number,
        number * Value(1.0),
        me.maximum(Value(0.0), number),
    ):
        assert type(made) is Value
        assert type(made.data) is float
        assert made.data == float(number)


BAD = ["2", b"2", 2j, None, [2.0], (2.0,), {}, object(), Value]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: type(bad).__name__)
@pytest.mark.parametrize(
    "use",
    [
        Value,
        lambda bad: Value(1.0) + bad,
        lambda bad: bad + Value(1.0),
        lambda bad: Value(1.0) * bad,
        lambda bad: bad * Value(1.0),
        lambda bad: Value(1.0) ** bad,
        lambda bad: bad / Value(1.0),
        lambda bad: me.maximum(Value(1.0), bad),
        lambda bad: me.exp(bad),
        lambda bad: me.dot([Value(1.0)], [bad]),
        lambda bad: setattr(Value(1.0), "data", bad),
        lambda bad: gradient(Value(1.0), [bad]),
    ],
)
def test_class_12_what_is_not_a_real_number_is_refused_by_name(use, bad):
    with pytest.raises(TypeError, match=type(bad).__name__):
        use(bad)


def test_class_12_a_value_of_a_value_is_refused_and_value_is_final():
    with pytest.raises(TypeError, match="already is a Value"):
        Value(Value(1.0))
    with pytest.raises(TypeError, match="final"):
        type("Mine", (Value,), {})
    with pytest.raises(TypeError, match="one Value for each element"):
        Value(np.array([1.0, 2.0]))


def test_class_12_an_array_meets_a_value_element_by_element_or_is_refused():
    v, array = Value(2.0), np.array([1.0, 3.0])
    for product in (v * array, array * v):
        assert [type(p) for p in product] == [Value, Value]
        assert [p.data for p in product] == [2.0, 6.0]
    for refused in (lambda: me.maximum(v, array), lambda: v.maximum(array), lambda: me.exp(array)):
        with pytest.raises(TypeError, match="each element"):
            refused()


def test_class_03_leaves_accumulate_whatever_uses_them():
    x = Value(3.0)
    for uses, made in enumerate((x, me.total([x, x]), me.total([x, x, x]), x + x, x * 2), start=1):
        x.grad = 0.0
        made.backward()
        once = x.grad
        made.backward()
        assert (uses, x.grad) == (uses, 2 * once)
        assert once == made.data / 3.0


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (me.sigmoid, 40.0, 4.248354255291589e-18),
        (me.tanh, 20.0, 1.6993417021166355e-17),
        (me.tanh, -20.0, 1.6993417021166355e-17),
        (me.softplus, -800.0, 0.0),
        (me.softplus, -40.0, 4.248354255291589e-18),
        (me.log_sigmoid, 40.0, 4.248354255291589e-18),
        (me.erf, 6.0, 2.6173010792131467e-16),
        (lambda v: me.softmax([v, 0.0])[0], 40.0, 4.248354255291589e-18),
    ],
)
def test_class_09_what_saturates_keeps_its_slope(f, x, slope):
    v = Value(x)
    f(v).backward()
    assert v.grad == pytest.approx(slope, rel=1e-15)


def test_class_09_stable_forms_do_not_overflow():
    assert me.softplus(1000.0) == 1000.0
    assert me.log_sigmoid(-1000.0) == -1000.0
    assert me.log_sum_exp([1000.0, 1000.0]) == 1000.0 + math.log(2)
    assert me.log_sum_exp([-math.inf, 0.0]) == 0.0
    assert me.expm1(1e-20) == me.log1p(1e-20) == 1e-20
    assert me.xlogy(0.0, 0.0) == 0.0
    assert me.softmax([1000.0, 0.0]) == [1.0, 0.0]
    assert me.primitives.unit([1.5e308, 1.5e308]) == pytest.approx([math.sqrt(0.5)] * 2)
    assert me.hypot(3e200, 4e200) == me.norm([4e200, 3e200]) == pytest.approx(5e200)


def test_class_10_an_untaken_branch_contributes_nothing_and_is_not_even_run():
    x = Value(-1.0)
    y = me.where(x > 0, lambda: me.log(x), 0)
    y.backward()
    assert (y.data, x.grad) == (0.0, 0.0)
    assert gradient(y, [x])[0].data == 0.0
    assert me.grad(lambda x: me.where(x > 0, lambda: me.log(x), 0))(-1.0) == 0.0
    assert me.grad(lambda x: me.where(x > 0, lambda: me.log(x), 0))(2.0) == 0.5
    assert me.grad(lambda x: me.where(x > 0, x * x, lambda: 1 / 0))(3.0) == 6.0
    with pytest.raises(DomainError, match="log"):
        me.where(x > 0, me.log(x), 0)  # given as a value, it is evaluated before


def test_leaky_relu_and_elu_have_the_usual_defaults():
    x = Value(-2.0)
    for made in (me.leaky_relu(x), x.leaky_relu(), me.leaky_relu(x, 0.01)):
        assert made.data == -0.02
    for made in (me.elu(x), x.elu(), me.elu(x, 1.0)):
        assert made.data == math.expm1(-2.0)
    assert (me.leaky_relu(-2.0), me.elu(3.0)) == (-0.02, 3.0)


def test_at_a_kink_every_order_of_derivative_is_taken_from_the_side_that_the_row_says():
    assert [me.derivative(me.elu, n)(0.0) for n in (1, 2, 3)] == [1.0, 1.0, 1.0]
    slope_by_alpha = me.grad(lambda x, a: me.grad(me.elu, argnums=1)(x, a))
    assert slope_by_alpha(0.0, 2.0) == 1.0
    assert me.grad(lambda x, s: me.grad(me.leaky_relu, argnums=1)(x, s))(0.0, 0.1) == 1.0


def test_clip_keeps_between_its_bounds():
    assert [me.clip(x, -1.0, 1.0) for x in (-2.0, 0.5, 2.0)] == [-1.0, 0.5, 1.0]
    slope = me.grad(lambda x: me.clip(x, -1.0, 1.0))
    assert [slope(x) for x in (-2.0, -1.0, 0.5, 1.0, 2.0)] == [0.0, 0.5, 1.0, 0.5, 0.0]
    with pytest.raises(ValueError, match="lower bound first"):
        me.clip(Value(1.0), 1.0, -1.0)


def test_class_13_a_value_behaves_as_its_number():
    v = Value(2.5, name="v")
    assert not Value(0)
    assert Value(2) == 2
    assert Value(2) == Value(2)
    assert Value(2) != 3
    assert (float(v), int(v), round(v), round(Value(2.345), 1), f"{v:.3f}") == (
        2.5,
        2,
        2,
        2.3,
        "2.500",
    )
    assert [w.data for w in sorted([Value(3), Value(1), Value(2)])] == [1.0, 2.0, 3.0]
    assert max(Value(1), Value(4)) == 4
    assert v > 2
    assert 2 < v <= 2.5
    assert (Value(2) == "2", Value(2) is None) == (False, False)
    assert len({Value(2), Value(2)}) == 2
    assert repr(v) == "Value(data=2.5, grad=0.0, name='v')"
    assert repr(+v * 2) == "Value(data=5.0, grad=0.0, primitive='mul')"
    assert f"{v}" == repr(v)


def test_class_14_a_misspelt_attribute_is_an_error():
    with pytest.raises(AttributeError):
        Value(1.0).gard = 1.0
    with pytest.raises(AttributeError):
        _ = Value(1.0).backwards


def test_class_14_a_cycle_made_by_hand_is_an_error():
    x = Value(1.0)
    y = x + 1
    y.a = y * 2
    with pytest.raises(GraphError, match="depends on itself"):
        y.backward()


def test_class_14_an_unused_input_has_gradient_zero():
    x, unused = Value(1.0), Value(2.0)
    (x * 2).backward()
    assert unused.grad == 0.0
    assert gradient(x * 2, [unused])[0].data == 0.0


def test_class_15_a_chain_of_a_million_nodes_builds_goes_back_prints_and_is_freed():
    x, w = Value(1.0), Value(1.0)
    y, turns = x, 500_000 if THOROUGH else 50_000
    for _ in range(turns):
        y = y * w + 0.0
    y.backward()
    assert (x.grad, w.grad) == (1.0, turns)
    assert "1.0" in repr(y)
    watch = weakref.ref(y)
    del y
    assert watch() is None


@pytest.mark.parametrize(
    "again",
    [lambda pair: pickle.loads(pickle.dumps(pair)), copy.deepcopy],
    ids=["pickle", "deepcopy"],
)
def test_class_15_pickle_and_deepcopy_of_100_000_nodes_are_flat_and_exact(again):
    x = Value(0.5, name="x")
    y = x
    for _ in range(33_334 if THOROUGH else 5_000):
        y = (y * x + 1.0).tanh()
    y.backward()
    twin, leaf = again((y, x))
    assert (twin.data, twin.grad, leaf.name, leaf.grad) == (y.data, y.grad, "x", x.grad)
    leaf.grad = 0.0
    twin.backward()
    assert leaf.grad == x.grad
    order, copied = topological_order(y), topological_order(twin)
    assert len(order) > (100_000 if THOROUGH else 15_000)
    for one, other in zip(order, copied, strict=True):
        assert (one.data, one.partials, one.primitive) == (
            other.data,
            other.partials,
            other.primitive,
        )
    assert not set(map(id, order)) & set(map(id, copied))


def test_class_15_a_copy_is_a_graph_of_its_own_over_the_same_leaves():
    x = Value(3.0)
    y = x * x
    twin = copy.copy(y)
    assert twin is not y
    twin.backward()
    assert (x.grad, y.grad) == (6.0, 0.0)


def test_class_15_a_row_made_from_a_lambda_is_not_pickled_silently():
    mine = Primitive("mine", lambda x: x, lambda y, x: 1)
    with pytest.raises((pickle.PicklingError, AttributeError), match="mine"):
        pickle.dumps(mine(Value(1.0)))


def test_class_16_graphs_are_no_reference_cycles():
    gc.collect()
    gc.disable()
    try:
        x = Value(2.0)
        y = (x * x).tanh() + me.dot([x, x], [1, 2])
        y.backward()
        gradient(y, [x])
        watch = weakref.ref(y)
        del y
        assert watch() is None
    finally:
        gc.enable()


def test_class_16_the_same_bits_whatever_the_hash_seed():
    program = (
        "from micrograd_es import Value, gradient\n"
        "xs = [Value(0.1 * i) for i in range(1, 20)]\n"
        "y = sum((a * b).tanh() / c for a in xs for b in xs[:7] for c in xs[:3])\n"
        "y.backward()\n"
        "print(y.data.hex(), [x.grad.hex() for x in xs], [g.data.hex() for g in gradient(y, xs)])\n"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
            stdout=subprocess.PIPE,
        )
        for seed in range(20 if THOROUGH else 2)
    ]
    assert len({process.communicate()[0] for process in running}) == 1
    assert all(process.returncode == 0 for process in running)


def test_class_16_separate_graphs_in_four_threads_do_not_mix():
    wrong = []
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def work(k):
        for _ in range(300):
            x = Value(float(k))
            y = x * x * x + me.dot([x, x], [0.0, 1.0])
            y.backward()
            (again,) = gradient(y, [x])
            if not x.grad == again.data == 3.0 * k * k + 1:
                wrong.append((k, x.grad, again.data))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(switch)
    assert not wrong


def test_class_16_graphs_built_and_dropped_with_the_collector_off_leave_memory_flat():
    resource = pytest.importorskip("resource", reason="Windows has no resource module")

    def build(times):
        for _ in range(times):
            x = Value(2.0)
            (x * x + me.total([x, x, x])).backward()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    gc.collect()
    gc.disable()
    try:
        before = build(1_000)
        assert (
            build(100_000 if THOROUGH else 20_000) - before <= 1024
        )  # KiB: a page or two of the interpreter's own
    finally:
        gc.enable()


def test_class_17_a_step_along_a_gradient_that_is_not_finite_is_refused_and_nothing_moves():
    w, v = Value(1e-300, name="w"), Value(2.0, name="v")
    ((w * 1e200) * 1e200 + v).backward()
    optimizer = me.optim.SGD([v, w], lr=0.1)
    with pytest.raises(me.NonFiniteError, match="w"):
        optimizer.step()
    assert (v.data, w.data) == (2.0, 1e-300)


def test_class_18_denormals_are_kept_and_zero_has_a_sign():
    tiny = Value(5e-324)
    (tiny * 0.5 + tiny).backward()
    assert (tiny.grad, (tiny + 0.0).data) == (1.5, 5e-324)
    for made, sign in (
        (Value(0.0) * -1.0, -1.0),
        (-Value(0.0), -1.0),
        (Value(-0.0) + 0.0, 1.0),
        (Value(-0.0).sqrt(), -1.0),
        (Value(-0.25).ceil(), -1.0),
        (Value(-0.25).round(), -1.0),
        (me.atan2(Value(-0.0), 1.0), -1.0),
    ):
        assert made.data == 0.0
        assert math.copysign(1.0, made.data) == sign


def test_third_derivatives_are_right_at_zero():
    for f, third in (
        (Value.tanh, -2.0),
        (Value.sigmoid, -0.125),
        (lambda x: x**3, 6.0),
        (lambda x: x**2, 0.0),
    ):
        x = Value(0.0)
        y = f(x)
        for _ in range(3):
            (y,) = gradient(y, [x])
        assert y.data == third


def test_detach_keeps_the_value_and_drops_the_responsibility():
    x = Value(3.0)
    y = x * x.detach()
    y.backward()
    assert (y.data, x.grad) == (9.0, 3.0)


def test_a_constant_operand_is_asked_for_nothing():
    y = Value(0.5)
    (0**y).backward()
    assert y.grad == 0.0
    assert [node.primitive and node.primitive.name for node in (y * 2).args] == [None, "constant"]


def test_a_primitive_of_ones_own_is_one_row():
    softplus = Primitive(
        "softplus", lambda x: math.log1p(math.exp(-abs(x))) + max(x, 0), lambda y, x: me.sigmoid(x)
    )
    x = Value(0.3)
    (first,) = gradient(softplus(x), [x])
    (second,) = gradient(first, [x])
    s = 1 / (1 + math.exp(-0.3))
    assert first.data == pytest.approx(s, rel=1e-15)
    assert second.data == pytest.approx(s * (1 - s), rel=1e-15)
    assert softplus(0.3) == softplus(x).data


def test_functions_of_numbers_give_numbers():
    assert me.exp(2.0) == math.exp(2.0)
    assert type(me.exp(2)) is float
    assert me.dot([1, 2], [3, 4], 5) == 16.0
    assert me.total([1, 2, 3]) == 6.0
    assert me.power(2, 3) == 8.0


def test_every_operator_works_from_both_sides():
    v = Value(4.0)
    made = [v + 2, 2 + v, v - 2, 2 - v, v * 2, 2 * v, v / 2, 2 / v, v**2, 2**v, -v, +v, abs(-v)]
    assert [w.data for w in made] == [6, 6, 2, -2, 8, 8, 2, 0.5, 16, 16, -4, 4, 4]


def test_the_mean_of_the_largest_numbers_is_no_overflow():
    largest = sys.float_info.max
    assert me.mean([largest, largest]) == largest
    assert me.mean([Value(largest), Value(largest / 2)]).data == pytest.approx(0.75 * largest)
