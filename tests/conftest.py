"""Deterministic in CI, as everywhere: hypothesis draws the same examples in every run."""

from hypothesis import settings

settings.register_profile("everyday", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("everyday")
