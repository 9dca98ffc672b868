"""What is minimised: functions of a prediction and what was wanted."""

from typing import Any

from micrograd_es.coercion import as_float, describe
from micrograd_es.primitives import abs, relu
from micrograd_es.value import Value


def absolute_error(prediction: object, target: object) -> Any:
    """Return |prediction - target|, the article's measure of how wrong the network is."""
    return abs(difference(prediction, target))


def squared_error(prediction: object, target: object) -> Any:
    """Return (prediction - target)²: not halved, and smooth where the error is 0."""
    return difference(prediction, target) ** 2


def hinge(score: Any, label: Any) -> Any:
    """Return max(0, 1 - label·score), the label being +1 or -1: 0 once it is right by 1 or more.

    ValueError for a number that is no such label; a label that is a Value is taken as it is.
    """
    if type(label) is not Value and as_float(label) not in (1.0, -1.0):
        raise ValueError(
            f"label {describe(label)}: hinge is for the labels 1 and -1; of 0 and 1, 2*t - 1"
        )
    return relu(1 - label * score)


def difference(prediction: Any, target: Any) -> Any:
    """Return prediction - target; ValueError for arrays that numpy would stretch to fit."""
    shapes = getattr(prediction, "shape", ()), getattr(target, "shape", ())
    if all(shapes) and shapes[0] != shapes[1]:
        raise ValueError(
            f"predictions of shape {shapes[0]} and targets of shape {shapes[1]}: give one target "
            "for each prediction"
        )
    return prediction - target
