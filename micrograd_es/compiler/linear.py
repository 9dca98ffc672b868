"""A trace as straight-line code of rows, and that code as Python: what the python backend runs."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from micrograd_es.compiler.code import CONSTANT, INPUT, LEAVES, PARAMETER, Code, renumbered
from micrograd_es.compiler.trace import Trace
from micrograd_es.primitive import Primitive
from micrograd_es.primitives import TABLE

VARIABLE = re.compile(r"[vx]\d+|p|float")  # what the code that is written calls its own
SIGNS = {"add": "%s + %s", "sub": "%s - %s", "mul": "%s * %s", "div": "%s / %s", "neg": "-%s"}


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

    def python(self, inputs: Sequence[str], slopes: bool = True) -> str:
        """Return the code as a Python function of one sample's inputs and the list p."""
        wanted = self.outputs if slopes else self.outputs[:1]
        lines: list[str] = []
        names: dict[int, str] = {}
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
            operands = [names[arg] for arg in args]
            if name in SIGNS:
                operands = [f"({x})" if x.startswith("-") else x for x in operands]
                formula = SIGNS[name] % tuple(operands)
            else:
                formula = f"{name}({', '.join(operands)})"
            names[place] = f"v{len(lines)}"
            lines.append(f"    v{len(lines)} = {formula}")
        value, *others = [names[place] for place in wanted]
        result = f"{value}, [{', '.join(others)}]" if slopes else value
        head = f"def {'value_and_grad' if slopes else 'value'}({', '.join([*inputs, 'p'])}):"
        return "\n".join([head, *lines, f"    return {result}"])

    def function(self, inputs: Sequence[str], slopes: bool) -> Callable[..., Any]:
        """Return the Python function, made of the rows' own functions of floats."""
        names: dict[str, Any] = {name: row.value for name, row in self.rows.items()}
        exec(self.python(inputs, slopes), names)
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
        folded = all(arg in code.numbers for arg in args) and math.isfinite(node._data)
        if row is None or not args or folded:  # the trace has computed its number
            place[node] = code.constant(node._data)
            continue
        if row not in names:
            names[row] = name_of(row, rows)
        place[node] = code.put(names[row], *args)
        if node in trace.shares and args[0] in code.ops[place[node]][1:]:
            shares[place[node]] = args[0]
    outputs = [place[node] for node in (trace.output, *trace.gradient)]
    before = sum(bool(node.args) for node in order)
    code, new = renumbered(code, outputs)
    shares = {new[at]: new[grad] for at, grad in shares.items() if at in new}
    return Linear(code, [new[output] for output in outputs], rows, shares, before)


def name_of(row: Primitive, rows: dict[str, Primitive]) -> str:
    """Return the name of a row in this code: its own, unless that is another's."""
    name = row.name
    while not is_free(name, row) or rows.setdefault(name, row) is not row:
        name += "_"
    return name


def is_free(name: str, row: Primitive) -> bool:
    """Return whether a row may have a name in code: no table's row, leaf or variable has it."""
    if TABLE.get(name, row) is not row or name in LEAVES:
        return False
    return name.isidentifier() and not keyword.iskeyword(name) and not VARIABLE.fullmatch(name)


def in_python(number: float) -> str:
    return repr(number) if math.isfinite(number) else f'float("{number}")'
