"""What an exact run proves, one finding per row, and how findings are counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["FAULTS", "Finding", "summary"]

FAULTS = ("over", "under", "dead end", "disagreement", "error")
"""``over``: a valid document is forbidden; ``under``: an invalid one accepted; ``dead end``:
nothing allowed although not complete; ``disagreement``: the mask and ``advance`` differ;
``error``: the engine raised in the middle of a sequence."""


@dataclass(frozen=True)
class Finding:
    """One proven fault of one engine; ``cause`` groups findings of one kind.

    ``prefix`` and ``token`` are where the engines parted, or where the document was
    refused; ``text`` is the document that proves it.
    """

    engine: str
    fault: str
    cause: str
    text: str
    prefix: str = ""
    token: str = ""
    judged: str = ""
    other: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def summary(rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, Counter[str]]]:
    """Schemas per engine, fault and cause that have at least one such finding."""
    counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for row in rows:
        seen = {(found["engine"], found["fault"], found["cause"]) for found in row.get("findings", [])}
        for engine, fault, cause in seen:
            counts[engine][fault][cause] += 1
    return counts
