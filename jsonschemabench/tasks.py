"""What a worker does with one schema or grammar: compile, first mask, every instance."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from jsonschemabench.engines.base import Compiled, CompileOptions, Emptiness, Matcher, TokenRow
from jsonschemabench.measure import InstanceResult, Timings, timed, walk
from jsonschemabench.packing import pack
from jsonschemabench.worker import Bench

__all__ = ["measure_grammar", "measure_schema"]


def measure_schema(bench: Bench, request: dict[str, Any]) -> dict[str, Any]:
    """Measure ``request["schema"]`` on ``request["instances"]`` (lists of token ids)."""
    options = CompileOptions(request.get("registry") or {}, request.get("assert_format"))
    schema = request["schema"]
    return _measure(bench, lambda: bench.engine.compile(schema, options), request)


def measure_grammar(bench: Bench, request: dict[str, Any]) -> dict[str, Any]:
    """The same for a grammar text in ``request["notation"]``."""
    text, notation = request["grammar"], request["notation"]
    return _measure(bench, lambda: bench.engine.compile_grammar(text, notation), request)


_ROWS: dict[int, TokenRow] = {}


def _row(n_words: int) -> TokenRow:
    """One row per process, so that adapters may keep its address."""
    return _ROWS.setdefault(n_words, np.zeros(n_words, dtype=np.uint32))


def _measure(bench: Bench, compile_: Callable[[], Compiled], request: dict[str, Any]) -> dict[str, Any]:
    _reset_peak_memory()
    row: dict[str, Any] = {"status": "ok"}
    began = time.perf_counter()
    try:
        compiled, wall, least = timed(compile_)
    except Exception as error:  # an engine refuses by raising whatever it likes
        row |= {"status": "refused", "error": _say(error), "refused_after_us": _us_since(began)}
        if isinstance(bench.engine, Emptiness) and bench.engine.is_unsatisfiable(error):
            # An answer, not a refusal: whatever the instance, it is rejected.
            row |= {"status": "unsatisfiable", "accepted": [False] * len(request["instances"])}
        return row | _memory()
    row |= {"compile_us": least / 1000, "compile_wall_us": wall / 1000}
    bench.send({"event": "compiled", "row": row})
    token_row = _row(bench.vocabulary.n_words)
    try:
        matcher, wall, least = timed(compiled.matcher)
        row |= {"start_us": least / 1000, "start_wall_us": wall / 1000}
        _, wall, least = timed(matcher.fill_mask, token_row)
    except Exception as error:
        return row | {"status": "error", "error": _say(error)} | _memory()
    row |= {"first_mask_us": least / 1000, "first_mask_wall_us": wall / 1000}
    bench.send({"event": "first_mask", "row": row})
    row |= _walk_all(compiled, matcher, token_row, request["instances"], (wall, least))
    row["seconds"] = time.perf_counter() - began
    return row | _memory()


def _walk_all(
    compiled: Compiled, matcher: Matcher, token_row: TokenRow, instances: list[list[int]], first: tuple[int, int]
) -> dict[str, Any]:
    """Walk every instance on a fresh matcher; the first takes over the matcher whose first mask was timed.

    MaskBench counts the first, cold mask among the masks, so its time replaces that of the
    warm repetition at the start of the first instance.
    """
    timings = Timings()
    results: list[InstanceResult] = []
    start_errors: dict[int, str] = {}
    for number, token_ids in enumerate(instances):
        if number > 0:
            try:
                matcher = compiled.matcher()
            except Exception as error:
                start_errors[number] = _say(error)
                results.append(InstanceResult(len(token_ids), error=start_errors[number]))
                continue
        results.append(walk(matcher, token_row, token_ids, timings))
        if number == 0 and timings.mask:
            timings.mask_wall[0], timings.mask[0] = first
    return _verdicts(results) | _packed(timings)


def _verdicts(results: list[InstanceResult]) -> dict[str, Any]:
    return {
        "tokens": [result.n_tokens for result in results],
        "allowed": [result.allowed for result in results],
        "all_allowed": [result.all_allowed for result in results],
        "may_stop": [result.may_stop for result in results],
        "accepted": [result.accepted for result in results],
        "instance_errors": {str(i): result.error for i, result in enumerate(results) if result.error},
        "disagreements": sum(result.disagreements for result in results),
    }


def _packed(timings: Timings) -> dict[str, Any]:
    return {
        "n_masks": len(timings.mask),
        "mask_ns": pack(timings.mask),
        "advance_ns": pack(timings.advance),
        "mask_wall_ns": pack(timings.mask_wall),
        "advance_wall_ns": pack(timings.advance_wall),
    }


def _say(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:2000]


def _us_since(began: float) -> float:
    return (time.perf_counter() - began) * 1e6


def _reset_peak_memory() -> None:
    """Start a new high-water mark, where the system has one (Linux); elsewhere the peak is the process's."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _memory() -> dict[str, Any]:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        peak, now = int(fields["VmHWM"].split()[0]), int(fields["VmRSS"].split()[0])
    except (OSError, KeyError):
        import resource

        peak = now = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"peak_rss_kb": peak, "rss_kb": now}
