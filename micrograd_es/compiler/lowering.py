"""A program of rows written in basic operations, without losing what eager refuses.

    lowered(linear, forms)   the code, and the places of its outputs

Eager raises where an operation makes infinity or NaN of finite numbers. A program notices that in
its result, unless another operation hides it: tanh(∞) is 1, 5 / ∞ is 0. So what such an operation
is given is in doubt: 0 times the sum of all doubts is added to the output, which leaves it as it is
or makes it NaN; and then program.py runs the sample again, as eager does. A branch that is not
chosen is never in doubt: its doubts go through the same choice, and where its responsibility is 0,
what it would be multiplied by does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from micrograd_es.compiler.code import LEAVES, Code
from micrograd_es.compiler.forms import (
    FORMS,
    Form,
    Formula,
    Number,
    Term,
    formula_of,
    is_known,
    m,
    pairwise,
)
from micrograd_es.compiler.hiding import BOUNDED, CHOICES, HIDES_NAN, hidden
from micrograd_es.compiler.linear import Linear
from micrograd_es.primitive import Primitive

# fmt: off
MILD = BOUNDED - {"asin", "acos"} | {  # finite wherever their arguments are; or too large, perhaps
    "add", "sub", "mul", "neg", "square", "identity", "detach", "abs", "relu", "leaky_relu",
    "softplus", "log_sigmoid", "silu", "gelu", "floor", "ceil", "round", "maximum", "minimum",
    "dot", "total", "mean", "norm", "hypot", *CHOICES,
}
# fmt: on


def lowered(
    linear: Linear, forms: Mapping[Primitive, Form], doubting: bool = True
) -> tuple[Code, list[int]]:
    """Return code of basic operations only, and the places of its outputs.

    forms     the formulas, in primitives, of rows whose value is not written in them
    doubting  whether an output is NaN where an operation hides what eager refuses
    """
    lowering = Lowering(linear, forms, doubting)
    return lowering.code, lowering.outputs()


class Lowering:
    """Writes the operations of a program one by one.

    terms   what each became
    doubts  what each may hide: the places, in the code written, of its operands
    chosen  the doubts of the branches of a choice, by the same choice; if there are any
    """

    def __init__(self, linear: Linear, forms: Mapping[Primitive, Form], doubting: bool) -> None:
        self.linear, self.ops = linear, linear.code.ops
        self.forms, self.doubting = forms, doubting
        self.formulas: dict[tuple[Primitive, int], Formula] = {}
        self.code = Code()
        self.bounded: set[int] = set()
        self.given: set[int] = set()
        self.terms: list[Term] = []
        self.doubts: list[set[int]] = []
        self.chosen: dict[int, Term] = {}
        self.rows = {name: row for name, row in linear.rows.items() if is_known(row)}
        shares = self.shares()
        for place, (name, *what) in enumerate(self.ops):
            self.doubts.append(set())
            if name in LEAVES:
                self.terms.append(Term(self.code, self.code.leaf(name, what[0])))
                self.given.add(self.terms[-1].place)
                continue
            args = [self.terms[arg] for arg in what]
            self.terms.append(self.apply(linear.rows[name], args))
            if place in shares:
                self.terms[place] = self.share(*shares[place])
            elif doubting and name in CHOICES and name in self.rows:
                self.choose(place)

    def outputs(self) -> list[int]:
        """Return the places of the outputs, with what is in doubt added to the first two."""
        found = [self.terms[place] for place in self.linear.outputs]
        if self.doubting:
            value, *slopes = self.linear.outputs
            in_doubt = [self.in_doubt([value], set()), self.in_doubt(slopes, self.needed)]
            in_doubt[1] -= in_doubt[0]
            for i, places in enumerate(in_doubt):
                if places:
                    found[i] = found[i] + 0 * self.total(places)
        return [term.place for term in found]

    # ---- rows

    def apply(self, row: Primitive, args: list[Term]) -> Term:
        """Write a row of the package, or the formula of a user's, row by row."""
        if not is_known(row):
            return self.formula(row, args)
        self.look_at(row.name, args)
        form = FORMS.get(row.name)
        made = args[0].put(row.name, *args) if form is None else form(*args)
        term = made if isinstance(made, Term) else Term(self.code, self.code.constant(made))
        if row.name in BOUNDED:
            self.bounded.add(term.place)
        return term

    def formula(self, row: Primitive, args: list[Term]) -> Term:
        key = row, len(args)
        if key not in self.formulas:
            self.formulas[key] = formula_of(*key, self.forms)
        formula = self.formulas[key]
        found = dict(zip(formula.args, args, strict=True))
        for node in formula.order:
            if node in found:
                continue
            if node.primitive is None or not node.args:
                found[node] = Term(self.code, self.code.constant(node.data))
            else:
                found[node] = self.apply(node.primitive, [found[arg] for arg in node.args])
        return found[formula.order[-1]]

    def look_at(self, name: str, args: list[Term]) -> None:
        """Note the operands that a row may hide, but for numbers that the user gave."""
        places = {args[i].place for i in hidden(name, len(args))}
        if name not in HIDES_NAN:
            places -= self.bounded
        self.doubts[-1] |= places - self.given

    # ---- doubts

    def in_doubt(self, roots: Iterable[int], known: set[int]) -> set[int]:
        """Return what is in doubt for the roots, but for some places that are known."""
        found = set[int]()
        for place in self.needs(roots, known):
            found.update(self.doubts[place])
            if place in self.chosen:
                found.add(self.chosen[place].place)
        return found

    def total(self, places: Iterable[int]) -> Number:
        """Return the sum of what is in doubt; 0 if nothing is."""
        terms = [Term(self.code, place) for place in sorted(places)]
        return pairwise(Term.__add__, terms) if terms else 0.0

    def needs(self, roots: Iterable[int], known: set[int]) -> list[int]:
        """Return what the roots need in any case: not the branches, nor where a share may be 0."""
        found: dict[int, None] = {}
        stack = [*roots]
        while stack:
            place = stack.pop()
            name, *args = self.ops[place]
            if place in found or place in known or name in LEAVES:
                continue
            found[place] = None
            if name in CHOICES and name in self.rows:
                args = args[:2]
            elif place in self.by_choice:
                args = [arg for arg in args if arg in self.by_choice]
            stack += args
        return sorted(found)

    def choose(self, place: int) -> None:
        """Write the doubts of both branches of a choice, one of which counts."""
        name, a, b, *branches = self.ops[place]
        doubts = [self.total(self.in_doubt([branch], self.needed)) for branch in branches]
        if doubts != [0.0, 0.0]:
            comparison = name.removeprefix("if_")
            self.chosen[place] = m.where(comparison, self.terms[a], self.terms[b], *doubts)

    # ---- the gradient

    @cached_property
    def needed(self) -> set[int]:
        """What the value needs, whichever branches are chosen."""
        return {*self.needs(self.linear.outputs[:1], set())}

    @cached_property
    def by_choice(self) -> set[int]:
        """The responsibilities that are 0 where a branch is not chosen, and partials of choices."""
        found: set[int] = set()
        numbers = self.linear.code.numbers
        for place, (name, *args) in enumerate(self.ops):
            if name not in self.rows or name in LEAVES:
                continue
            if name in CHOICES:
                zero = any(numbers.get(branch) == 0 for branch in args[2:])
            elif name == "mul":
                zero = not found.isdisjoint(args)
            else:
                zero = name in ("neg", "add") and found.issuperset(args)
            if zero:
                found.add(place)
        return found

    def shares(self) -> dict[int, tuple[int, int]]:
        """Return (responsibility, partial) of the products that may be 0 · undefined.

        A share of the gradient whose responsibility is 0 is 0, as in eager. It takes a choice, so
        it is written only where the partial may be undefined: in a branch.
        """
        if not self.by_choice:
            return {}
        value = {*self.linear.code.live(self.linear.outputs[:1])}
        mild = set[int]()
        for place, (name, *args) in enumerate(self.ops):
            sure = place in self.needed or name in LEAVES
            if sure or (name in self.rows and name in MILD and mild.issuperset(args)):
                mild.add(place)
        found = {}
        for place in self.by_choice - value:
            name, *args = self.ops[place]
            if name == "mul":
                zero, other = args if args[0] in self.by_choice else args[::-1]
                if other not in self.by_choice and other not in mild:
                    found[place] = zero, other
        return found

    def share(self, responsibility: int, partial: int) -> Term:
        zero, other = self.terms[responsibility], self.terms[partial]
        product = zero * other
        if self.doubting and (places := self.in_doubt([partial], self.needed)):
            product = product + 0 * self.total(places)
        chosen: Term = m.where("equal", zero, 0, 0, product)
        return chosen
