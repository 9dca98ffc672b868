"""What a law is, how an engine is held to it, and what is said of the smallest case that breaks it.

A law draws its cases with hypothesis, asks the engine, and judges the answer by an oracle, or by
another answer of the engine. It gives the rung that judge_program, or raises Broken with the case.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Flaky, HypothesisException
from hypothesis.strategies import SearchStrategy

from micrograd_es.testing.engines.adapters import Engine
from micrograd_es.testing.oracles.judgement import judge
from micrograd_es.testing.programs import Program

BLIND = 0.1  # of the cases: the most that may be inconclusive
INCONCLUSIVE = "inconclusive"
BY_ITSELF = "the engine itself"  # a rung: two of its answers were compared
REFUSED = "refusal"  # a rung: the engine refused what the law lets it refuse
LACKING = {  # what an engine may be without, as the report says it
    "graph": "graph that outlives a gradient",
    "assign": "leaves that can be given another number",
    "gradient": "gradients that can be differentiated again",
    "over": "numbers but floats",
    "functions": "function that this is about",
}
Plan = Mapping[str, SearchStrategy[Any]]  # what the arguments of a statement are drawn from


class Broken(AssertionError):  # noqa: N818  # the verdict on an engine, not an error of ours
    """An engine breaks a law; the message is the case."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of holding an engine to a law.

    verdict  "kept", "broken", "blind" (too much was inconclusive) or "not applicable"
    example  the smallest case found in which it is broken, or why the law is not applicable
    rungs    how many cases were judged by which rung of the ladder
    """

    law: str
    engine: str
    verdict: str
    example: str = ""
    rungs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Law:
    """A statement about engines; drawn says what its cases are drawn from, plan by plan."""

    statement: Callable[..., str]
    drawn: Callable[[Engine], Sequence[Plan]]
    needs: tuple[str, ...] = ()
    least: int = 24  # cases of each plan

    @property
    def name(self) -> str:
        return self.statement.__name__

    @property
    def sentence(self) -> str:
        return " ".join((self.statement.__doc__ or "").split())

    def check(self, engine: Engine, examples: int = 60, rng: int | None = None) -> Finding:
        """Hold an engine to the law, on the same cases in every run unless rng seeds others.

        The examples are shared out among the plans, at least `least` for each.
        """
        missing = [what for what in self.needs if not has(engine, what)]
        plans = [] if missing else self.drawn(engine)
        if not plans:
            what = ", ".join(LACKING.get(one, one) for one in missing) or LACKING["functions"]
            return Finding(self.name, engine.name, "not applicable", f"it has no {what}")
        counted: Counter[str] = Counter()

        def case(**drawn: Any) -> None:
            counted[self.asked(engine, drawn)] += 1

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what an engine says of NaN is not the question
                for plan in plans:
                    repeated(case, plan, max(examples // len(plans), self.least), rng)
        except Broken as found:
            return Finding(self.name, engine.name, "broken", str(found), dict(counted))
        except Flaky:
            moody = "a case that broke the law did not when it was tried again"
            return Finding(self.name, engine.name, "broken", moody, dict(counted))
        blind = counted[INCONCLUSIVE] > BLIND * max(counted.total(), 10)
        return Finding(self.name, engine.name, "blind" if blind else "kept", "", dict(counted))

    def asked(self, engine: Engine, drawn: Mapping[str, Any]) -> str:
        """Return the rung that judged a case; Broken also for whatever else the engine raises."""
        try:
            return self.statement(engine, **drawn)
        except (Broken, HypothesisException):
            raise
        except Exception as error:
            problem = " ".join(str(error).split())[:100]
            raise Broken(
                f"{case_text(**drawn)}it raises {type(error).__name__}: {problem}"
            ) from error


def law(
    drawn: Callable[[Engine], Sequence[Plan]] = lambda engine: [{}],
    needs: str = "",
    least: int = 24,
) -> Callable[[Callable[..., str]], Law]:
    """Make a function a law: what its cases are drawn from, and what an engine must have for it."""
    return lambda statement: Law(statement, drawn, tuple(needs.split()), least)


def has(engine: Engine, what: str) -> bool:
    return what in engine.functions or bool(getattr(engine, what, False))


def repeated(case: Callable[..., None], plan: Plan, examples: int, rng: int | None) -> None:
    """Run a case on what hypothesis draws; what it raises is of the smallest case that does."""
    if not plan:
        return case()
    test = given(**plan)(case)
    if rng is not None:
        test = seed(rng)(test)
    return settings(
        max_examples=examples,
        derandomize=rng is None,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate, Phase.target, Phase.shrink),
        print_blob=False,
    )(test)()


# ---- saying what was found -----------------------------------------------------------------------


def case_text(**drawn: Any) -> str:
    """Return a drawn case in a line: programs as Python, with their names if there are several."""
    several = sum(isinstance(x, Program) for x in drawn.values()) > 1
    parts = []
    for name, x in drawn.items():
        if isinstance(x, Program):
            parts.append(f"{f'{name} is ' * several}{'; '.join(x.written())}")
        else:
            parts.append(f"{name} = {x!r}")
    return "".join(f"{part}: " for part in parts)


def agree(what: str, got: Sequence[float], expected: Sequence[float], rung: str = "exact") -> str:
    """Return the rung if two lists are the same to the bit; else raise Broken."""
    if list(got) == list(expected):
        return rung
    raise Broken(f"{what}: {slopes_text(got)}, expected {slopes_text(expected)}")


def slopes_text(slopes: Sequence[float]) -> str:
    return repr(slopes[0]) if len(slopes) == 1 else f"({', '.join(map(repr, slopes))})"


def judge_program(program: Program, got: Sequence[float]) -> str:
    """Return the rung that judged a gradient; Broken if it fails."""
    found = judge(program, got)
    if found.verdict == "fail":
        expected = f"{slopes_text(found.slopes)} ± {max(found.room):.1g} ({found.rung})"
        raise Broken(
            f"{case_text(program=program)}the gradient is {slopes_text(got)}, expected {expected}"
        )
    return found.rung if found.verdict == "pass" else INCONCLUSIVE
