"""Native code: batches of every size, long programs, narrow processors."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd_es as me
from micrograd_es import Value
from micrograd_es.compiler.code import INPUT, Code
from micrograd_es.compiler.llvm import backend as llvm_backend
from micrograd_es.compiler.llvm.machine import Machine
from micrograd_es.primitives import TABLE
from tests.support.amount import examples, some
from tests.support.every_backend import NATIVE, compile, moons_like
from tests.support.rounding import farther_off


@pytest.mark.parametrize("backend", NATIVE)
@pytest.mark.parametrize("size", some([9, 1, 7, 8, 65, 64, 97], 5))
def test_native_code_takes_batches_of_every_size(size, backend):
    network, columns, loss = moons_like(size)
    native = compile(loss, network.parameters(), backend=backend, reduce="sum")
    assert farther_off(native, [column.tolist() for column in columns]) == []
    plain = compile(loss, network.parameters(), backend="python", reduce="sum")
    assert native(*columns) == pytest.approx(plain(*columns), rel=1e-13)


def test_a_long_program_is_cut_into_pieces_that_hand_on_what_later_ones_need():
    w = Value(0.999)

    def chain(x):
        kept = [x]
        for _ in range(600):
            kept.append(me.tanh(kept[-1] * w + 0.01 * kept[len(kept) // 2]))
        return me.total(kept[::50])

    native, plain = (compile(chain, [w], backend=backend) for backend in ("llvm", "python"))
    xs = [0.1 * i for i in range(11)]
    (value, gradient), (expected, slopes) = (p.value_and_grad(xs) for p in (native, plain))
    assert value == pytest.approx(expected, rel=1e-12)
    assert gradient[0] == pytest.approx(slopes[0], rel=1e-10)
    assert " in 1 pieces" not in str(native.plan())


def network_of_tanh():
    network, columns, loss = moons_like(21, "tanh")
    return network.parameters(), columns, loss


def all_functions():
    w = Value(0.7)
    names = [
        "exp",
        "expm1",
        "sin",
        "atan",
        "erf",
        "erfc",
        "sigmoid",
        "softplus",
        "gelu",
        "sinh",
        "cbrt",
        "exp2",
        "floor",
        "sign",
    ]

    def f(x):
        found = [getattr(me, name)(w * x) for name in names]
        positive = w * x * x + 0.5
        found += [me.log(positive), me.sqrt(positive), me.atan2(w, x), me.hypot(w, x), positive**w]
        return me.total(found)

    return [w], [np.linspace(-2, 2, 21)], f


@pytest.mark.parametrize("made", [network_of_tanh, all_functions])
def test_a_narrow_processor_and_one_without_vector_functions_compute_the_same(made):
    parameters, columns, loss = made()
    code, outputs = compile(loss, parameters).basic_code
    numbers = np.array([p.data for p in parameters])
    expected = None
    for width in (1, 2, 4, 8):
        there = Machine()
        if width > there.width:
            break
        there.width = width
        for known in (there.vector_function, lambda name, width: None):
            there.vector_function = known
            got = llvm_backend.LlvmBackend(code, outputs, there).sums(columns, 21, numbers)
            expected = got if expected is None else expected
            np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)


@pytest.fixture(scope="module", params=[1, 2, 4, 8])
def tanh_and_slope(request):
    there = Machine()
    if request.param > there.width:
        pytest.skip(f"this processor has vectors of {there.width} doubles at most")
    there.width, code = request.param, Code()
    x = code.leaf(INPUT, 0)
    return llvm_backend.LlvmBackend(code, [code.put("tanh", x), code.put("sech2", x)], there)


@examples(200)
@given(x=st.floats(-400, 400) | st.floats(-3, 3) | st.floats())
def test_native_tanh_and_its_slope_are_right_to_a_few_ulp(tanh_and_slope, x):
    found = tanh_and_slope.sums([np.array([x])], 1, np.empty(0)).tolist()
    for got, name in zip(found, ("tanh", "sech2"), strict=True):
        expected = TABLE[name].value(x)
        close = abs(got - expected) <= 6 * math.ulp(expected)
        assert close or (math.isnan(got) and math.isnan(expected))


@pytest.mark.parametrize("of_samples", [True, False])
def test_a_long_program_is_interpreted_and_says_so(of_samples, monkeypatch):
    monkeypatch.setattr(llvm_backend, "COMPILE_LIMIT", 20)
    monkeypatch.setattr(llvm_backend, "COMPILE_LIMIT_ONCE", 20)
    w = Value(0.5)
    for length, told in ((3, "in 1 pieces"), (30, "of an interpreter")):

        def f(x=1.0, length=length):
            for _ in range(length):
                x = x * w + 1
            return x

        program = compile(f, [w], backend="llvm", inputs=int(of_samples))
        columns = [[1.0, 1.0, 1.0]] * of_samples
        value, gradient = program.value_and_grad(*columns)
        assert value == pytest.approx(2 - 0.5**length, rel=1e-15)
        assert gradient[0] == pytest.approx(4 - (4 + 2 * length) * 0.5**length, rel=1e-14)
        assert told in str(program.plan())


def test_without_llvmlite_or_with_an_old_one_native_code_says_what_to_install(monkeypatch):
    from llvmlite import binding

    with monkeypatch.context() as patch:
        patch.setattr(binding, "llvm_version_info", (15, 0, 7))
        with pytest.raises(me.errors.MissingExtra, match="older than 20"):
            Machine()
    monkeypatch.setitem(__import__("sys").modules, "llvmlite.binding", None)
    with pytest.raises(me.errors.MissingExtra, match=r"pip install 'micrograd-es\[llvm\]'"):
        Machine()
