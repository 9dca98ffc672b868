"""A trace as straight-line code of rows, and that code as Python: what the python backend runs.

    linearize(trace)                 repeats removed, constants folded, nothing unused
    LinearTrace.python_text(inputs)  the function that print(program) shows
    LinearTrace.python_function(…)   the same, compiled

Its operations are rows of the table and of users; basic operations come with lowering.py.
"""

from __future__ import annotations

import keyword
import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from micrograd_es import floats
from micrograd_es.compiler.code import CONSTANT, INPUT, LEAVES, PARAMETER, Code, compact
from micrograd_es.compiler.forms import is_known
from micrograd_es.compiler.hiding import args_hidden_by
from micrograd_es.compiler.trace import Trace
from micrograd_es.primitive import Primitive
from micrograd_es.primitives import TABLE

RESERVED = re.compile(  # names that the text itself uses
    r"[vx]\d+|p|float|value|value_and_grad|ArithmeticError|__builtins__"
)
LIST_FUNCTIONS = {  # functions that compute all components at once, to the same bit
    TABLE["softmax_first"]: "softmax",
    TABLE["unit_first"]: "unit",
}
INFIX = {name: TABLE[name].text for name in ("add", "sub", "mul", "div", "neg")}


@dataclass(frozen=True, slots=True)
class LinearTrace:
    """Code whose operations are rows; `outputs` are the value and its slopes by the parameters.

    rows    the row of each name in the code
    shares  the products by which the gradient goes on, where f itself takes a gradient: the place
            of each → the place of the responsibility in it
    before  how many operations the trace had
    """

    code: Code
    outputs: list[int]
    rows: dict[str, Primitive]
    shares: dict[int, int]
    before: int

    @property
    def after(self) -> int:
        """How many operations are left."""
        return self.code.count(self.outputs)

    def python_text(
        self, inputs: Sequence[str], slopes: bool = True, doubting: bool = False
    ) -> str:
        """Return the code as a Python function of one sample's inputs and the list p.

        inputs    what the inputs are called
        slopes    whether it returns (value, slopes), else the value alone
        doubting  whether it raises ArithmeticError where an operation hides what eager refuses:
                  Python's floats do not raise where a + - or * is too large
        """
        outputs = self.outputs if slopes else self.outputs[:1]
        leaf = {INPUT: lambda i: inputs[i], PARAMETER: "p[{}]".format, CONSTANT: python_literal}
        lines, names = self.code.assign(outputs, leaf, self.expression)
        if doubting and (doubts := self.doubts(outputs)):
            # infinity times 0 is NaN, and NaN is true
            lines.append(f"if ({' + '.join(names[place] for place in doubts)}) * 0.0:")
            lines.append("    raise ArithmeticError")
        value, *others = [names[place] for place in outputs]
        lines.append(f"return {value}, [{', '.join(others)}]" if slopes else f"return {value}")
        head = f"def {'value_and_grad' if slopes else 'value'}({', '.join([*inputs, 'p'])}):"
        return "\n    ".join([head, *lines])

    def expression(self, name: str, args: list[int], names: dict[int, str]) -> tuple[str, str]:
        """Return an operation as Python, and the subscript that takes its result from a list."""
        if self.rows[name] in LIST_FUNCTIONS:
            components = sorted(args)
            each = ", ".join(names[arg] for arg in components)
            text = f"{LIST_FUNCTIONS[self.rows[name]]}([{each}])"
            return text, f"[{components.index(args[0])}]"
        operands = [names[arg] for arg in args]
        if name in INFIX:
            return INFIX[name] % tuple(f"({x})" if x[0] == "-" else x for x in operands), ""
        return f"{name}({', '.join(operands)})", ""

    def doubts(self, outputs: Sequence[int]) -> list[int]:
        """Return the results that an operation may hide; a row without a form may hide all."""
        doubts: dict[int, None] = {}
        for name, *args in (self.code.ops[place] for place in self.code.live(outputs)):
            if name not in LEAVES:
                known = is_known(self.rows[name])
                which = args_hidden_by(name, len(args)) if known else range(len(args))
                doubts |= dict.fromkeys(args[i] for i in which)
        return [place for place in doubts if self.code.ops[place][0] not in LEAVES]

    def python_function(
        self, inputs: Sequence[str], slopes: bool, doubting: bool = True
    ) -> Callable[..., Any]:
        """Return the function of `python_text`, which calls the rows' own functions of floats."""
        names: dict[str, Any] = {name: row.value for name, row in self.rows.items()}
        names |= {name: getattr(floats, name) for name in LIST_FUNCTIONS.values()}
        exec(self.python_text(inputs, slopes, doubting), names)  # noqa: S102  # text of our own
        function: Callable[..., Any] = names["value_and_grad" if slopes else "value"]
        return function


def linearize(trace: Trace) -> LinearTrace:
    """Return a trace as code: common subexpressions once, constants folded, nothing unused."""
    code, rows = Code(), {name: TABLE[name] for name in INFIX}
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
        if row is None or can_fold(node._data, [code.constants.get(arg) for arg in args]):
            place[node] = code.constant(node._data)  # folded: the trace has computed its number
            continue
        if row not in names:
            names[row] = name_in_code(row, rows)
        place[node] = code.put(names[row], *args)
        if node in trace.shares and args[0] in code.ops[place[node]][1:]:
            shares[place[node]] = args[0]
    outputs = [place[node] for node in (trace.output, *trace.gradient)]
    before = sum(bool(node.args) for node in order)
    code, new = compact(code, outputs)
    of_value = {*code.live([new[outputs[0]]])}  # all that a sample run again needs
    shares = {new[at]: new[grad] for at, grad in shares.items() if new.get(at) in of_value}
    return LinearTrace(code, [new[output] for output in outputs], rows, shares, before)


def can_fold(result: float, args: Sequence[float | None]) -> bool:
    """Return whether an operation on constants is a constant, and not one that eager refuses."""
    numbers = [x for x in args if x is not None]
    finite = all(map(math.isfinite, numbers))
    return len(numbers) == len(args) and (math.isfinite(result) or not (finite and numbers))


def name_in_code(row: Primitive, rows: dict[str, Primitive]) -> str:
    """Return the name of a row in the code, and enter it in `rows`.

    It is the row's own name, with _ appended while another row, or Python, has that name.
    """
    name = re.sub(r"\W", "_", unicodedata.normalize("NFKC", row.name))  # as Python reads it
    name = name if name.isidentifier() else f"_{name}"
    while not is_free(name, row) or rows.setdefault(name, row) is not row:
        name += "_"
    return name


def is_free(name: str, row: Primitive) -> bool:
    """Return whether a row may have a name in code: no table's row, leaf or variable has it."""
    if TABLE.get(name, row) is not row or name in LEAVES or name in LIST_FUNCTIONS.values():
        return False
    return not keyword.iskeyword(name) and not RESERVED.fullmatch(name)


def python_literal(number: float) -> str:
    """Return a float as Python writes it; repr(inf) would be a name."""
    return repr(number) if math.isfinite(number) else f'float("{number}")'
