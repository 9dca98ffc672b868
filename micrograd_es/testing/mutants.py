"""Bugs that engines have had, put into ours one at a time: what are your tests worth?

    with MUTANTS["assign_for_add"].applied():
        ...                             # here x + x has the gradient 1

    pytest tests --micrograd-es-mutants

A suite is worth what it notices: `survivors(test)` runs a test under each bug and returns those
that it did not. Everything is put back afterwards, whatever happens.
"""

from __future__ import annotations

import inspect
import math
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module

from micrograd_es import coercion, fields, functions, nodes, operators, value
from micrograd_es.check import measure
from micrograd_es.errors import MicrogradError
from micrograd_es.primitives import TABLE

Undo = Callable[[], None]
Change = Callable[[], Undo]  # makes a change and returns what undoes it


@dataclass(frozen=True)
class Mutant:
    """A bug: what is wrong, and how the engine is changed while it is applied."""

    name: str
    sentence: str
    change: Change

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Have the bug inside the block. In all threads: this is for tests, one at a time."""
        undo = self.change()
        try:
            rebuild()
            yield
        finally:
            undo()
            rebuild()


def rebuild() -> None:
    """Make the makers of all rows anew, and hang them on Value."""
    for row in TABLE.values():
        object.__setattr__(row, "node", nodes.maker(row))
    operators.attach()


def survivors(
    test: Callable[[], object], mutants: Mapping[str, Mutant] | None = None
) -> list[Mutant]:
    """Return the bugs under which a test passes: those that it does not notice.

    The test must pass without any, else MicrogradError; it notices by raising anything.
    """
    if is_noticed(test):
        raise MicrogradError("the test fails without any bug: there is nothing to measure")
    found = []
    for mutant in (MUTANTS if mutants is None else mutants).values():
        with mutant.applied():
            if not is_noticed(test):
                found.append(mutant)
    return found


def is_noticed(test: Callable[[], object]) -> bool:
    try:
        test()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # as pytest's own failures are
        return True
    return False


# ---- two ways to change the engine ---------------------------------------------------------------


def text(owner: object, name: str, *edits: tuple[str, str]) -> Change:
    """A function of a class or a module, or of one that is named, with some of its text replaced."""

    def change(owner: object = owner) -> Undo:
        owner = import_module(owner) if isinstance(owner, str) else owner
        original, function = inspect.getattr_static(owner, name), getattr(owner, name)
        try:
            code = textwrap.dedent(inspect.getsource(function))
        except OSError:
            raise MicrogradError(f"{name} has a bug already: apply one at a time") from None
        for old, new in edits:
            if old not in code:
                raise MicrogradError(f"mutant of {name}: its source has no {old!r} any more")
            code = code.replace(old, new)
        namespace: dict[str, object] = {}
        code = f"from __future__ import annotations\n{code}"
        exec(code, vars(inspect.getmodule(function)), namespace)  # in the globals of its module
        setattr(owner, name, namespace[name])
        return lambda: setattr(owner, name, original)

    return change


def row(name: str, **fields: object) -> Change:
    """A row of the table, with another value or other partials."""

    def put(those: Mapping[str, object]) -> None:
        for field, thing in those.items():
            object.__setattr__(TABLE[name], field, thing)

    def change() -> Undo:
        original = {field: getattr(TABLE[name], field) for field in fields}
        put(fields)
        return lambda: put(original)

    return change


def partials(name: str, *rules: object) -> Change:
    return row(name, partials=rules)


# ---- the bugs ------------------------------------------------------------------------------------

STEP, SIGN, ABS = TABLE["step"], TABLE["sign"], TABLE["abs"]
COS, SIN, TANH = TABLE["cos"], TABLE["sin"], TABLE["tanh"]
TO_FLOAT32 = "__import__('struct').unpack('f', __import__('struct').pack('f', node._grad))[0]"
LATE = "float(node.primitive.partial(0, node._data, [x._data for x in node.args]))"
A_MOMENT = "__import__('time').sleep(1e-4)"  # in which another thread has its turn
OF_WALK = "topological_order.__dict__.setdefault"  # something that outlives the walk

# fmt: off
BUGS: dict[str, tuple[str, Change]] = {
    # ---- going back
    "assign_for_add":      ("= for += at the second operand",      text(value, "backward", ("b._grad += ", "b._grad = "))),
    "assign_first":        ("= for += at the first operand",       text(value, "backward", ("a._grad += ", "a._grad = "))),
    "assign_in_lists":     ("= for += at the arguments of a list", text(value, "backward", ("arg._grad += ", "arg._grad = "))),
    "swapped_partials":    ("each operand gets the other's share", text(value, "backward", ("a._grad += grad * node.da\n                    b._grad += grad * node.db",
                                                                                          "a._grad += grad * node.db\n                    b._grad += grad * node.da"))),
    "forgotten_reset":     ("inner nodes keep the last backward",  text(value, "start_afresh", ("else:\n            node._grad = 0.0", "else:\n            pass"))),
    "leaves_reset":        ("leaves forget the last backward",     text(value, "start_afresh", ("leaves.append((node, node._grad))", "leaves.append((node, node._grad)); node._grad = 0.0"))),
    "wrong_seed":          ("the output is responsible for itself twice", text(value, "backward", ("_grad += 1.0", "_grad += 2.0"))),
    "no_reversal":         ("the order is walked forward",         text(value, "backward", ("reversed(order)", "order"))),
    "negative_dropped":    ("a negative share goes no farther",    text(value, "backward", ("grad == 0.0", "grad <= 0.0"))),
    "float32":             ("shares are rounded to float32",       text(value, "backward", ("grad = node._grad\n", f"grad = {TO_FLOAT32}\n"))),
    "clipped":             ("shares are clipped to ±10",           text(value, "backward", ("grad = node._grad\n", "grad = max(-10.0, min(10.0, node._grad))\n"))),
    "late_partials":       ("partials are taken when going back",  text(value, "backward", ("grad * node.da\n", f"grad * {LATE}\n"))),
    # ---- the walk
    "first_sight_order":   ("nodes in the order of first sight",   text(value, "topological_order", ("node.mark = closed\n            order.append(node)", "node.mark = closed"),
                                                                                                  ("a, b = node.a, node.b\n", "a, b = node.a, node.b\n        order.insert(0, node)\n"))),
    "second_forgotten":    ("the second operand is not visited",   text(value, "topological_order", ("if b.mark is not closed", "if False"))),
    "visited_twice":       ("a node is visited once for each use", text(value, "topological_order", ("        if node.mark is closed:\n            continue\n", ""),
                                                                                                  ("if b.mark is not closed", "if True"), ("if a.mark is not closed", "if True"))),
    "marks_stay":          ("the marks of the last walk count",    text(value, "topological_order", ("object(), object()", "'opened', 'closed'"))),
    "not_deep":            ("long chains are too deep",            text(value, "topological_order", ("while stack:", "while stack:\n        if len(stack) > 2000:\n            raise RecursionError(len(stack))"))),
    "memory_leak":         ("every walk is kept",                  text(value, "topological_order", ("return order\n", f"{OF_WALK}('kept', []).append(order)\n    return order\n"))),
    "random_order":        ("operands are visited in any order",   text(value, "topological_order", ("a, b = node.a, node.b\n", "a, b = node.a, node.b\n        if b is not None and __import__('random').random() < 0.5:\n            a, b = b, a\n"))),
    "one_order_for_all":   ("all threads share one list",          text(value, "topological_order", ("order: list[Value] = []", f"order = {OF_WALK}('order', []); order.clear()"), ("return order\n", f"del this; {A_MOMENT}; return order\n"))),
    # ---- making nodes
    "constant_operand":    ("v * 2: the value gets no share",      text(nodes, "maker_with_number", ("by_a(y, x, z) if left is a else 0.0", "0.0"))),
    "reflected_operand":   ("2 - v is computed as v - 2",          text(operators, "reflected_operator", ("node(other, self)", "node(self, other)"))),
    "undefined_is_zero":   ("a slope without end becomes 0",       text(nodes, "partial_of", ("return Undefined(", "return 0.0 and Undefined("))),
    "texts_are_numbers":   ("a text becomes a number",             text(coercion, "real_number", ('raise TypeError(f"{describe(number)} is not a real number: {way_out(number)}")', "return float(number)"))),
    # ---- order two
    "no_order_two":        ("second derivatives see constants",    text(value, "shares", ("times(grad, partial)", "times(grad, stored)"))),
    "assign_in_gradient":  ("= for + in gradient()",               text(functions, "gradient", ("grads[arg] + share if arg in grads else share", "share"))),
    "levels_mix":          ("nested gradients share their inputs", text(functions.Run, "of", ("identity(x) if type(x) is Value else Value(x)", "x if type(x) is Value else Value(x)"))),
    # ---- rows
    "sub_sign":            ("a - b: the sign of b is lost",        partials("sub", 1, 1)),
    "mul_partials":        ("a * b: each operand for the other",   partials("mul", lambda y, a, b: a, lambda y, a, b: b)),
    "div_sign":            ("a / b: the sign of b is lost",        partials("div", lambda y, a, b: 1 / b, lambda y, a, b: y / b)),
    "div_term":            ("a / b: a factor a is missing",        partials("div", lambda y, a, b: 1 / b, lambda y, a, b: -1 / (b * b))),
    "neg_sign":            ("-a: the sign is lost",                row("neg", partials=1)),
    "square_factor":       ("a²: the factor 2 is missing",         row("square", partials=lambda y, x: x)),
    "power_log":           ("a ** b: no logarithm by b",           partials("power", TABLE["power"].partials[0], lambda y, a, b: y)),
    "sqrt_half":           ("√a: the factor ½ is missing",         row("sqrt", partials=lambda y, x: 1 / y)),
    "exp_1e5":             ("exp: off by 1e-5",                    row("exp", partials=lambda y, x: y * 1.00001)),
    "log_epsilon":         ("log: an ε in the denominator",        row("log", partials=lambda y, x: 1 / (x + 1e-6))),
    "sin_sign":            ("sin: the sign is wrong",              row("sin", partials=lambda y, x: -COS(x))),
    "tanh_square":         ("tanh: 1 - y for 1 - y²",              row("tanh", partials=lambda y, x: 1 - y)),
    "tanh_cancels":        ("tanh: 1 - y², which cancels",         row("tanh", partials=lambda y, x: 1 - y * y)),
    "sigmoid_cancels":     ("σ: y·(1 - y), which cancels",         row("sigmoid", partials=lambda y, x: y * (1 - y))),
    "sech2_factor":        ("tanh'': the factor 2 is missing",     row("sech2", partials=lambda y, x: -y * TANH(x))),
    "softplus_overflows":  ("softplus: log(1 + exp(x)) as written", row("softplus", value=lambda x: math.log(1 + math.exp(x)))),
    "hypot_overflows":     ("hypot: √(a² + b²) as written",        row("hypot", value=lambda a, b: math.sqrt(a * a + b * b))),
    "relu_hides_nan":      ("relu: NaN becomes 0",                 row("relu", value=lambda x: x if x > 0 else 0.0)),
    "relu_kink":           ("relu: the slope at 0 is 2",           row("relu", partials=lambda y, x: STEP(x) + 2 * (1 - ABS(SIGN(x))))),
    "relu_shifted":        ("relu: its kink is at 1",              row("relu", partials=lambda y, x: STEP(x - 1))),
    "tie_counted_twice":   ("maximum: a tie gives 1 to both",      partials("maximum", lambda y, a, b: 1 - STEP(b - a), lambda y, a, b: 1 - STEP(a - b))),
    "log_of_negatives":    ("log of -1 is that of 1",              row("log", value=lambda x: math.log(abs(x)))),
    "total_as_mean":       ("total: the slopes of the mean",       row("total", partials=lambda y, *xs: (1 / len(xs),) * len(xs))),
    "dot_partials":        ("dot: each w for itself",              row("dot", partials=lambda y, *args: args)),
}

# in the checker: no law of engines can notice them, the tests of check_gradient do
CHECKER_BUGS: dict[str, tuple[str, Change]] = {
    "bounds_divided":      ("bounds are a fourth of what they are", text(measure.Ladder, "limit", ("best = Slope(estimate, bound)", "best = Slope(estimate, bound / 4)"))),
    "coarse_believed":     ("finer steps are not asked",           text(measure.Ladder, "limit", ("if estimate - room > high or estimate + room < low", "if False"))),
    "stairs_unseen":       ("the slope of one stair is believed",  text(measure, "edge_between", ("return (start, end, moves[-1]) if broken else None", "return None"))),
    "kinks_are_stairs":    ("every dispute is stairs",             text(measure, "edge_between", ("moves[-1] > moves[-11] / 2", "moves[-1] > 0"), ("if moves[-1] <= least", "if moves[-1] == 0"))),
    "noise_unseen":        ("f is thought right to the last bit",  text(measure, "noise_at", ("return max(2 * noise, math.ulp(y))", "return math.ulp(y)"))),
}
# fmt: on
MUTANTS = {name: Mutant(name, sentence, change) for name, (sentence, change) in BUGS.items()}
CHECKER_MUTANTS = {
    name: Mutant(name, sentence, change) for name, (sentence, change) in CHECKER_BUGS.items()
}
# No law is about these rooms: only their own tests can notice, and nobody else's need to.
# fmt: off
OUTSIDE_BUGS: dict[str, tuple[str, Change]] = {
    "half_the_bound":      ("the story's bound of the rate is 1/λ",  text("micrograd_es.lesson.story", "bound", ("2 / curvature", "1 / curvature"))),
    "points_unsorted":     ("stationary points in the grid's order", text(fields.Field, "stationary_points", ("sorted(found, key=lambda one: one.point)", "found"))),
    "ranges_reversed":     ("a folded graph says 3 … 1",             text("micrograd_es.draw.graph", "partial_text", ("low, high = min(partials), max(partials)", "low, high = max(partials), min(partials)"))),
    "number_unguarded":    ("v / 1e-300: an infinite slope is kept", text(nodes, "maker_with_number", ("if (y + da + db) * 0.0:", "if False:"))),
}
# fmt: on
OUTSIDE = {
    name: Mutant(name, sentence, change) for name, (sentence, change) in OUTSIDE_BUGS.items()
}


def find_mutant(name: str) -> Mutant:
    """Return a bug of the list; MicrogradError if there is none of that name."""
    if name not in MUTANTS:
        raise MicrogradError(f"bug {name!r}: expected one of {', '.join(MUTANTS)}")
    return MUTANTS[name]
