"""The content of strings as they stand in a document."""

from __future__ import annotations

import json

__all__ = ["decoded"]


def decoded(raw: bytes) -> bytes | None:
    """The UTF-8 content of a string as it stands in a document; None where it breaks off inside a character."""
    if b"\\" not in raw:
        return raw
    try:
        text: str = json.loads(b'"' + raw + b'"', strict=False)
        return text.encode("utf-8")
    except ValueError:
        return None
