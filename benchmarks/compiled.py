"""Compiled programs against C and numpy by hand, and against other engines, all in one run.

    pip install -e ".[bench]" && python benchmarks/compiled.py
        [--tasks relu tanh whole one] [--samples 100 10000] [--rounds 9] [--json]

relu, tanh  value and gradient of the mean hinge loss of a network 2-16-16-1, 337 parameters
whole       the same for 100 samples as one scalar graph of 64 000 operations, without inputs
one         a step of gradient descent of the 1-1-1 network

float64, one thread on one core: libraries that start threads of their own share it. Engines take
turns; the figure is the median of the processor time, the ratio
that to the first engine in the same round, with its quartiles. Peers that are not installed are
named. Python's cyclic garbage collector is paused while the clock runs.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

if hasattr(os, "sched_setaffinity"):  # before a library counts the cores
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np  # noqa: E402  # after the number of threads is said

from benchmarks import moons  # noqa: E402  # the same
from benchmarks.conformance import machine  # noqa: E402  # the same
from micrograd_es import Value, compile, losses, nn, optim, relu  # noqa: E402  # the same

STEPS = 50  # of a native descent, in one call
Run = tuple[Callable[[], Any], int]  # and how many steps that is


def measured(runs: dict[str, Run], rounds: int) -> dict[str, dict[str, Any]]:
    """Return the seconds of a step of each engine: the median, and the ratio to the first."""
    spent: dict[str, list[float]] = {name: [] for name in runs}
    gc.collect()
    gc.freeze()
    gc.disable()
    for i in range(rounds + 1):
        for name in list(runs)[:: 1 if i % 2 else -1]:
            (run, steps), clock = runs[name], time.process_time
            start, count = clock(), 0
            while clock() - start < 0.02:
                run()
                count += steps
            if i:  # the first warms up
                spent[name].append((clock() - start) / count)
            if name == "micrograd":
                gc.collect()  # its graphs are cycles
    gc.enable()
    first = spent[next(iter(runs))]
    found = {}
    for name, times in spent.items():
        ratios = [a / b for a, b in zip(times, first, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        found[name] = {
            "µs": 1e6 * statistics.median(times), "ratio": middle, "quartiles": [low, high],
        }  # fmt: skip
    return found


def with_accuracy(
    found: dict[str, Any], runs: dict[str, Run], expected: tuple[float, Any]
) -> dict[str, Any]:
    """Add how far each engine's value and gradient are from those expected, at most."""
    value, gradient = expected
    for name, (run, steps) in runs.items():
        if steps == 1:
            got, slopes = run()
            off = np.abs(np.asarray(slopes) - gradient).max() + abs(float(got) - value)
            found[name]["off"] = float(off)
    return found


# ---- tasks ---------------------------------------------------------------------------------------


def network_of(activation: str) -> tuple[Any, list[Value], Any]:
    network = nn.MLP(2, [16, 16, 1], activation=activation, rng=random.Random(0))
    parameters = network.parameters()
    return network, parameters, np.array([parameter.data for parameter in parameters])


def of_network(activation: str, samples: int, rounds: int) -> dict[str, Any]:
    network, parameters, p = network_of(activation)
    columns = moons.data(samples)
    runs: dict[str, Run] = {"numpy by hand": (moons.by_hand(columns, p, activation), 1)}
    seconds, refused, operations = {}, {}, 0

    def loss(a: Value, b: Value, y: Value) -> Value:
        return relu(1 - y * network([a, b]))

    for backend in ("numpy", "llvm"):
        start = time.process_time()
        program = compile(loss, parameters, backend=backend)
        program.value_and_grad(*columns)
        seconds[backend] = time.process_time() - start
        operations = program.linear.after
        runs[f"ours, {backend}"] = (lambda q=program: q.value_and_grad(*columns)), 1
        runs[f"ours, {backend}, flat parameters"] = (
            (lambda q=program: q.value_and_grad(*columns, parameters=p)),
            1,
        )
    other, moving, _ = network_of(activation)  # the descent moves its own parameters
    descent = compile(lambda a, b, y: relu(1 - y * other([a, b])), moving, backend="llvm")
    runs["ours, llvm, native descent"] = (
        (lambda: descent.sgd(*columns, lr=1e-12, steps=STEPS)),
        STEPS,
    )
    for name, make in list(moons.ENGINES.items())[1:]:
        start = time.process_time()
        try:
            step = make(columns, p, activation)
            step()
        except (ImportError, moons.Refused) as error:
            refused[name] = str(error)
            continue
        seconds[name] = time.process_time() - start
        runs[name] = step, 1
    found = with_accuracy(measured(runs, rounds), runs, runs["numpy by hand"][0]())
    return {
        "task": f"{activation}, {samples} samples; {operations} operations a sample",
        "engines": found, "refused": refused, "prepared in seconds": seconds,
    }  # fmt: skip


def whole_batch(rounds: int, samples: int = 100) -> dict[str, Any]:
    """The loss over a batch, as one graph: what the user writes is 643 operations a sample."""
    network, parameters, p = network_of("relu")
    columns = moons.data(samples)
    rows = [*zip(*(column.tolist() for column in columns), strict=True)]

    def loss() -> Value:
        return sum(relu(1 - y * network([a, b])) for a, b, y in rows) * (1 / samples)

    runs, seconds, refused = dict[str, Run](), {}, {}
    for backend in ("llvm", "numpy"):
        start = time.process_time()
        program = compile(loss, parameters, backend=backend)
        program.value_and_grad()
        seconds[backend] = time.process_time() - start
        runs[f"ours, {backend}"] = (lambda q=program: q.value_and_grad(parameters=p)), 1
    try:
        start = time.process_time()
        runs["casadi"] = casadi_whole(rows, p), 1
        seconds["casadi"] = time.process_time() - start
    except ImportError as error:
        refused["casadi"] = str(error)
    found = with_accuracy(measured(runs, rounds), runs, moons.by_hand(columns, p, "relu")())
    operations = 643 * samples
    for one in found.values():
        one["ns an operation"] = 1e3 * one["µs"] / operations
    return {
        "task": f"one graph of {operations} operations, run once a step", "engines": found,
        "refused": refused, "prepared in seconds": seconds,
    }  # fmt: skip


def casadi_whole(rows: list[tuple[float, ...]], p: Any) -> Callable[[], Any]:
    import casadi

    q = casadi.SX.sym("q", len(p))
    each = [q[i] for i in range(len(p))]

    def act(z: Any) -> Any:
        return casadi.fmax(z, 0)

    loss = sum(act(1 - y * moons.scores(each, [a, b], act)) for a, b, y in rows) / len(rows)
    f = casadi.Function("f", [q], [loss, casadi.gradient(loss, q)])
    buffer, run = f.buffer()
    numbers, out, slopes = np.array(p), np.zeros(1), np.zeros(len(p))
    buffer.set_arg(0, memoryview(numbers))
    buffer.set_res(0, memoryview(out))
    buffer.set_res(1, memoryview(slopes))

    def step() -> Any:
        run()
        return out[0], slopes

    step.alive = (f, buffer, numbers)  # type: ignore[attr-defined]  # a function may hold anything
    return step


def one_one_one(rounds: int) -> dict[str, Any]:
    """ŷ = w2·(w1·x), the error (ŷ - t)², and a step of gradient descent of both weights."""
    x, t, lr, start = 4.0, 1.0, 1e-9, (0.6, 0.9)
    runs, refused = dict[str, Run](), {}
    w1, w2 = map(Value, start)
    optimizer = optim.SGD([w1, w2], lr=lr)

    def eager() -> None:
        optimizer.zero_grad()
        ((w2 * (w1 * x) - t) ** 2).backward()
        optimizer.step()

    def loss(x: Value, t: Value) -> Value:
        return (w2 * (w1 * x) - t) ** 2

    program = compile(loss, [w1, w2], backend="llvm")
    xs, ts = np.array([x]), np.array([t])
    many = 10_000
    runs["ours, llvm, native descent"] = (lambda: program.sgd(xs, ts, lr=lr, steps=many)), many
    runs["ours, not compiled"] = eager, 1
    runs["ours, nn.MLP and SGD"] = of_readme(x, t, lr), 1
    by_hand = [*start]

    def plain() -> None:
        for _ in range(1000):
            a, b = by_hand
            error = 2 * (b * (a * x) - t)
            by_hand[:] = a - lr * (error * b * x), b - lr * (error * (a * x))

    runs["Python by hand"] = plain, 1000
    for name, make in (("micrograd", micrograd_one), ("torch", torch_one), ("jax", jax_one)):
        try:
            runs[name] = make(x, t, lr, start), 1
        except ImportError as error:
            refused[name] = str(error)
    return {
        "task": "a step of the 1-1-1 network", "engines": measured(runs, rounds),
        "refused": refused, "prepared in seconds": {},
    }  # fmt: skip


def of_readme(x: float, t: float, lr: float) -> Callable[[], None]:
    """The same step as the README writes it, with layers."""
    network = nn.MLP(1, [1, 1], activation="linear", bias=False, rng=random.Random(0))
    optimizer = optim.SGD(network.parameters(), lr=lr)

    def step() -> None:
        optimizer.zero_grad()
        losses.squared_error(network([x]), t).backward()
        optimizer.step()

    return step


def micrograd_one(x: float, t: float, lr: float, start: tuple[float, float]) -> Callable[[], None]:
    from micrograd.engine import Value as Theirs

    w1, w2 = map(Theirs, start)

    def step() -> None:
        w1.grad = w2.grad = 0
        ((w2 * (w1 * x) - t) ** 2).backward()
        for w in (w1, w2):
            w.data -= lr * w.grad

    return step


def torch_one(x: float, t: float, lr: float, start: tuple[float, float]) -> Callable[[], None]:
    import torch

    torch.set_num_threads(1)
    w1, w2 = (torch.tensor(w, dtype=torch.float64, requires_grad=True) for w in start)
    optimizer = torch.optim.SGD([w1, w2], lr=lr)

    def step() -> None:
        optimizer.zero_grad()
        ((w2 * (w1 * x) - t) ** 2).backward()
        optimizer.step()

    return step


def jax_one(x: float, t: float, lr: float, start: tuple[float, float]) -> Callable[[], None]:
    import jax

    jax.config.update("jax_enable_x64", True)

    @jax.jit
    def moved(w: Any) -> Any:
        slopes = jax.grad(lambda w: (w[1] * (w[0] * x) - t) ** 2)(w)
        return w - lr * slopes

    state = [jax.numpy.array(start)]

    def step() -> None:
        state[0] = jax.block_until_ready(moved(state[0]))

    return step


# ---- what is printed -----------------------------------------------------------------------------


def show(one: dict[str, Any]) -> None:
    print(f"\n{one['task']}")
    first = next(iter(one["engines"]))
    for name, found in one["engines"].items():
        low, high = found["quartiles"]
        told = f"{found['ratio']:.3g} of {first} ({low:.3g} to {high:.3g})"
        if "ns an operation" in found:
            told += f"   {found['ns an operation']:.2f} ns an operation"
        if prepared := one["prepared in seconds"].get(name.removeprefix("ours, ")):
            told += f"   ready in {prepared:.2g} s"
        if "off" in found:
            told += f"   off by {found['off']:.0e}"
        print(f"  {name:<28}{found['µs']:>11.3f} µs   {told}")
    for name, why in one["refused"].items():
        print(f"  {name:<28}not measured: {why}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    tasks = ["relu", "tanh", "whole", "one"]
    parser.add_argument("--tasks", nargs="*", choices=tasks, default=tasks)
    parser.add_argument("--samples", nargs="*", type=int, default=[100, 10000])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    tables = {"whole": whole_batch, "one": one_one_one}
    found = []
    for task in options.tasks:
        if task in tables:
            found.append(tables[task](options.rounds))
        else:
            found += [of_network(task, size, options.rounds) for size in options.samples]
    if options.json:
        print(json.dumps({"machine": machine(), "tasks": found}, indent=2, ensure_ascii=False))
        return
    print(machine())
    for one in found:
        show(one)


if __name__ == "__main__":
    main()
