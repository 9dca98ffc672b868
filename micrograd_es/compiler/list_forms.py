"""Forms of rows with any number of arguments: sums, products, lengths, softmax.

    LIST_FORMS                  the forms, by the names of their rows

    total, mean, dot            sums
    product, other_product      products in which no intermediate result leaves the range of floats
    norm, unit_first            lengths, likewise
    log_sum_exp, softmax_first  exponentials, likewise

The docstring of a form is the formula that it writes.

The n slopes of softmax or norm each have all n arguments, and share almost all of their work.
`write_once` writes that once, so that a program of n slopes has O(n) operations and not O(n²).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeVar

from micrograd_es.compiler.terms import Number, Term, m, write_once

Item = TypeVar("Item")


def total(*xs: Term) -> Term:
    """x₁ + x₂ + …"""
    return reduce(operator.add, xs)


def mean(*xs: Term) -> Term:
    """Σx / n; where the sum overflows, Σ(x / n)."""
    n, whole_sum = len(xs), total(*xs)
    of_shares = total(*(x / n for x in xs))
    return m.where("equal", m.abs(whole_sum), math.inf, of_shares, whole_sum / n)


def dot(*args: Term) -> Term:
    """w₁·x₁ + w₂·x₂ + … + what is added; the args are all w, then all x, then a bias if any."""
    n = len(args) // 2
    products = [w * x for w, x in zip(args[:n], args[n : 2 * n], strict=True)]
    return total(*products, *args[2 * n :])


def reduce_pairwise(join: Callable[[Item, Item], Item], xs: Sequence[Item]) -> Item:
    """Return the xs joined two by two, and the results two by two: a tree, not a chain."""
    row = [*xs]
    while len(row) > 1:
        row = join_neighbours(join, row)
    return row[0]


def join_neighbours(join: Callable[[Item, Item], Item], row: Sequence[Item]) -> list[Item]:
    """Return join(a, b) for each pair; the last element stays alone where their number is odd."""
    pairs = [join(a, b) for a, b in zip(row[::2], row[1::2], strict=False)]
    return [*pairs, *row[2 * len(pairs) :]]


# the factors of Scaled, and the sizes from which it applies them
UP, DOWN, SMALL, LARGE = 2.0**600, 2.0**-600, 2.0**-400, 2.0**400


@dataclass(frozen=True, slots=True)
class Scaled:
    """The number x · 2^(600·k), with an x of which x·x neither overflows nor underflows."""

    x: Number
    k: Number

    @classmethod
    def of(cls, x: Number, k: Number = 0.0) -> Scaled:
        """Return x · 2^(600·k), with x scaled once more if it is near an end of the range."""
        size = m.abs(x)
        factor = m.where("less", size, SMALL, UP, m.where("less", LARGE, size, DOWN, 1))
        more = m.where("less", factor, 1, 1, m.where("less", 1, factor, -1, 0))
        return cls(x * factor, k + more)

    def __mul__(self, other: Scaled) -> Scaled:
        return Scaled.of(self.x * other.x, self.k + other.k)

    def number(self) -> Number:
        """Return x · 2^(600·k) as one Term."""
        x = self.x
        for n in range(3):  # more steps than three take every x out of the range of floats
            x = x * m.where("less", n, self.k, UP, m.where("less", self.k, -n, DOWN, 1))
        return x


def product(*xs: Number) -> Number:
    """x₁ · x₂ · …; no intermediate product leaves the range of floats."""
    if len(xs) > 2:
        return reduce_pairwise(operator.mul, [Scaled.of(x) for x in xs]).number()
    one: Number = 1.0
    return reduce(lambda a, b: a * b, xs, one)


@write_once
def products_of_others(*xs: Term) -> dict[int, Number]:
    """Return {place of x: product of the others} for each x.

    `levels` is a tree of products: the xs, the products of pairs, …, the product of all. Going down
    again, what is outside a branch is what is outside the one above it, times the other half there.
    """
    levels = [[Scaled.of(x) for x in xs]]
    while len(levels[-1]) > 1:
        levels.append(join_neighbours(operator.mul, levels[-1]))
    outside: list[Scaled | None] = [None]
    for row in levels[-2::-1]:
        above = [outside[i // 2] for i in range(len(row))]
        beside = [row[i ^ 1] if i ^ 1 < len(row) else None for i in range(len(row))]
        outside = [a * b if a and b else a or b for a, b in zip(above, beside, strict=True)]
    return {x.place: rest.number() for x, rest in zip(xs, outside, strict=True) if rest}


def other_product(x: Term, *others: Term) -> Number:
    """The product of the others, whatever x is."""
    return products_of_others(x, *others)[x.place] if len(others) > 2 else product(*others)


def maximum(*xs: Term) -> Term:
    """The largest x, NaN if one is."""
    return reduce_pairwise(m.max, xs)


@write_once
def lengths(*xs: Term) -> tuple[Term, Term, Term]:
    """Return the largest |x|, what to divide every x by, and the length of these quotients.

    They are at most 1, so that no square overflows.
    """
    size = maximum(*(m.abs(x) for x in xs))
    scale = m.where("equal", size, 0, 1, m.where("equal", size, math.inf, 1, size))
    return size, scale, m.sqrt(total(*((x / scale) * (x / scale) for x in xs)))


def norm(*xs: Term) -> Term:
    """√(Σx²)"""
    size, _, length = lengths(*xs)
    return size * length


def unit_first(*xs: Term) -> Term:
    """x₁ / √(Σx²), and 0 for the vector of zeros."""
    size, scale, length = lengths(*xs)
    return m.where("equal", size, 0, 0, xs[0] / scale / length)


@write_once
def exponentials(*xs: Term) -> tuple[Term, dict[int, Term], Term]:
    """Return top, the largest x; exp(x - top) of each, by its place; and the sum of these, less 1.

    What x - top loses by rounding is put back, as in floats.exponentials. An x that is the largest
    is counted and not added up, so that the sum less 1 is exact where the others are small.
    """
    top = maximum(*xs)
    rounded = [m.exp(x - top) for x in xs]
    exact = [e + e * m.difference_error(x, top) for e, x in zip(rounded, xs, strict=True)]
    small = [m.where("equal", e, 0, 0, y) for e, y in zip(rounded, exact, strict=True)]
    others = total(*(m.where("equal", x, top, 0, e) for x, e in zip(xs, small, strict=True)))
    count = total(*(m.where("equal", x, top, 1, 0) for x in xs))
    es = {x.place: m.where("equal", x, top, 1, e) for x, e in zip(xs, small, strict=True)}
    return top, es, others + (count - 1)


def log_sum_exp(*xs: Term) -> Term:
    """log Σeˣ"""
    top, _, others = exponentials(*xs)
    return top + m.log1p(others)


def softmax_first(*xs: Term) -> Term:
    """exp(x₁) / Σeˣ"""
    _, es, others = exponentials(*xs)
    return es[xs[0].place] / (1 + others)


LIST_FORMS: dict[str, Callable[..., Number]] = {
    "total": total, "mean": mean, "dot": dot, "prod": product, "other_product": other_product,
    "norm": norm, "unit_first": unit_first, "log_sum_exp": log_sum_exp,
    "softmax_first": softmax_first,
}  # fmt: skip
