"""Nobody swaps Value's methods or numbers; what a trace or a rule may not ask is refused."""

import copy
import functools
import itertools
import math
import signal
import sys
import threading
from contextlib import suppress

import numpy as np
import pytest

import micrograd_es as me
from micrograd_es import (
    DomainError,
    Landscape,
    Primitive,
    TraceError,
    Value,
    check_primitive,
    compile,
    gradient,
    optim,
    value,
    where,
)
from micrograd_es.coercion import guard
from micrograd_es.compiler import trace
from micrograd_es.compiler.replay import eager_outputs
from micrograd_es.errors import PrimitiveError, TraceWarning
from micrograd_es.nodes import node_of
from micrograd_es.value import order_by_dictionary, topological_order
from tests.support.amount import some
from tests.support.interrupts import interrupted_everywhere

W = Value(2.0, name="w")


def test_while_a_function_is_traced_value_is_what_it_was():
    before, seen = dict(vars(Value)), []

    def f(x):
        seen.append((dict(vars(Value)) == before, W._data, guard() is not None))
        return W * x

    compile(f, [W])
    assert seen == [(True, 2.0, True)] * 2
    assert guard() is None


def test_other_threads_compare_and_read_while_somebody_compiles_and_checks():
    wrong, stop = [], threading.Event()

    def read():
        v = Value(2.0)
        while not stop.is_set():
            if not (v > 1 and float(v) == 2.0 and v.data == 2.0 and W.data == 2.0):
                wrong.append(v)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        compile(lambda x: me.tanh(W * x), [W])
        check_primitive(me.primitives.TABLE["tanh"], points=[[0.5]])
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert float(Value(2.0)) == 2.0


def caught(x):
    try:
        if x > 0:
            return x
    except Exception:
        pass
    return W * x


def suppressed(x):
    with suppress(TypeError):
        return x * float(x)
    return W * x


def bare(x):
    try:
        n = int(x)
    except:  # noqa: E722  # that is the point
        n = 1
    return W * x * n


def set_silently(x):
    with suppress(Exception):
        W.data = 5.0
    return W * x


DOUBLE = compile(lambda x: 2 * W * x, [W])


def swallowed(ask):
    def f(x):
        y = W * x
        with suppress(Exception):
            ask(y)
        return y

    return f


SWALLOWED = {
    "a set gradient": swallowed(lambda y: setattr(y, "grad", 0.0)),
    "partials": swallowed(lambda y: y.partials),
    "backward": swallowed(lambda y: y.backward()),
    "a step": swallowed(lambda y: optim.SGD([W], lr=0.1).step()),
    "a gradient": swallowed(lambda y: y.grad),
    "a program": swallowed(lambda y: DOUBLE([1.0])),
    "a format": swallowed(lambda y: f"{y:.3f}"),
    "a list of bools": swallowed(lambda y: [y] == [1.0]),
    "sorted": swallowed(lambda y: sorted([y, W])),
    "try": caught,
    "suppress": suppressed,
    "bare except": bare,
    "a set number": set_silently,
    "a copy": lambda x: [suppress(TypeError), W * x][1] if not copies(x) else x,
}


def copies(x):
    with suppress(Exception):
        copy.deepcopy(x)
    return False


@pytest.mark.parametrize("name", SWALLOWED)
def test_a_refusal_counts_whatever_the_function_catches(name):
    with pytest.raises(TraceError):
        compile(SWALLOWED[name], [W])
    assert W.data == 2.0


ASKED = {
    "!=": lambda c: c != 0,
    "==": lambda c: c == True,  # noqa: E712  # that is the point
    "in": lambda c: c in (True,),  # noqa: FURB171  # that is the point
    "hash": lambda c: {True: 1}.get(c),
    "sum": lambda c: sum([c]),
    "<": lambda c: c < 1,
    "index": lambda c: [1, 2][c],
    "float": float,
    "int": int,
    "not": lambda c: not c,
    "method": lambda c: c.bit_length(),
    "xor": lambda c: c ^ True,
    "& a number": lambda c: c & 1,
    "| a text": lambda c: c | "a",
    "times a value": lambda c: W * c,
    "real": lambda c: c.real,
    "numerator": lambda c: c.numerator,
    "np.real": np.real,
    "str": str,
    "repr": repr,
    "format": lambda c: f"{c}",
    "a text of it": lambda c: {"True": 1}.get(f"{c!r}"),
    "%": lambda c: "%s" % c,  # noqa: UP031  # that is the point
}


@pytest.mark.parametrize("name", ASKED)
def test_a_condition_does_nothing_but_be_chosen_by_and_combined(name):
    def f(x):
        with suppress(Exception):
            ASKED[name](x > 0)
        return W * x

    with pytest.raises(TraceError, match="it is a condition"):
        compile(f, [W])


def test_every_method_of_a_bool_is_refused_by_a_condition():
    conditions = []
    with suppress(TraceError):
        compile(lambda x: conditions.append(x > 0) or W * x, [W])
    allowed = {"__and__", "__or__", "__rand__", "__ror__", "__invert__", *dir(object)}
    for name in ({*dir(bool)} - allowed) | {"__eq__", "__lt__", "__hash__"}:
        with pytest.raises(TraceError):
            getattr(conditions[0], name)()
    assert repr(conditions[0]) == "<a comparison of symbols>"  # the trace is over
    with pytest.raises(AttributeError, match="no such"):
        conditions[0].such  # noqa: B018  # that is the point


@pytest.mark.parametrize("backend", ["python", "numpy", "llvm"])
def test_conditions_combine(backend):
    def f(x):
        inside = (x > 0) & ~(x > 2) & True & (False | (x < 9))
        either = (x < -1) | inside | False
        assert (True | (x > 0)) is True
        assert ((x > 0) & False) is False
        return where(either, W * x, -1.0)

    program = compile(f, [W], backend=backend, reduce=None)
    assert program([-2.0, -0.5, 1.0, 3.0]).tolist() == [-4.0, -1.0, 2.0, -1.0]


@pytest.mark.parametrize(
    "other", [1j, np.array([1.0, 2.0]), pytest.approx(1.0)], ids=["complex", "array", "approx"]
)
def test_a_comparison_with_what_is_no_number_is_not_frozen(other):
    def f(x):
        with suppress(Exception):
            x == other  # noqa: B015  # that is the point
        return W * x

    with pytest.raises(TraceError, match="compares a Value with"):
        compile(f, [W])
    assert compile(lambda x: W * x if x != "a" else x, [W])([1.0]) == 2.0


def test_numpy_s_comparisons_are_conditions_too():
    program = compile(lambda x: where(np.less(x, 1.0), W * x, 0.0), [W])
    assert program([0.5, 3.0]) == 0.5


def test_a_bool_of_numpy_chooses_as_a_bool_does():
    assert where(np.float64(2) > 1, 10.0, 20.0).data == 10.0
    with pytest.raises(TypeError, match="~ of a bool"):
        where(-2, 1.0, 2.0)


def test_symbols_that_escape_are_no_numbers_afterwards():
    kept = []
    compile(lambda x: kept.append(x) or kept.append(W * x) or kept[-1] + 1, [W])
    assert all(math.isnan(v.data) for v in kept)
    assert W.data == 2.0


def test_a_choice_by_equality_warns_once():
    with pytest.warns(TraceWarning, match="chooses by an equality") as found:
        compile(lambda x: where(x == 0, 1, me.sin(W * x) / x), [W])
    assert len(found) == 1


def test_a_trace_in_a_trace_keeps_what_is_no_number_from_the_inner_one():
    def f(x):
        with suppress(Exception):
            compile(lambda z: z * (2.0 if x.data > 0 else 1.0))
        with suppress(Exception):
            compile(lambda z: z + setattr(x, "data", 1.0))
        return W * x

    with pytest.raises(TraceError, match=r"reads \.data"):
        compile(f, [W])


def test_a_sample_is_run_again_from_the_trace_and_not_by_the_function():
    scale = [2.0]
    program = compile(
        lambda x: where(x > 0, lambda: W * me.log(x) * scale[0], lambda: W * x * scale[0]), [W],
        backend="python", reduce=None,
    )  # fmt: skip
    scale[0] = 1000.0
    assert program([-1.0, 0.0]).tolist() == [-4.0, 0.0]
    slope = compile(
        lambda x: gradient(where(x > 0, lambda: me.log(W * x), lambda: 0 * W), [W])[0], [W]
    )
    assert slope([0.0, 2.0]) == 0.25
    with pytest.raises(DomainError, match=r"log\(-1.0\) is undefined.*"):
        compile(lambda x: W * me.log(Value(-1.0)) * x, [W])([1.0])
    with pytest.raises(DomainError, match="sample 0"):
        compile(lambda x: W / 0.0 * x, [W])([1.0])


def test_a_rule_that_catches_the_refusal_is_refused_all_the_same():
    def rule(y, x):
        with suppress(Exception):
            return 1.0 if x > 0 else -1.0
        return me.sign(x)

    with pytest.raises(PrimitiveError, match="branches on a number"):
        check_primitive(Primitive("kinked", abs, rule), points=[[1.0]])

    def broken(y, x):
        if type(x) is not Value:
            return 2 * x
        assert "Value" in f"{x} {x!r}"
        gradient(x * x, [x])
        raise ZeroDivisionError("its own fault")

    with pytest.raises(ZeroDivisionError, match="its own"):
        check_primitive(Primitive("broken", lambda x: x * x, broken), points=[[1.0]])


# ---- all or none ---------------------------------------------------------------------------------


def network():
    ws = [Value(0.5), Value(-1.5), Value(2.0)]
    return ws, me.total([me.tanh(w * 3.0) for w in ws])


def test_backward_adds_everything_or_nothing_wherever_it_is_interrupted():
    ws, output = network()
    ws[1].grad = None
    before = [w.grad for w in ws]

    def check():
        after = [w.grad for w in ws]
        assert after == before

    def action():
        for w, grad in zip(ws, before, strict=True):
            w.grad = grad
        output.backward()

    assert interrupted_everywhere(action, [value], check) > 20
    assert value.walking == []  # and later walks are as fast as before
    assert None not in [w.grad for w in ws]


def test_a_step_moves_all_or_none_wherever_it_is_interrupted():
    ws, output = network()
    output.backward()
    optimizer = optim.SGD(ws, lr=0.1)
    before = [w.data for w in ws]
    expected = [w.data - 0.1 * w.grad for w in ws]

    def check():
        assert [w.data for w in ws] in (before, expected)
        value.set_numbers(zip(ws, before, strict=True))

    interrupted_everywhere(optimizer.step, [optim, value], check)
    assert [w.data for w in ws] == expected


def test_landscapes_and_compilation_leave_parameters_whole():
    ws, _ = network()
    before = [w.data for w in ws]
    field = Landscape(lambda: me.total([w * w for w in ws]), ws)

    def check():
        assert [w.data for w in ws] == before
        assert guard() is None

    from micrograd_es import fields

    interrupted_everywhere(lambda: field.value(1.0, 2.0, 3.0), [fields, value], check)
    rooms = [sys.modules[f"micrograd_es.compiler.{name}"] for name in ("trace", "symbols")]
    interrupted_everywhere(lambda: trace(lambda x: ws[0] * x, ws), rooms, check)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers here")
@pytest.mark.skipif(sys.gettrace() is not None, reason="a measurement of coverage has locks")
def test_timer_signals_interrupt_a_compilation_and_leave_nothing():
    def interrupt(*_):
        raise KeyboardInterrupt

    usual, hits = signal.signal(signal.SIGALRM, interrupt), 0
    try:
        for i in range(150):
            try:
                try:
                    signal.setitimer(signal.ITIMER_REAL, 5e-5 + 2e-6 * i)
                    compile(lambda x: me.tanh(W * x), [W], backend="python")
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:  # also one that came between the two
                hits += 1
            assert guard() is None
            assert W._data == 2.0
            assert Value(2.0) > 1
    finally:
        signal.signal(signal.SIGALRM, usual)
    assert hits


def test_a_weight_without_a_gradient_stays_and_counts_as_0():
    w, v = Value(1.0), Value(2.0)
    w.grad = None
    (w * v).backward()
    assert (w.grad, v.grad) == (2.0, 1.0)
    w.grad = None
    optim.SGD([w, v], lr=0.5).step()
    assert (w.data, v.data) == (1.0, 1.5)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: me.sqrt(x.detach()) + x,
        lambda x: me.acos(me.clip(x + 2, -1, 1)) + x,
        lambda x: me.acosh(me.maximum(x, 1)) + x,
        lambda x: me.maximum(me.sqrt(x * x), 1e-10) + x,
        lambda x: me.sqrt(x * 0.0) + x,
        lambda x: me.sqrt(me.step(x - 1)) + x,
        lambda x: me.sqrt(me.relu(x - 1)) + x,
    ],
)
def test_an_undefined_partial_that_a_lasting_zero_makes_irrelevant_harms_nobody(f):
    x = Value(0.0)
    f(x).backward()
    assert x.grad == 1.0
    x = Value(0.0)
    (slope,) = gradient(f(x), [x])
    assert slope.data == 1.0


@pytest.mark.parametrize(
    "f", [lambda x: me.cbrt(x**3), lambda x: me.sqrt(x**2), lambda x: me.sqrt(me.relu(x))]
)
def test_a_zero_that_merely_happens_here_does_not_cancel(f):
    x = Value(0.0)
    with pytest.raises(DomainError):
        f(x).backward()
    assert x.grad == 0.0
    with pytest.raises(DomainError):
        gradient(f(x), [x])


def slope_or_refusal(ask):
    try:
        return ask() + 0.0  # not -0
    except DomainError:
        return "undefined"


def slopes_of(f, x):
    """The slope at x in each way to ask for it: by backward, gradient, jvp, and each backend."""
    leaf, w = Value(x), Value(x)

    def backward():
        f(leaf).backward()
        return leaf.grad

    ways = [backward, lambda: me.grad(f)(x), lambda: me.jvp(f, x, 1.0)[1]]
    for backend in ("python", "numpy", "llvm"):
        program = compile(lambda zero: f(w) + zero, [w], backend=backend)
        ways.append(lambda program=program: float(program.value_and_grad([0.0])[1][0]))
        ways.append(lambda b=backend: compile(lambda x: me.jvp(f, x, 1.0)[1], backend=b)([x]))
    return [slope_or_refusal(way) for way in ways]


def zeros_of(row):
    for x in (-1.0, -0.5, 0.0, 1.0):
        with suppress(ValueError, ArithmeticError):
            if row.value(x) == 0:
                yield row, x


ZEROS = [zero for row in me.primitives.TABLE.values() if row.arity == 1 for zero in zeros_of(row)]


@pytest.mark.parametrize(("inner", "x"), some(ZEROS, 6), ids=str)
def test_every_way_to_ask_for_a_slope_says_the_same_where_one_inside_is_undefined(inner, x):
    for f in (
        lambda v: me.cbrt(inner(v)),
        lambda v: me.maximum(me.sqrt(inner(v)), 1.0) + v,
        lambda v: inner(me.sqrt(v - x)),
        lambda v: me.sqrt(v - x) * me.detach(v) * 0 + inner(v),
        lambda v: me.atan(me.cbrt(v - x) * inner(me.minimum(v, -9))) + v,
    ):
        floats, graph, *others = slopes_of(f, x)
        if inner is me.relu and x < 0:  # a compiled jvp asks for the partial first (decision 0010)
            others = others[:1] + others[1::2]
        if graph == "undefined":
            assert floats in (0.0, "undefined")  # 0 passes nothing on
            assert {*others} == {"undefined"}
        else:
            assert [floats, *others] == [pytest.approx(graph)] * (1 + len(others))


def test_the_side_that_was_not_chosen_gets_nothing_though_the_other_side_may_move():
    x, w = Value(0.5), Value(1.0)
    y = me.acosh(me.maximum(x, w))
    assert gradient(y, [x])[0].data == 0.0
    with pytest.raises(DomainError):
        gradient(y, [w])


def test_a_slope_that_is_gone_since_the_forward_pass_is_an_error():
    x = Value(2.0)
    y = me.log(x)
    x.data = 0.0
    with pytest.raises(DomainError, match=r"1.0 / 0.0 is undefined"):
        gradient(y, [x])


def test_gradient_is_pure_in_threads_that_share_features():
    ws = [Value(0.1 * i + 0.1) for i in range(4)]
    shared = [ws[0]]
    for i in range(200):
        shared.append(me.tanh(shared[-1] * ws[i % 4] + shared[len(shared) // 2]))
    losses = [me.total(shared[::7]) * float(k + 1) for k in range(8)]
    expected = [[g.data for g in gradient(loss, ws)] for loss in losses]
    wrong = []

    def work(k):
        found = [[g.data for g in gradient(losses[k], ws)] for _ in range(4)]
        wrong.extend(k for slopes in found if slopes != expected[k])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_both_walks_list_the_same():
    _, output = network()
    assert order_by_dictionary(output, {}) == topological_order(output)
    inner = functools.reduce(lambda a, b: a + b, [output, output * 2, Value(1.0)])
    assert order_by_dictionary(inner, {}) == topological_order(inner)
    inner.a = inner
    with pytest.raises(me.GraphError, match="depends on itself"):
        order_by_dictionary(inner, {})


def test_a_direction_in_which_a_slope_exists_has_it_beside_one_in_which_it_does_not():
    def f(v):
        return me.sqrt(v[0]) + v[1] * v[1]

    assert me.jvp(f, [0.0, 3.0], [0.0, 1.0]) == (9.0, 6.0)
    with pytest.raises(DomainError):
        me.jvp(f, [0.0, 3.0], [1.0, 1.0])
    assert me.jvp(lambda v: me.sqrt(v[0] * 0.0) + v[0], [2.0], [1.0]) == (2.0, 1.0)
    with pytest.raises(DomainError):  # the change is 0 here only
        me.jvp(lambda v: me.sqrt(v[0] ** 2), [0.0], [1.0])
    assert me.jvp(lambda v: [1.0, v[0]], [2.0], [3.0]) == ([1.0, 2.0], [0.0, 3.0])
    assert me.hvp(lambda v: v[0] ** 2 + v[1] ** 1.5, [1.0, 0.0], [1.0, 0.0]) == [2.0, 0.0]
    x, y = Value(1.0), Value(0.0)
    first, second = gradient(x**2 + y**1.5, [x, y])
    assert [g.data for g in gradient(first, [x, y])] == [2.0, 0.0]
    with pytest.raises(DomainError):
        gradient(second, [x, y])


HUGE = [0.0, -0.0, 1.0, -2.0, 1e-200, 1e200, 5e-324, 1.7e308, math.inf, -math.inf, math.nan]


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "power", "hypot", "atan2", "xlogy"])
def test_a_number_on_one_side_is_what_a_value_is_there(name):
    row = me.primitives.TABLE[name]

    def outcome(make, *operands):
        try:
            node = make(*operands)
            node.backward()
        except (ValueError, ArithmeticError) as error:
            return repr(error)
        return repr((node.data, [v.grad for v in operands if type(v) is Value]))

    careful = functools.partial(node_of, row)
    for x, z in itertools.product(HUGE, HUGE):
        assert outcome(row.node, Value(x), z) == outcome(careful, Value(x), z), (x, z)
        assert outcome(row.node, x, Value(z)) == outcome(careful, x, Value(z)), (x, z)


ADVISED = sorted(name for name, row in me.primitives.TABLE.items() if row.instead)
BAD = [-1e300, -3.0, -2.0, -1.5, -1.0, -0.5, -1e-300, -0.0, 0.0, 1e-300, 0.5, 1.0, 1.5, 2.0, 1e300]


@pytest.mark.parametrize("name", ADVISED)
def test_what_an_error_advises_has_a_value_and_slopes_where_the_function_has_none(name):
    row = me.primitives.TABLE[name]
    names = vars(me) | me.primitives.TABLE | {"where": where, "clip": me.clip}
    bad = 0
    for point in itertools.product(BAD, repeat=row.arity):
        letters = ["x"] if row.arity == 1 else ["a", "b"]
        leaves = [Value(x) for x in point]
        try:
            row.node(*leaves)
        except DomainError:
            bad += 1
        except OverflowError:
            continue
        else:
            continue
        output = eval(row.instead, names | dict(zip(letters, leaves, strict=True)))
        output.backward()
        assert all(math.isfinite(v.grad) for v in (output, *leaves)), point
        assert [g.data for g in gradient(output, leaves)] == [v.grad for v in leaves]
    assert bad


# ---- what may be compiled ------------------------------------------------------------------------


class Scaled:
    def __init__(self):
        self.w = Value(3.0)

    def __call__(self, x, k=2.0):
        return self.w * x * k

    def bare(self):
        return self.w * 2.0

    def method(self, x):
        return self(x)


MANY = [
    (lambda x, k=2: k * x, 6.0),
    (functools.partial(lambda x, k: k * x, k=2), 6.0),
    (functools.partial(lambda k, x: k * x, 2), 6.0),
    (Scaled(), 18.0),
    (Scaled().method, 18.0),
    (me.tanh, math.tanh(3.0)),
    (np.tanh, math.tanh(3.0)),
    (lambda x, *, k=2, **options: k * x, 6.0),
]


@pytest.mark.parametrize(("f", "expected"), MANY)
def test_whatever_can_be_called_compiles(f, expected):
    holder = f if isinstance(f, Scaled) else getattr(f, "__self__", None)
    parameters = [holder.w] if isinstance(holder, Scaled) else []
    assert compile(f, parameters)([3.0]) == pytest.approx(expected)


@pytest.mark.parametrize("name", [n for n in me.primitives.TABLE if not n.endswith("_jet")])
def test_a_row_itself_compiles_one_of_a_list_too(name):
    row = me.primitives.TABLE[name]
    point = {"acosh": [1.3]}.get(name, [0.3, 1.3, 2.3, 3.3][: row.arity or 3])
    program = compile(row, inputs=None if row.arity else 3)
    assert program(*[[x] for x in point]) == pytest.approx(row.node(*map(Value, point)).data)


def test_bounds_of_clip_may_be_values():
    low, high = Value(-1.0), Value(1.0)
    program = compile(lambda x: me.clip(x, low, high), [low, high], reduce=None)
    values, slopes = program.value_and_grad([-2.0, 0.5, 3.0])
    assert values.tolist() == [-1.0, 0.5, 1.0]
    assert slopes.tolist() == [[1, 0], [0, 0], [0, 1]]
    with pytest.raises(ValueError, match="give the lower bound first"):
        me.clip(Value(0.0), 2, 1)


def test_inputs_and_forms_that_are_none_are_refused_and_those_without_are_none():
    for inputs in (-1, 1.5, "2"):
        with pytest.raises(ValueError, match="give a whole number"):
            compile(lambda x: x, inputs=inputs)
    for f in (lambda *xs: xs[0], me.total, max):
        with pytest.raises(TypeError, match="say how many, inputs=3"):
            compile(f)
    with pytest.raises(TypeError, match="takes k by name only"):
        compile(lambda x, *, k: k * x)
    for forms in ([1], {1: 2}):
        with pytest.raises(TypeError, match=r"expected \{primitive: function\}"):
            compile(lambda x: x, forms=forms)
    assert compile(lambda x, k=2: k * x, inputs=2)([3.0], [4.0]) == 12.0
    assert compile(np.hypot)([3.0], [4.0]) == 5.0
    held = Scaled()
    assert compile(held.bare, [held.w])() == 6.0


@pytest.mark.parametrize("name", sorted({*me.primitives.TABLE} - {"constant"}))
def test_a_sample_run_again_has_eager_s_slopes_detached_or_not(name):
    row = me.primitives.TABLE[name]
    points = {"acosh": [1.3]}.get(name, [0.3, 1.3, 2.3, 3.3][: row.arity or 3])
    weights = [Value(x) for x in points]

    def f():
        y = row.node(*weights)
        return me.detach(y) * y + row.node(*map(me.detach, weights)) * weights[0]

    output = f()
    eager = [output.data, *(slope.data for slope in gradient(output, weights))]
    again = [Value(x) for x in points]
    assert eager_outputs(compile(f, weights).linear, 0, [], again) == eager


def test_a_number_that_is_formatted_is_a_number_that_is_read():
    captured = Value(3.0)
    with pytest.raises(TraceError, match="neither an input nor listed"):
        compile(lambda x: W * x * float(f"{captured:.3f}"), [W])


def test_a_deep_copy_of_a_program_has_parameters_of_its_own_or_says_why_not():
    held = Scaled()
    program = compile(held, [held.w])
    again = copy.deepcopy(program)
    again.parameters[0].data = 1.0
    assert (program([1.0]), again([1.0])) == (6.0, 2.0)
    assert copy.copy(program)([1.0]) == 6.0
    assert copy.deepcopy(compile(lambda x: 2 * x))([1.0]) == 2.0
    with pytest.raises(TypeError, match="a deep copy of this program"):
        copy.deepcopy(compile(lambda x: W * x, [W]))
