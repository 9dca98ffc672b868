"""What is minimised: functions of a prediction and what was wanted."""

from typing import Any

from micrograd_es.primitives import abs, relu


def absolute_error(prediction: Any, target: Any) -> Any:
    """Return |prediction - target|, the article's measure of how wrong the network is."""
    return abs(prediction - target)


def squared_error(prediction: Any, target: Any) -> Any:
    """Return (prediction - target)²: not halved, and smooth where the error is 0."""
    return (prediction - target) ** 2


def hinge(score: Any, label: Any) -> Any:
    """Return max(0, 1 - label·score), the label being +1 or -1: 0 once it is right by 1 or more."""
    return relu(1 - label * score)
