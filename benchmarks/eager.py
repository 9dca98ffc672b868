"""Time and memory of one scalar operation, forward and backward, beside other engines.

    pip install -e ".[bench]" && python benchmarks/eager.py [--json]

Every engine runs in a process of its own, in turn, over several rounds; the clock is the thread's
own CPU time. A ratio is a peer's time over ours within one round: median and spread (smallest …
largest).
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

ROUNDS = 5
SCHEDULES = ("paused", "default")
PEERS = {"micrograd": "micrograd 0.1.0", "slots": "microgpt's shape", "torch": "torch, 0-d tensors"}


class Slots:
    """A Value of microgpt's shape: slots, local gradients kept in tuples, a recursive order."""

    __slots__ = ("args", "data", "grad", "local")

    def __init__(self, data, args=(), local=()):
        self.data, self.grad, self.args, self.local = data, 0, args, local

    def __add__(self, other):
        other = other if isinstance(other, Slots) else Slots(other)
        return Slots(self.data + other.data, (self, other), (1, 1))

    def __mul__(self, other):
        other = other if isinstance(other, Slots) else Slots(other)
        return Slots(self.data * other.data, (self, other), (other.data, self.data))

    __radd__, __rmul__ = __add__, __mul__

    def relu(self):
        return Slots(max(0, self.data), (self,), (float(self.data > 0),))

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for arg in node.args:
                    visit(arg)
                order.append(node)

        visit(self)
        self.grad = 1
        for node in reversed(order):
            for arg, local in zip(node.args, node.local, strict=True):
                arg.grad += local * node.grad


def engine(name):
    """Return the function that makes a leaf."""
    if name == "ours":
        from micrograd_es import Value

        return Value
    if name == "micrograd":
        from micrograd.engine import Value

        return Value
    if name == "torch":
        import torch

        torch.set_num_threads(1)
        return lambda x: torch.tensor(x, dtype=torch.float64, requires_grad=True)
    return Slots


def neurons(leaf, n):
    """About n operations as neurons make them: sums of 16 products, then relu."""
    ws, xs = [leaf(0.01 * (i + 1)) for i in range(16)], [leaf(0.02 * (i - 3)) for i in range(16)]
    out = ws[0] * xs[0]
    for i in range(n // 34):
        act = ws[i % 8]
        for w, x in zip(ws, xs, strict=True):
            act = act + w * x
        out = out + act.relu()
    return out, n // 34 * 34 + 1


def chain(leaf, n):
    """n operations one after another: x = x·w + b."""
    x, w, b = leaf(0.5), leaf(0.999), leaf(0.001)
    for _ in range(n // 2):
        x = x * w + b
    return x, n // 2 * 2


def moons(name):
    """Return a function that makes one full-batch SGD step of the moons network (65 000 op)."""
    if name == "micrograd":
        from micrograd.nn import MLP
    else:
        from micrograd_es.nn import MLP
    leaf, rng = engine(name), random.Random(0)
    random.seed(1)
    net = MLP(2, [16, 16, 1])
    rows = [[rng.uniform(-1, 2), rng.uniform(-1, 1)] for _ in range(100)]
    labels = [1 if x * y > 0 else -1 for x, y in rows]

    def step():
        scores = [net([leaf(x) for x in row]) for row in rows]
        hinges = [(1 + -label * score).relu() for label, score in zip(labels, scores, strict=True)]
        loss = sum(hinges) * (1 / 100) + 1e-4 * sum(p * p for p in net.parameters())
        net.zero_grad()
        loss.backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad
        return loss

    return step


def measured(name, what, schedule):
    """Return nanoseconds per operation (per step for moons; bytes per operation for memory)."""
    if what == "memory":
        gc.disable()
        before = rss()
        out, n = chain(engine(name), 400_000)
        if name == "ours":
            out.backward()  # the others' recursion is not what is measured
        return (rss() - before) / n
    if what == "moons":
        work, n = moons(name), 1
    else:
        n = {"neurons": 10_000, "chain 1e4": 10_000, "chain 1e6": 1_000_000}[what]
        n //= 10 if name == "torch" else 1
        make, leaf = (neurons if what == "neurons" else chain), engine(name)

        def work():
            nonlocal n
            out, n = make(leaf, n)
            out.backward()
            return out

    times = []
    for _ in range(3 if what in ("moons", "chain 1e6") else 9):
        gc.collect()
        if schedule == "paused":
            gc.disable()
        start = time.thread_time()
        graph = work()
        times.append((time.thread_time() - start) / n * 1e9)
        if what == "chain 1e6":
            del graph  # freeing a deep graph counts too
            times[-1] = (time.thread_time() - start) / n * 1e9
        graph = None  # else freed outside the clock: with the GC paused, closures never are
        gc.enable()
    return statistics.median(times)


def rss():
    statm = Path("/proc/self/statm").read_text(encoding="ascii")
    return int(statm.split()[1]) * resource.getpagesize()


def one(name, what, schedule):
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--one", name, what, schedule]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def compared(what, peers):
    """Yield a row for each GC schedule: ours, and each peer's time with its ratio to ours."""
    for schedule in SCHEDULES:
        rounds = [
            {name: one(name, what, schedule) for name in ("ours", *peers)} for _ in range(ROUNDS)
        ]
        row = {"what": what, "gc": schedule, "ours": statistics.median(r["ours"] for r in rounds)}
        for peer in peers:
            ratios = sorted(r[peer] / r["ours"] for r in rounds)
            row[peer] = {
                "value": statistics.median(r[peer] for r in rounds),
                "ratio": statistics.median(ratios),
                "spread": [ratios[0], ratios[-1]],
            }
        yield row


def table():
    """Measure everything; return the machine and the rows."""
    installed = [peer for peer in PEERS if peer == "slots" or importlib.util.find_spec(peer)]
    scalar = [peer for peer in installed if peer != "torch"]
    rows = [*compared("neurons", installed)]
    if "micrograd" in installed:
        rows += compared("moons", ["micrograd"])
    rows.append({"what": "chain 1e4", "gc": "paused", "ours": one("ours", "chain 1e4", "paused")})
    rows.append({"what": "chain 1e6", "gc": "paused", "ours": one("ours", "chain 1e6", "paused")})
    memory = {"what": "memory", "gc": "paused", "ours": one("ours", "memory", "paused")}
    rows.append(memory | {p: {"value": one(p, "memory", "paused")} for p in scalar})
    with Path("/proc/cpuinfo").open(encoding="utf-8") as cpuinfo:
        cpu = next(
            (line.split(":")[1].strip() for line in cpuinfo if line.startswith("model name")), "?"
        )
    return {
        "python": platform.python_version(),
        "cpu": cpu,
        "system": platform.system(),
        "rows": rows,
    }


def printed(found):
    print(f"CPython {found['python']}, {found['cpu']}, {found['system']}; {ROUNDS} rounds\n")
    units = {"moons": ("ms/step", 1e-6), "memory": ("bytes/op", 1)}
    for row in found["rows"]:
        unit, scale = units.get(row["what"], ("ns/op", 1))
        line = f"{row['what']:<10} GC {row['gc']:<8} ours {row['ours'] * scale:8.1f} {unit:<8}"
        for peer in PEERS:
            if peer in row:
                line += f"  | {peer} {row[peer]['value'] * scale:.1f}"
                if "ratio" in row[peer]:
                    low, high = row[peer]["spread"]
                    line += f", {row[peer]['ratio']:.2f} × ours ({low:.2f} … {high:.2f})"
        print(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--one", nargs=3, metavar=("ENGINE", "WHAT", "GC"), help="one measurement, in this process"
    )
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):  # one core, before a peer counts them
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if options.one:
        print(measured(*options.one))
        return
    found = table()
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        printed(found)


if __name__ == "__main__":
    sys.setrecursionlimit(10**7)
    threading.stack_size(1 << 29)  # the peers' order is recursive
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
