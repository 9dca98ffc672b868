"""Deterministic in CI, as everywhere: hypothesis draws the same examples in every run.

README's command draws few of them and leaves out what is marked slow; the gate asks for all:
`pytest -n auto -m "slow or not slow" --hypothesis-profile gate`.
"""

from hypothesis import settings

settings.register_profile("everyday", derandomize=True, deadline=None, max_examples=5)
settings.register_profile("gate", settings.get_profile("everyday"), max_examples=30)
settings.load_profile("everyday")
