"""Hypothesis draws the same examples in every run, so that a failure is one of the change at hand."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")
