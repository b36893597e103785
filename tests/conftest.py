"""Hypothesis draws the same examples in every run, so that a failure is one of the change at hand.

Nor is there a deadline per example: the first one may import a library or compile a kernel, which says nothing
about the code; what must be fast is measured in ``tests/bench``.
"""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
