"""Which columns and parameters a program takes."""

import numpy as np
import pytest


def test_columns_may_be_lists_or_arrays_of_any_real_kind(line):
    expected = line([1.0, 2.0], [0.0, 1.0])
    base = np.arange(4.0)
    frozen = np.array([1.0, 2.0])
    frozen.flags.writeable = False
    for x in (
        [1, 2],
        np.array([1, 2], dtype=np.float32),
        base[1:3],
        np.array([1.0, 9, 2])[::2],
        frozen,
    ):
        assert line(x, [False, True]) == expected
        assert line(np.stack([x, [0, 1]], axis=1)) == expected  # an array of columns


@pytest.mark.parametrize(
    ("columns", "error", "says"),
    [
        (([1.0],), TypeError, r"takes 2 inputs \(x, y\), and was given 1"),
        (([1.0], [1.0, 2.0]), ValueError, r"different lengths: \{'x': 1, 'y': 2\}"),
        (([], []), ValueError, "no samples: give at least one"),
        ((1.0, 2.0), ValueError, r"input x has shape \(\)"),
        (([[[1.0]]], [1.0]), ValueError, r"input x has shape \(1, 1, 1\)"),
        (([[1.0, 2.0]], [1.0]), TypeError, r"takes 2 inputs \(x, y\), and was given 3"),
        (([1.0], [1.0], "1"), TypeError, "input too many is '1'"),
        ((["1"], [1.0]), TypeError, "input x is .* a column of real numbers"),
        (([1j], [1.0]), TypeError, "a column of real numbers"),
    ],
)
def test_columns_that_are_none_are_refused_by_name(line, columns, error, says):
    with pytest.raises(error, match=says):
        line.value_and_grad(*columns)


def test_numbers_of_parameters_are_read_at_each_call_or_given_flat_or_written_back(line):
    w, b = line.parameters
    first = line([1.0], [0.0])
    w.data = 5.0
    assert line([1.0], [0.0]) == 36.0 != first
    assert line([1.0], [0.0], parameters=[2.0, 1.0]) == first
    line.write_back(np.array([3.0, 4.0]))
    assert (w.data, b.data) == (3.0, 4.0)
    with pytest.raises(ValueError, match=r"parameters of shape \(3,\): expected \(2,\)"):
        line([1.0], [0.0], parameters=[1.0, 2.0, 3.0])
