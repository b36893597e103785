"""From rows to figures: coverage, verdicts and the two times, per engine.

Two notions of passing are kept side by side. MaskBench's: the schema compiles, every valid
instance has all its tokens allowed and every invalid one a token forbidden. The strict one
asks also that a valid instance may stop at its end, and lets an invalid one that may *not*
stop count as rejected, because such text would never be delivered as finished. It takes an
engine at its word that refuses a schema because no document satisfies it: that rejects every
instance. A timeout, crash or other refusal fails in both and stays in the denominator.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from jsonschemabench.packing import unpack

__all__ = ["PERCENTILES", "EngineFigures", "by_engine", "figures", "is_pass", "percentile"]

Row = dict[str, Any]
PERCENTILES = (50.0, 75.0, 99.0, 99.9)


@dataclass
class EngineFigures:
    """Everything the tables print about one engine. Times in µs."""

    engine: str
    version: str = ""
    n_schemas: int = 0
    n_with_instances: int = 0
    status: Counter[str] = field(default_factory=Counter)
    n_pass: int = 0
    n_pass_with_instances: int = 0
    n_pass_maskbench: int = 0
    n_schemas_valid_rejected: int = 0
    n_schemas_invalid_accepted: int = 0
    n_instances_valid_rejected: int = 0
    n_instances_invalid_accepted: int = 0
    n_disagreements: int = 0
    ttfm: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    compile: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    tbm: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    tbm_wall: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    peak_rss_kb: int = 0
    families: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def coverage(self) -> float:
        """Share of schemas that pass, strictly."""
        return self.n_pass / self.n_schemas if self.n_schemas else 0.0


def percentile(values: npt.NDArray[np.float64], rank: float) -> float:
    """The value at a percentile, as MaskBench takes it: no interpolation; NaN for nothing."""
    if not values.size:
        return float("nan")
    ordered = np.sort(values)
    return float(ordered[min(int(len(ordered) * rank / 100), len(ordered) - 1)])


def by_engine(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Result rows by engine, in order of first appearance; a repeated id keeps its last row."""
    kept: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        if row.get("kind") == "row":
            kept[row["engine"]][row["id"]] = row
    return {engine: list(found.values()) for engine, found in kept.items()}


def is_pass(row: Row, strict: bool = True) -> bool:
    """Whether the engine gets this schema right on all its instances."""
    column = row.get("accepted" if strict else "all_allowed")
    answered = row["status"] == "ok" or (strict and row["status"] == "unsatisfiable")
    return answered and column == row["valid"] and not row.get("instance_errors")


def figures(engine: str, rows: Sequence[Row]) -> EngineFigures:
    """Summarise one engine's rows."""
    # Rows of several versions are never passed off as one: all are named.
    versions = dict.fromkeys(row["version"] for row in rows if row.get("version"))
    found = EngineFigures(engine, version=", ".join(versions))
    ttfm: list[float] = []
    compile_: list[float] = []
    families: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        _count(found, row)
        families[row.get("family", "own")][0] += is_pass(row)
        families[row.get("family", "own")][1] += 1
        if "first_mask_us" in row:
            ttfm.append(row["compile_us"] + row.get("start_us", 0.0) + row["first_mask_us"])
            compile_.append(row["compile_us"])
    found.families = {name: (good, total) for name, (good, total) in sorted(families.items())}
    found.ttfm, found.compile = np.array(ttfm), np.array(compile_)
    found.tbm = _per_token(rows, "mask_ns", "advance_ns")
    found.tbm_wall = _per_token(rows, "mask_wall_ns", "advance_wall_ns")
    return found


def _count(found: EngineFigures, row: Row) -> None:
    found.n_schemas += 1
    found.n_with_instances += bool(row["valid"])
    found.status[row["status"]] += 1
    found.n_pass += is_pass(row)
    found.n_pass_with_instances += bool(row["valid"]) and is_pass(row)
    found.n_pass_maskbench += is_pass(row, strict=False)
    found.n_disagreements += row.get("disagreements", 0)
    found.peak_rss_kb = max(found.peak_rss_kb, row.get("peak_rss_kb", 0))
    verdicts = list(zip(row["valid"], row.get("accepted") or [], strict=False))
    wrongly_rejected = sum(valid and not accepted for valid, accepted in verdicts)
    wrongly_accepted = sum(accepted and not valid for valid, accepted in verdicts)
    found.n_instances_valid_rejected += wrongly_rejected
    found.n_instances_invalid_accepted += wrongly_accepted
    found.n_schemas_valid_rejected += wrongly_rejected > 0
    found.n_schemas_invalid_accepted += wrongly_accepted > 0


def _per_token(rows: Sequence[Row], mask: str, advance: str) -> npt.NDArray[np.float64]:
    """Mask plus advance of every token, in µs."""
    parts = [unpack(row[mask]) + unpack(row[advance]) for row in rows if row.get(mask)]
    return np.concatenate(parts) / 1000.0 if parts else np.zeros(0)
