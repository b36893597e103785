"""Typed records out of four everyday texts, by a small real model: ``python -m structgen.demo``.

Each text (a receipt, a job advert, a bug report, a lab note) is read into a pydantic model with
nested lists, enums, dates and bounds. A model of 135 million parameters makes mistakes of
*content*; what the demo shows is that it cannot make one of *form*: every constrained result
validates. Beside it stands what the same model says to the same prompt unguided.
"""

from __future__ import annotations
