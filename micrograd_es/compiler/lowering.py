"""A program of rows, written in basic operations, without losing what eager refuses.

    lower(linear, forms)   the code, and the places of its outputs

Eager raises where an operation makes infinity or NaN of finite numbers. A program shows that by an
output that is infinite or NaN, unless another operation hides it: tanh(1/x) at x = 0 is tanh(∞),
which is 1. So 1/x is *in doubt*. The program adds 0 · (the sum of all that is in doubt) to its
output: that is 0, or NaN if one of them is infinite or NaN, and then program.py runs the sample
again in eager mode.

In where(x > 0, tanh(1/x), 0) the doubt must not count for x = -1, so doubts of a branch go through
the same choice as the branch: 0 · where(x > 0, 1/x, 0). And in the gradient, a partial of a branch
that is not chosen is multiplied by a responsibility of 0: the product is 0, also where that is NaN.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from functools import cached_property

from micrograd_es.compiler.code import LEAVES, Code
from micrograd_es.compiler.forms import FORMS, Form, FormulaGraph, formula_of, is_known
from micrograd_es.compiler.hiding import BOUNDED, HIDES_NAN, args_hidden_by
from micrograd_es.compiler.linear import LinearTrace
from micrograd_es.compiler.list_forms import reduce_pairwise
from micrograd_es.compiler.symbols import CHOICE_NAMES
from micrograd_es.compiler.terms import Number, Term, m
from micrograd_es.primitive import Primitive

# fmt: off
NEVER_UNDEFINED = BOUNDED - {"asin", "acos"} | {  # of finite numbers: at most too large for a float
    "add", "sub", "mul", "neg", "square", "identity", "detach", "abs", "relu", "leaky_relu",
    "softplus", "log_sigmoid", "silu", "gelu", "floor", "ceil", "round", "maximum", "minimum",
    "dot", "total", "mean", "norm", "hypot", *CHOICE_NAMES,
}
# fmt: on


def lower(
    linear: LinearTrace, forms: Mapping[Primitive, Form], doubting: bool = True
) -> tuple[Code, list[int]]:
    """Return code of basic operations only, and the places of its outputs.

    forms     formulas, written in primitives, of rows whose value is not
    doubting  whether an output is NaN where an operation hides what eager refuses

    TraceError for a row whose value is not written in primitives and that has no form.
    """
    lowering = Lowering(linear, forms, doubting)
    return lowering.code, lowering.outputs()


class Lowering:
    """Writes the operations of a program one by one, as basic operations of `code`.

    terms    for each operation of the program, the place of its result in `code`
    doubts   for each, the places in `code` of the operands that it may hide
    chosen   for each choice with doubts in its branches, those of the branch that is chosen
    bounded  the places in `code` that are never infinite, whatever their operands are
    given    the places in `code` of numbers that the user gave, which are never in doubt
    """

    def __init__(
        self, linear: LinearTrace, forms: Mapping[Primitive, Form], doubting: bool
    ) -> None:
        self.linear, self.ops = linear, linear.code.ops
        self.forms, self.doubting = forms, doubting
        self.formulas: dict[tuple[Primitive, int], FormulaGraph] = {}
        self.code = Code()
        self.bounded: set[int] = set()
        self.given: set[int] = set()
        self.terms: list[Term] = []
        self.doubts: list[set[int]] = []
        self.chosen: dict[int, Term] = {}
        self.rows = {name: row for name, row in linear.rows.items() if is_known(row)}
        shares = self.shares_of_branches()
        for place, (name, *content) in enumerate(self.ops):
            self.doubts.append(set())
            if name in LEAVES:
                self.terms.append(Term(self.code, self.code.leaf(name, content[0])))
                self.given.add(self.terms[-1].place)
                continue
            args = [self.terms[arg] for arg in content]
            self.terms.append(self.apply(linear.rows[name], args))
            if place in shares:
                self.terms[place] = self.write_share(*shares[place])
            elif doubting and self.is_choice(place):
                self.choose_doubts(place)

    def is_choice(self, place: int) -> bool:
        """Return whether an operation is one of `where`, and not a user's row of that name."""
        return self.ops[place][0] in CHOICE_NAMES and self.ops[place][0] in self.rows

    def outputs(self) -> list[int]:
        """Return the places of the outputs.

        What the value needs is in doubt there; what only the slopes need, in the first of them.
        """
        terms = [self.terms[place] for place in self.linear.outputs]
        if self.doubting:
            value, *slopes = self.linear.outputs
            in_doubt = [self.in_doubt([value], set()), self.in_doubt(slopes, self.always)]
            in_doubt[1] -= in_doubt[0]
            for i, places in enumerate(in_doubt):
                if places:
                    terms[i] = terms[i] + 0 * self.total(places)
        return [term.place for term in terms]

    # ---- rows

    def apply(self, row: Primitive, args: list[Term]) -> Term:
        """Write a row of the package, or a user's row by its formula."""
        if not is_known(row):
            return self.apply_formula(row, args)
        self.note_doubts(row.name, args)
        form = FORMS.get(row.name)
        result = args[0].put(row.name, *args) if form is None else form(*args)
        term = result if isinstance(result, Term) else Term(self.code, self.code.constant(result))
        if row.name in BOUNDED:
            self.bounded.add(term.place)
        return term

    def apply_formula(self, row: Primitive, args: list[Term]) -> Term:
        """Write the graph of a user's row, node by node."""
        key = row, len(args)
        if key not in self.formulas:
            self.formulas[key] = formula_of(*key, self.forms)
        leaves, order = self.formulas[key]
        terms = dict(zip(leaves, args, strict=True))
        for node in order:
            if node in terms:
                continue
            if node.primitive is None or not node.args:
                terms[node] = Term(self.code, self.code.constant(node.data))
            else:
                terms[node] = self.apply(node.primitive, [terms[arg] for arg in node.args])
        return terms[order[-1]]

    def note_doubts(self, name: str, args: list[Term]) -> None:
        """Note the operands that a row may hide, except numbers that the user gave."""
        places = {args[i].place for i in args_hidden_by(name, len(args))}
        if name not in HIDES_NAN:
            places -= self.bounded
        self.doubts[-1] |= places - self.given

    # ---- doubts

    def in_doubt(self, roots: Iterable[int], known: set[int]) -> set[int]:
        """Return what is in doubt for the roots, and not already for the `known` places."""
        doubts = set[int]()
        for place in self.needs(roots, known):
            doubts.update(self.doubts[place])
            if place in self.chosen:
                doubts.add(self.chosen[place].place)
        return doubts

    def total(self, places: Iterable[int]) -> Number:
        """Return the sum of what is in doubt; 0 if nothing is."""
        terms = [Term(self.code, place) for place in sorted(places)]
        return reduce_pairwise(operator.add, terms) if terms else 0.0

    def needs(self, roots: Iterable[int], known: set[int]) -> list[int]:
        """Return the places that the roots need whichever branches are chosen.

        Not the branches themselves, nor a partial whose responsibility may be 0 by a choice.
        """
        places: set[int] = set()
        stack = [*roots]
        while stack:
            place = stack.pop()
            name, *args = self.ops[place]
            if place in places or place in known or name in LEAVES:
                continue
            places.add(place)
            if self.is_choice(place):
                args = args[:2]
            elif place in self.zero_by_choice:
                args = [arg for arg in args if arg in self.zero_by_choice]
            stack += args
        return sorted(places)

    def choose_doubts(self, place: int) -> None:
        """Write the doubts of both branches of a choice, and the same choice between them."""
        name, a, b, *branches = self.ops[place]
        doubts = [self.total(self.in_doubt([branch], self.always)) for branch in branches]
        if doubts != [0.0, 0.0]:
            comparison = name.removeprefix("if_")
            self.chosen[place] = m.where(comparison, self.terms[a], self.terms[b], *doubts)

    # ---- the gradient

    @cached_property
    def always(self) -> set[int]:
        """What the value needs whichever branches are chosen."""
        return {*self.needs(self.linear.outputs[:1], set())}

    @cached_property
    def zero_by_choice(self) -> set[int]:
        """What is 0 where some branch is not chosen: responsibilities, and partials of a choice."""
        zeros: set[int] = set()
        constants = self.linear.code.constants
        for place, (name, *args) in enumerate(self.ops):
            if name not in self.rows or name in LEAVES:
                continue
            if name in CHOICE_NAMES:
                zero = any(constants.get(branch) == 0 for branch in args[2:])
            elif name == "mul":
                zero = not zeros.isdisjoint(args)
            else:
                zero = name in ("neg", "add") and zeros.issuperset(args)
            if zero:
                zeros.add(place)
        return zeros

    def shares_of_branches(self) -> dict[int, tuple[int, int]]:
        """Return {place of a product: (responsibility, partial)} where it may be 0 · undefined.

        A share of the gradient whose responsibility is 0 is 0, as in eager. `write_share` needs a
        choice for that, so it is written only where the partial may be undefined: in a branch.
        """
        if not self.zero_by_choice:
            return {}
        defined = set[int]()
        for place, (name, *args) in enumerate(self.ops):
            sure = place in self.always or name in LEAVES
            if sure or (name in self.rows and name in NEVER_UNDEFINED and defined.issuperset(args)):
                defined.add(place)
        shares = {}
        for place in self.zero_by_choice - {*self.linear.code.live(self.linear.outputs[:1])}:
            name, *args = self.ops[place]
            if name == "mul":
                zero, other = args if args[0] in self.zero_by_choice else args[::-1]
                if other not in self.zero_by_choice and other not in defined:
                    shares[place] = zero, other
        return shares

    def write_share(self, responsibility: int, partial: int) -> Term:
        """Write responsibility · partial, which is 0 where the responsibility is."""
        zero, other = self.terms[responsibility], self.terms[partial]
        product = zero * other
        if self.doubting and (places := self.in_doubt([partial], self.always)):
            product = product + 0 * self.total(places)
        share: Term = m.where("equal", zero, 0, 0, product)
        return share
