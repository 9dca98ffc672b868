"""Which backend pays: numpy or llvm, by the size of a network and the number of samples.

    pip install -e ".[llvm]" && python benchmarks/backends.py [--calls 100]

The time to compile a cross entropy (or a square error, with one output) and its slopes, and to call
it 100 times, on one core. What "auto" took is named: it should never be more than 1.5 times slower
than the better one.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from typing import Any

if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

import numpy as np  # after the process has one core

from micrograd_es import Value, compile, log_sum_exp, nn, tanh  # the same

SIZES = [[1, 1, 1], [2, 4, 1], [2, 16, 16, 1], [8, 16, 3], [16, 16, 4], [32, 16, 4], [32, 32, 10]]
SIZES += [[64, 32, 10]]
SAMPLES = [1, 10, 100, 1000, 10_000]


def network_loss(sizes: list[int]) -> tuple[Any, list[Value]]:
    network = nn.MLP(sizes[0], sizes[1:], activation="tanh", rng=random.Random(0))

    def loss(*xs: Value) -> Value:
        found = network([*xs])
        if sizes[-1] == 1:
            return (found - xs[0]) ** 2
        return log_sum_exp(found) - found[0]

    return loss, network.parameters()


def formula(length: int) -> tuple[Any, list[Value]]:
    """A program without matrices: a chain of unlike operations."""
    ws = [Value(0.1 + 0.01 * i) for i in range(length)]

    def loss(x: Value) -> Value:
        y = x
        for w in ws:
            y = tanh(y * w + x)
        return y

    return loss, ws


def spent(
    f: Any, parameters: list[Value], inputs: int, backend: str, columns: Any, calls: int
) -> Any:
    start = time.process_time()
    program = compile(f, parameters, backend=backend, inputs=inputs)
    program.value_and_grad(*columns)
    built = time.process_time() - start
    done, spent_so_far = 0, 0.0
    while done < calls - 1 and spent_so_far < 2:  # a long one is measured by fewer calls
        program.value_and_grad(*columns)
        done, spent_so_far = done + 1, time.process_time() - start - built
    return built + spent_so_far / max(done, 1) * (calls - 1), program


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=100)
    options = parser.parse_args()
    tasks = [("-".join(map(str, sizes)), *network_loss(sizes), sizes[0]) for sizes in SIZES]
    tasks += [(f"chain of {n}", *formula(n), 1) for n in (10, 100, 500)]
    print(f"{'':<16}{'operations':>10}{'samples':>9}{'numpy s':>9}{'llvm s':>9}  auto")
    for name, f, parameters, inputs in tasks:
        for samples in SAMPLES:
            columns = np.random.default_rng(0).normal(size=(inputs, samples))
            found = {
                backend: spent(f, parameters, inputs, backend, columns, options.calls)
                for backend in ("numpy", "llvm")
            }
            seconds = {backend: one[0] for backend, one in found.items()}
            auto = compile(f, parameters, inputs=inputs)
            auto.value_and_grad(*columns)
            operations = found["numpy"][1].linear.after
            ratio = seconds[auto.backend] / min(seconds.values())
            print(
                f"{name:<16}{operations:>10}{samples:>9}{seconds['numpy']:>9.3f}"
                f"{seconds['llvm']:>9.3f}  {auto.backend} ({ratio:.2f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
