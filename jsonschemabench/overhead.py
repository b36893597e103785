"""What the harness itself costs, measured two ways.

*Null*: an engine that does nothing goes through the timed loop; what the rows would report
for it is the harness. *Direct*: the same instances are fed to the engine's own methods in a
bare loop with both clocks around all tokens; the sum that the harness reports for
them is compared with that. Both are repeated in turns and the smallest is kept, since
noise only ever adds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jsonschemabench.engines.base import CompileOptions, Matcher, TokenRow
from jsonschemabench.measure import Timings, timed, walk
from jsonschemabench.worker import Bench

__all__ = ["compare"]

DirectLoop = Callable[[Any, TokenRow, Sequence[int]], None]


def compare(bench: Bench, request: dict[str, Any]) -> dict[str, Any]:
    """A worker's task: harness and direct nanoseconds for all instances of ``request["cases"]``."""
    row: TokenRow = np.zeros(bench.vocabulary.n_words, dtype=np.uint32)
    name = next(iter(bench.engines))
    direct_loop = _DIRECT.get(name, _adapter_loop)
    harness = direct = 0
    n_tokens = 0
    for case in request["cases"]:
        compiled = bench.engine.compile(case["schema"], CompileOptions())
        for instance in case["instances"]:
            # Both sides warm, and both over what the engine takes: the harness stops where it refuses.
            token_ids = instance[: walk(compiled.matcher(), row, instance, Timings()).allowed]
            of_harness, of_direct = [], []
            for _ in range(request["repeats"]):
                of_harness.append(_harness_once(compiled.matcher(), row, token_ids))
                of_direct.append(_direct_once(direct_loop, compiled.matcher(), row, token_ids))
            harness += min(of_harness)
            direct += min(of_direct)
            n_tokens += len(token_ids)
    return {"status": "ok", "harness_ns": harness, "direct_ns": direct, "n_tokens": n_tokens}


def _harness_once(matcher: Matcher, row: TokenRow, token_ids: Sequence[int]) -> int:
    timings = Timings()
    walk(matcher, row, token_ids, timings)
    return sum(timings.mask) + sum(timings.advance)


def _direct_once(loop: DirectLoop, matcher: Matcher, row: TokenRow, token_ids: Sequence[int]) -> int:
    _, _, least = timed(loop, matcher, row, token_ids)
    return least


def _adapter_loop(matcher: Matcher, row: TokenRow, token_ids: Sequence[int]) -> None:
    fill_mask, advance = matcher.fill_mask, matcher.advance
    for token in token_ids:
        fill_mask(row)
        advance(token)


def _llguidance_loop(matcher: Any, row: TokenRow, token_ids: Sequence[int]) -> None:
    fill, consume = matcher.native.unsafe_compute_mask_ptr, matcher.native.consume_token
    address, n_bytes = row.ctypes.data, row.nbytes
    for token in token_ids:
        fill(address, n_bytes)
        consume(token)


def _xgrammar_loop(matcher: Any, row: TokenRow, token_ids: Sequence[int]) -> None:
    fill, accept = matcher.native.fill_next_token_bitmask, matcher.native.accept_token
    batch = row.view(np.int32).reshape(1, -1)
    for token in token_ids:
        fill(batch)
        accept(token)


_DIRECT: dict[str, DirectLoop] = {
    "llguidance": _llguidance_loop,
    "xgrammar": _xgrammar_loop,
    "xgrammar-compliant": _xgrammar_loop,
}
"""Engines whose own methods are called without the adapter; others go through it."""
