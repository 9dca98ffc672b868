"""Compiled programs against hand-written numpy and other engines, on the moons network.

    python benchmarks/compiled.py [--samples 100 10000] [--rounds 15] [--peers jax torch casadi]
                                  [--json]

Value and gradient of mean relu(1 - y·s) by the 337 parameters of MLP(2, [16, 16, 1]), float64, one
thread. Engines take turns; the figure is the median of their processor time, the ratio that to
hand-written numpy in the same round, with its quartiles. Peers that are not installed are named.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import numpy as np  # noqa: E402  # after the number of threads is said

from benchmarks.conformance import machine  # noqa: E402  # the same
from micrograd_es import nn, relu  # noqa: E402  # the same
from micrograd_es.compiler import compile  # noqa: E402  # the same

Step = Callable[[], Any]  # () -> (value, gradient)


def data(samples: int) -> list[Any]:
    rng = np.random.default_rng(samples)
    return [*rng.normal(size=(2, samples)), np.sign(rng.normal(size=samples))]


def by_hand(columns: list[Any], p: Any, activation: str) -> Step:
    """The same in numpy, as one writes it; the slope of tanh as 1 - h², as everybody does."""
    X, y = np.stack(columns[:2], axis=1), columns[2]
    first, second, third = p[:48].reshape(16, 3), p[48:320].reshape(16, 17), p[320:]
    act = (lambda z: np.maximum(z, 0)) if activation == "relu" else np.tanh
    slope = (lambda h: h > 0) if activation == "relu" else (lambda h: 1 - h * h)

    def step() -> Any:
        h1 = act(X @ first[:, :2].T + first[:, 2])
        h2 = act(h1 @ second[:, :16].T + second[:, 16])
        margin = 1 - y * (h2 @ third[:16] + third[16])
        d = np.where(margin > 0, -y / len(y), 0)
        d2 = np.outer(d, third[:16]) * slope(h2)
        d1 = d2 @ second[:, :16] * slope(h1)
        one = np.c_[d1.T @ X, d1.sum(0)].ravel()
        two = np.c_[d2.T @ h1, d2.sum(0)].ravel()
        return np.maximum(margin, 0).mean(), np.r_[one, two, d @ h2, d.sum()]

    return step


def with_jax(columns: list[Any], p: Any, activation: str) -> Step:
    import jax

    jax.config.update("jax_enable_x64", True)
    numpy = jax.numpy
    X, y = numpy.stack(columns[:2], axis=1), numpy.asarray(columns[2])
    act = jax.nn.relu if activation == "relu" else numpy.tanh

    def loss(p: Any) -> Any:
        first, second, third = p[:48].reshape(16, 3), p[48:320].reshape(16, 17), p[320:]
        h1 = act(X @ first[:, :2].T + first[:, 2])
        h2 = act(h1 @ second[:, :16].T + second[:, 16])
        return jax.nn.relu(1 - y * (h2 @ third[:16] + third[16])).mean()

    both, given = jax.jit(jax.value_and_grad(loss)), numpy.asarray(p)
    return lambda: jax.block_until_ready(both(given))


def with_torch(columns: list[Any], p: Any, activation: str) -> Step:
    import torch

    torch.set_num_threads(1)
    X, y = torch.tensor(np.stack(columns[:2], axis=1)), torch.tensor(columns[2])
    act = torch.relu if activation == "relu" else torch.tanh
    flat = torch.tensor(p, requires_grad=True)

    def step() -> Any:
        flat.grad = None
        first, second, third = flat[:48].view(16, 3), flat[48:320].view(16, 17), flat[320:]
        h1 = act(X @ first[:, :2].T + first[:, 2])
        h2 = act(h1 @ second[:, :16].T + second[:, 16])
        value = torch.relu(1 - y * (h2 @ third[:16] + third[16])).mean()
        value.backward()
        return value.item(), flat.grad.numpy()

    return step


def with_casadi(columns: list[Any], p: Any, activation: str) -> Step:
    """The scalar graph on CasADi's virtual machine, mapped over the samples."""
    import casadi

    x, q = casadi.SX.sym("x", 3), casadi.SX.sym("q", len(p))
    act = (lambda z: casadi.fmax(z, 0)) if activation == "relu" else casadi.tanh

    def layer(k: int, inputs: list[Any], size: int) -> list[Any]:
        n, out = len(inputs), []
        for i in range(size):
            at = k + i * (n + 1)
            out.append(sum((q[at + j] * inputs[j] for j in range(n)), q[at + n]))
        return out

    h1 = [*map(act, layer(0, [x[0], x[1]], 16))]
    h2 = [*map(act, layer(48, h1, 16))]
    loss = casadi.fmax(1 - x[2] * layer(320, h2, 1)[0], 0)
    f = casadi.Function("f", [x, q], [loss, casadi.gradient(loss, q)])
    samples = len(columns[0])
    mapped = f.map(samples, [False, True], [True, True])
    given = casadi.DM(np.stack(columns)), casadi.DM(p)

    def step() -> Any:
        value, gradient = mapped(*given)
        return float(value) / samples, np.array(gradient).ravel() / samples

    return step


PEERS = {"jax": with_jax, "torch": with_torch, "casadi": with_casadi}


def measured(steps: dict[str, Step], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of a step of each engine, round by round, in turns."""
    spent: dict[str, list[float]] = {name: [] for name in steps}
    for i in range(rounds + 2):
        for name in list(steps)[:: 1 if i % 2 else -1]:
            step, clock = steps[name], time.process_time
            start, count = clock(), 0
            while clock() - start < 0.02:
                step()
                count += 1
            if i >= 2:  # the first two warm up
                spent[name].append((clock() - start) / count)
    return spent


def row(samples: int, activation: str, peers: list[str], rounds: int) -> dict[str, Any]:
    network = nn.MLP(2, [16, 16, 1], activation=activation, rng=random.Random(0))
    parameters, columns = network.parameters(), data(samples)
    p = np.array([parameter.data for parameter in parameters])
    steps, seconds = {"numpy by hand": by_hand(columns, p, activation)}, {}
    for backend in ("numpy", "llvm"):
        start = time.process_time()
        program = compile(
            lambda a, b, y: relu(1 - y * network([a, b])), parameters, backend=backend
        )
        program.value_and_grad(*columns)
        seconds[backend] = 1e3 * (time.process_time() - start)
        steps[f"ours, {backend}"] = partial(program.value_and_grad, *columns, parameters=p)
    value, gradient = steps["numpy by hand"]()
    missing, off = [], {}
    for name in peers:
        try:
            steps[name] = PEERS[name](columns, p, activation)
        except ImportError:
            missing.append(name)
    for name, step in steps.items():
        got, slopes = step()
        off[name] = float(np.abs(np.asarray(slopes) - gradient).max() + abs(float(got) - value))
    found = {}
    spent = measured(steps, rounds)
    for name, times in spent.items():
        ratios = [a / b for a, b in zip(times, spent["numpy by hand"], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        found[name] = {
            "µs": 1e6 * statistics.median(times), "ratio": middle, "quartiles": [low, high],
            "off": off[name],
        }  # fmt: skip
    return {
        "samples": samples, "activation": activation, "engines": found, "missing": missing,
        "compiled in ms": seconds, "operations": program.linear.after,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", nargs="*", type=int, default=[100, 10000])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [
        row(samples, activation, options.peers, options.rounds)
        for activation in ("relu", "tanh")
        for samples in options.samples
    ]
    if options.json:
        print(json.dumps({"machine": machine(), "rows": rows}, indent=2, ensure_ascii=False))
        return
    print(machine())
    for one in rows:
        ms = ", ".join(f"{backend} {t:.0f} ms" for backend, t in one["compiled in ms"].items())
        print(f"\n{one['activation']}, {one['samples']} samples; {one['operations']} operations a "
              f"sample, compiled in: {ms}")  # fmt: skip
        for name, found in one["engines"].items():
            low, high = found["quartiles"]
            spread = f"({low:.2f} to {high:.2f})"
            print(f"  {name:<14}{found['µs']:>10.1f} µs   {found['ratio']:.2f} of numpy by hand "
                  f"{spread}   off by {found['off']:.1e}")  # fmt: skip
        if one["missing"]:
            print(f"  not installed: {', '.join(one['missing'])}")


if __name__ == "__main__":
    main()
