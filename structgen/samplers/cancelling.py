"""How a caller stops a run: samplers ask between two tokens, and return what is finished."""

from __future__ import annotations

from typing import Any

__all__ = ["Cancel", "is_cancelled"]

Cancel = Any
"""None, a function that returns True to stop, or an object with ``is_set()`` such as ``threading.Event``."""


def is_cancelled(cancel: Cancel) -> bool:
    """Whether the caller wants the run to stop."""
    if cancel is None:
        return False
    return bool(cancel.is_set() if hasattr(cancel, "is_set") else cancel())
