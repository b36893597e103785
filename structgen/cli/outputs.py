"""What commands print about one output."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

__all__ = ["json_line"]


def json_line(record: dict[str, Any], sample: Any, samples: Any, records: Iterable[Any]) -> str:
    """One JSON object: the input's record, the text, its weights, what it cost, what monitors did."""
    told: dict[str, Any] = {
        "text": sample.text,
        "finish_reason": sample.finish_reason,
        "n_tokens": len(sample.token_ids),
        "log_prob": sample.log_prob,
        "log_weight": sample.log_weight,
        "log_evidence": samples.log_evidence,
        "seconds": samples.timings.total,
        "mask_share": samples.timings.mask_share,
    }
    if records:
        told["monitors"] = [asdict(monitor_record) for monitor_record in records]
    return json.dumps(record | told, ensure_ascii=False)
