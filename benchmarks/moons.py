"""The moons network 2-16-16-1, written for each engine: value and gradient of mean relu(1 - y·s).

Each function takes (columns, p, activation), three columns and the 337 parameters, and returns a
step () -> (value, gradient). What is not installed is an ImportError, what cannot be a Refused.
"""

from __future__ import annotations

import ctypes
import importlib.util
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Step = Callable[[], Any]
LAYERS = ((2, 16), (16, 16), (16, 1))
C = ["gcc", "-O3", "-march=native", "-shared", "-fPIC"]
BLOCKS = (8, 16, 32, 64)


class Refused(Exception):  # noqa: N818  # the name says what it is
    """An engine cannot be measured at this; the message says why."""


def data(samples: int) -> list[Any]:
    rng = np.random.default_rng(samples)
    return [*rng.normal(size=(2, samples)), np.sign(rng.normal(size=samples))]


def scores(p: Sequence[Any], x: Sequence[Any], activate: Callable[[Any], Any]) -> Any:
    """Return the network's output by scalar operations; p in the order of its neurons."""
    at = 0
    for number, (inputs, outputs) in enumerate(LAYERS):
        z = []
        for _ in range(outputs):
            weights, bias = p[at : at + inputs], p[at + inputs]
            z.append(sum((w * one for w, one in zip(weights, x, strict=True)), bias))
            at += inputs + 1
        x = z if number == len(LAYERS) - 1 else [activate(one) for one in z]
    return x[0]


# ---- matrices ------------------------------------------------------------------------------------


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


def with_jax_scalars(columns: list[Any], p: Any, activation: str) -> Step:
    """The scalar graph of one sample, vmapped over the samples."""
    import jax

    jax.config.update("jax_enable_x64", True)
    numpy = jax.numpy
    act = jax.nn.relu if activation == "relu" else numpy.tanh
    given = [*map(numpy.asarray, columns)], numpy.asarray(p)

    def loss(columns: Any, p: Any) -> Any:
        def of_one(a: Any, b: Any, y: Any) -> Any:
            return jax.nn.relu(1 - y * scores(list(p), [a, b], act))

        return jax.vmap(of_one)(*columns).mean()

    both = jax.jit(jax.value_and_grad(loss, argnums=1))
    return lambda: jax.block_until_ready(both(*given))


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


# ---- C -------------------------------------------------------------------------------------------


def with_c(block: int) -> Callable[..., Step]:
    """moons.c, written by hand, with blocks of so many samples."""

    def made(columns: list[Any], p: Any, activation: str) -> Step:
        options = ["-ffast-math", "-mprefer-vector-width=512", f"-DBLOCK={block}"]
        options += ["-DTANH"] * (activation == "tanh")
        source = Path(__file__).with_name("moons.c").read_text(encoding="utf-8")
        function = compiled_c(source, *options).moons
        samples = len(columns[0])
        x = aligned((4, -(-samples // block) * block))
        x[:3, :samples], x[3, :samples] = columns, 1
        out = aligned((338,))
        given = [ctypes.c_void_p(array.ctypes.data) for array in (x, p, out)]

        def step() -> Any:
            function(*given, ctypes.c_long(x.shape[1]))
            return out[337] / samples, out[:337] / samples

        return step

    return made


def compiled_c(source: str, *options: str) -> ctypes.CDLL:
    folder = Path(tempfile.mkdtemp())
    (folder / "it.c").write_text(source, encoding="utf-8")
    libraries = (
        ["-lmvec", "-lm"] if Path("/lib/x86_64-linux-gnu/libmvec.so.1").exists() else ["-lm"]
    )
    try:
        subprocess.run(
            [*C, *options, str(folder / "it.c"), "-o", str(folder / "it.so"), *libraries],
            check=True,
        )
    except FileNotFoundError as error:
        raise Refused("there is no gcc") from error
    return ctypes.CDLL(str(folder / "it.so"))


def aligned(shape: tuple[int, ...]) -> Any:
    size = int(np.prod(shape))
    spare = np.zeros(size + 8)
    start = (-spare.ctypes.data % 64) // 8
    return spare[start : start + size].reshape(shape)


# ---- scalar graphs -------------------------------------------------------------------------------


def casadi_function(activation: str) -> Any:
    import casadi

    x, q = casadi.SX.sym("x", 3), casadi.SX.sym("q", 337)
    act = (lambda z: casadi.fmax(z, 0)) if activation == "relu" else casadi.tanh
    score = scores([q[i] for i in range(337)], [x[0], x[1]], act)
    loss = casadi.fmax(1 - x[2] * score, 0)
    return casadi.Function("f", [x, q], [loss, casadi.gradient(loss, q)])


def mapped(f: Any, columns: list[Any], p: Any) -> Step:
    import casadi

    samples = len(columns[0])
    over = f.map(samples, [False, True], [True, True])
    given = casadi.DM(np.stack(columns)), casadi.DM(p)

    def step() -> Any:
        value, gradient = over(*given)
        return float(value) / samples, np.array(gradient).ravel() / samples

    return step


def with_casadi(columns: list[Any], p: Any, activation: str) -> Step:
    """CasADi's virtual machine, mapped over the samples."""
    return mapped(casadi_function(activation), columns, p)


def with_casadi_c(columns: list[Any], p: Any, activation: str) -> Step:
    """The C that CasADi writes, compiled and mapped."""
    import casadi

    folder = Path(tempfile.mkdtemp())
    generator = casadi.CodeGenerator("f.c")
    generator.add(casadi_function(activation))
    generator.generate(f"{folder}/")
    try:
        subprocess.run([*C, f"{folder}/f.c", "-o", f"{folder}/f.so", "-lm"], check=True)
    except FileNotFoundError as error:
        raise Refused("there is no gcc") from error
    return mapped(casadi.external("f", f"{folder}/f.so"), columns, p)


def with_micrograd(columns: list[Any], p: Any, activation: str) -> Step:
    from micrograd.engine import Value

    if activation != "relu":
        raise Refused("it has no tanh")
    few(columns)
    leaves = [Value(float(x)) for x in p]
    return by_values(leaves, columns, Value.relu)


def with_our_values(columns: list[Any], p: Any, activation: str) -> Step:
    """Ours without compile, as one writes it with nn: `dot` nodes in the layers."""
    import random

    from micrograd_es import nn, relu

    few(columns)
    network = nn.MLP(2, [16, 16, 1], activation=activation, rng=random.Random(0))
    parameters = network.parameters()
    samples = [*zip(*(column.tolist() for column in columns), strict=True)]

    def step() -> Any:
        for parameter in parameters:
            parameter.grad = 0.0
        loss = sum(relu(1 - y * network([a, b])) for a, b, y in samples) * (1 / len(samples))
        loss.backward()
        return loss.data, np.array([parameter.grad for parameter in parameters])

    return step


def by_values(leaves: list[Any], columns: list[Any], act: Callable[[Any], Any]) -> Step:
    samples = [*zip(*(column.tolist() for column in columns), strict=True)]

    def step() -> Any:
        for leaf in leaves:
            leaf.grad = 0
        margins = [1 - y * scores(leaves, [a, b], act) for a, b, y in samples]
        loss = sum(act(margin) for margin in margins) * (1 / len(samples))
        loss.backward()
        return loss.data, np.array([leaf.grad for leaf in leaves])

    return step


def few(columns: list[Any]) -> None:
    if len(columns[0]) > 100:
        raise Refused("it would take minutes")


ENGINES: dict[str, Callable[..., Step]] = {
    "numpy by hand": by_hand,
    **{f"C by hand, blocks of {block}": with_c(block) for block in BLOCKS},
    "jax": with_jax,
    "jax, scalar graph": with_jax_scalars,
    "torch": with_torch,
    "casadi": with_casadi,
    "casadi's C": with_casadi_c,
    "micrograd": with_micrograd,
    "ours, not compiled": with_our_values,
}
PACKAGES = ("jax", "torch", "casadi", "micrograd")


def missing() -> list[str]:
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]
