"""A trace as straight-line code of rows, and that code as Python: what the python backend runs."""

from __future__ import annotations

import keyword
import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from micrograd_es import floats
from micrograd_es.compiler.code import CONSTANT, INPUT, LEAVES, PARAMETER, Code, renumbered
from micrograd_es.compiler.forms import is_known
from micrograd_es.compiler.hiding import hidden
from micrograd_es.compiler.trace import Trace
from micrograd_es.primitive import Primitive
from micrograd_es.primitives import TABLE

VARIABLE = re.compile(  # what the code that is written calls its own
    r"[vx]\d+|p|float|value|value_and_grad|ArithmeticError|__builtins__"
)
LISTS = {TABLE["softmax_first"]: "softmax", TABLE["unit_first"]: "unit"}  # at once, to the same bit
SIGNS = {name: TABLE[name].text for name in ("add", "sub", "mul", "div", "neg")}


@dataclass(frozen=True, slots=True)
class Linear:
    """Code whose operations are rows; `outputs` are the value and its slopes by the parameters.

    rows    the row of each name
    shares  the products by which a gradient goes on, if `f` takes one: {place: responsibility's}
    before  how many operations the trace had
    """

    code: Code
    outputs: list[int]
    rows: dict[str, Primitive]
    shares: dict[int, int]
    before: int

    @property
    def after(self) -> int:
        return self.code.count(self.outputs)

    def python(self, inputs: Sequence[str], slopes: bool = True, doubting: bool = False) -> str:
        """Return the code as a Python function of one sample's inputs and the list p.

        doubting  whether it raises where an operation would hide what eager refuses: floats do not
                  raise where a + - or * is too large
        """
        wanted = self.outputs if slopes else self.outputs[:1]
        lines: list[str] = []
        names: dict[int, str] = {}
        lists: dict[tuple[str, tuple[int, ...]], tuple[str, list[int]]] = {}
        for place in self.code.live(wanted):
            name, *args = self.code.ops[place]
            if name in LEAVES:
                written = {
                    INPUT: lambda i: inputs[i],
                    PARAMETER: "p[{}]".format,
                    CONSTANT: in_python,
                }
                names[place] = written[name](args[0])
                continue
            if name == "detach":  # has done its work: the slopes are written
                names[place] = names[args[0]]
                continue
            if self.rows[name] in LISTS:  # all components of a list at once
                key = name, tuple(sorted(args))
                if key not in lists:
                    lists[key] = f"v{len(lines)}", args
                    each = ", ".join(names[arg] for arg in args)
                    lines.append(f"    v{len(lines)} = {LISTS[self.rows[name]]}([{each}])")
                variable, order = lists[key]
                names[place] = f"{variable}[{order.index(args[0])}]"
                continue
            operands = [names[arg] for arg in args]
            if name in SIGNS:
                operands = [f"({x})" if x.startswith("-") else x for x in operands]
                formula = SIGNS[name] % tuple(operands)
            else:
                formula = f"{name}({', '.join(operands)})"
            names[place] = f"v{len(lines)}"
            lines.append(f"    v{len(lines)} = {formula}")
        doubts = self.doubts(wanted) if doubting else ()
        if doubts:  # NaN is true
            lines.append(f"    if ({' + '.join(names[place] for place in doubts)}) * 0.0:")
            lines.append("        raise ArithmeticError")
        value, *others = [names[place] for place in wanted]
        result = f"{value}, [{', '.join(others)}]" if slopes else value
        head = f"def {'value_and_grad' if slopes else 'value'}({', '.join([*inputs, 'p'])}):"
        return "\n".join([head, *lines, f"    return {result}"])

    def doubts(self, outputs: Sequence[int]) -> Sequence[int]:
        """Return the results that an operation may hide: all that a row without a form is given."""
        found: dict[int, None] = {}
        for name, *args in (self.code.ops[place] for place in self.code.live(outputs)):
            if name in LEAVES:
                continue
            which = hidden(name, len(args)) if is_known(self.rows[name]) else range(len(args))
            found |= dict.fromkeys(args[i] for i in which)
        return [place for place in found if self.code.ops[place][0] not in LEAVES]

    def function(
        self, inputs: Sequence[str], slopes: bool, doubting: bool = True
    ) -> Callable[..., Any]:
        """Return the Python function, made of the rows' own functions of floats."""
        names: dict[str, Any] = {name: row.value for name, row in self.rows.items()}
        names |= {name: getattr(floats, name) for name in LISTS.values()}
        exec(self.python(inputs, slopes, doubting), names)  # noqa: S102  # text of our own
        made: Callable[..., Any] = names["value_and_grad" if slopes else "value"]
        return made


def linear(trace: Trace) -> Linear:
    """Return a trace as code: common subexpressions once, constants folded, nothing unused."""
    code, rows = Code(), {name: TABLE[name] for name in SIGNS}
    names: dict[Primitive, str] = {}
    shares: dict[int, int] = {}
    place = {leaf: code.leaf(INPUT, i) for i, leaf in enumerate(trace.inputs)}
    place |= {leaf: code.leaf(PARAMETER, i) for i, leaf in enumerate(trace.parameters)}
    order = trace.order()
    for node in order:
        if node in place:
            continue
        args = [place[arg] for arg in node.args]
        row = node.primitive
        if row is None or is_constant(node._data, [code.numbers.get(arg) for arg in args]):
            place[node] = code.constant(node._data)  # folded: the trace has computed its number
            continue
        if row not in names:
            names[row] = name_of(row, rows)
        place[node] = code.put(names[row], *args)
        if node in trace.shares and args[0] in code.ops[place[node]][1:]:
            shares[place[node]] = args[0]
    outputs = [place[node] for node in (trace.output, *trace.gradient)]
    before = sum(bool(node.args) for node in order)
    code, new = renumbered(code, outputs)
    forward = {*code.live([new[outputs[0]]])}  # the value, which is what may be run again
    shares = {new[at]: new[grad] for at, grad in shares.items() if new.get(at) in forward}
    return Linear(code, [new[output] for output in outputs], rows, shares, before)


def is_constant(result: float, args: Sequence[float | None]) -> bool:
    """Return whether an operation is one number, and not one that eager refuses."""
    numbers = [x for x in args if x is not None]
    finite = all(map(math.isfinite, numbers))
    return len(numbers) == len(args) and (math.isfinite(result) or not (finite and numbers))


def name_of(row: Primitive, rows: dict[str, Primitive]) -> str:
    """Return the name of a row in this code: its own, unless that is another's or no name there."""
    name = re.sub(r"\W", "_", unicodedata.normalize("NFKC", row.name))  # as Python reads it
    name = name if name.isidentifier() else f"_{name}"
    while not is_free(name, row) or rows.setdefault(name, row) is not row:
        name += "_"
    return name


def is_free(name: str, row: Primitive) -> bool:
    """Return whether a row may have a name in code: no table's row, leaf or variable has it."""
    if TABLE.get(name, row) is not row or name in LEAVES or name in LISTS.values():
        return False
    return not keyword.iskeyword(name) and not VARIABLE.fullmatch(name)


def in_python(number: float) -> str:
    return repr(number) if math.isfinite(number) else f'float("{number}")'
