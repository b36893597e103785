"""Random walks within token budgets, and what a compiled schema weighs.

A walk draws uniformly from the allowed tokens until it takes end of sequence; its budget is the shortest
completion plus something. It must end, accepted, within the budget, and an independent validator must accept
what it wrote. A mask without tokens is a dead end: the walk goes one token back, forbids that token there,
and goes on; such steps are counted.

Each schema has a process of its own, forked from one that holds vocabulary and kernels, so that its memory is what the
process has grown by: tables, masks, memos and all, after compiling, walking every instance and all the walks.
"""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jsonschemabench.cases import Case, read_case
from jsonschemabench.errors import BenchError
from jsonschemabench.exact.judge import Judge, Judgement
from jsonschemabench.tokens import Tokenizer

__all__ = ["Walking", "walk_all"]

_SPARE = (0, 3, 20, 60, 200)
"""Tokens beyond the shortest document that walks have, in turn."""
_OPTIONS: tuple[dict[str, str], ...] = ({"property_order": "any", "whitespace": "any"}, {})
"""Half of the walks take what the harness measures, half what a user gets by default."""


@dataclass(frozen=True)
class Walking:
    """How much to do per schema."""

    walks: int = 20
    seed: int = 0
    seconds: float = 120.0
    """By the clock, after which a schema's process is ended."""


def walk_all(paths: Sequence[Path], tokenizer: Tokenizer, settings: Walking) -> Iterator[dict[str, Any]]:
    """One row per case."""
    import structgen
    from structgen.vocab.vocabulary import Vocabulary

    vocabulary = Vocabulary.from_tokenizer_json(tokenizer.vocabulary.path, eos_ids=list(tokenizer.vocabulary.eos_ids))
    structgen.warm_up(vocabulary)
    gc.collect()
    gc.freeze()
    for path in paths:
        try:
            case = read_case(path)
        except BenchError as error:
            yield {"id": path.name, "status": "unreadable", "error": str(error)}
            continue
        texts = [tokenizer.encode(instance.text) for instance in case.instances]
        yield {"id": case.id, "engine": "structgen", "kind": "row"} | _forked(case, texts, vocabulary, settings)


def _forked(case: Case, texts: list[list[int]], vocabulary: Any, settings: Walking) -> dict[str, Any]:
    """The row of one case, from a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        signal.alarm(int(settings.seconds))
        try:
            row = _case(case, texts, vocabulary, settings)
        except BaseException as error:  # whatever goes wrong becomes the row
            row = {"status": "error", "error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc(-4)}
        with os.fdopen(writing, "w", encoding="utf-8") as stream:
            json.dump(row, stream)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    return dict(json.loads(answer)) if answer else {"status": "timeout", "seconds": settings.seconds}


def _case(case: Case, texts: list[list[int]], vocabulary: Any, settings: Walking) -> dict[str, Any]:
    import structgen

    row: dict[str, Any] = {"status": "ok", "findings": []}
    judge = Judge(case.schema)
    _touch(vocabulary)
    before = _private_kb()
    began = time.process_time()
    for number, options in enumerate(_OPTIONS):
        try:
            bound = structgen.json_schema(case.schema, **options).bind(vocabulary)  # type: ignore[arg-type]
        except structgen.StructgenError as error:
            return row | {"status": "refused", "error": f"{type(error).__name__}: {error}"[:300]}
        if number == 0:
            _follow(bound, texts)
            row["memory_kb"] = _private_kb() - before
        for walk in range(number, settings.walks, len(_OPTIONS)):
            row["findings"] += _walk(bound, judge, random.Random(f"{settings.seed} {case.id} {walk}"), walk, row)
    return row | {"seconds": time.process_time() - began, "memory_after_walks_kb": _private_kb() - before}


def _touch(vocabulary: Any) -> None:
    """Make the process its own copies of the pages that any schema would make it copy."""
    import structgen

    gc.collect()
    assert all(token is not None for token in vocabulary.tokens)
    _follow(structgen.json_schema({"type": "object"}).bind(vocabulary), [vocabulary.encode_bytes(b'{"a": [0, "b"]}')])
    gc.collect()


def _follow(bound: Any, texts: list[list[int]]) -> None:
    """Every instance, with every mask."""
    vocabulary = bound.vocabulary
    words = np.zeros((vocabulary.n_tokens + 31) // 32, np.uint32)
    for text in texts:
        matcher = bound.start()
        for token in text:
            matcher.fill_mask(words)
            if not matcher.try_advance(token):
                break


def _walk(bound: Any, judge: Judge, choose: random.Random, number: int, row: dict[str, Any]) -> list[dict[str, str]]:
    """One walk; what is wrong with it. ``row`` counts, and knows the slowest mask."""
    import structgen
    from structgen.masks.mask import count_allowed

    vocabulary = bound.vocabulary
    ends = set(vocabulary.eos_ids)
    matcher = bound.start()
    budget = len(matcher.shortest_completion_tokens()) + _SPARE[number // 2 % len(_SPARE)]
    words = np.zeros((vocabulary.n_tokens + 31) // 32, np.uint32)
    banned: dict[int, set[int]] = {}
    steps = 0
    while matcher.n_steps < budget and steps < 3 * budget:
        steps += 1
        began = time.thread_time()
        try:
            matcher.fill_mask(words, budget - matcher.n_steps)
        except structgen.IncompleteError:
            break
        row["slowest_mask"] = max(row.get("slowest_mask", 0.0), time.thread_time() - began)
        for token in banned.get(matcher.n_steps, ()):
            words[token >> 5] &= ~np.uint32(1 << (token & 31))
        n_allowed = count_allowed(words)
        if not n_allowed:
            row["rolled_back"] = row.get("rolled_back", 0) + 1
            banned.pop(matcher.n_steps, None)
            if not matcher.n_steps:
                break
            banned.setdefault(matcher.n_steps - 1, set()).add(matcher.token_ids[-1])
            matcher.rollback()
            continue
        token = _nth_allowed(words, choose.randrange(n_allowed))
        if not matcher.try_advance(token):
            return [{"fault": "disagreement", "text": matcher.text, "token": repr(vocabulary.token_bytes(token))}]
        if token in ends:
            break
    row["walks"] = row.get("walks", 0) + 1
    if not matcher.is_finished:
        return [{"fault": "unfinished", "text": matcher.text, "budget": str(budget)}]
    data = b"".join(vocabulary.token_bytes(token) for token in matcher.token_ids if token not in ends)
    judged = _judged(judge, data)
    row[judged.verdict] = row.get(judged.verdict, 0) + 1
    return [{"fault": "invalid", "text": data.decode(), "judged": judged.reason}] if judged.verdict == "invalid" else []


def _nth_allowed(words: np.ndarray[Any, np.dtype[np.uint32]], n: int) -> int:
    """The token after ``n`` others in a mask; listing all of them takes longer than most masks do."""
    until = np.cumsum(np.bitwise_count(words), dtype=np.int64)
    word = int(np.searchsorted(until, n, side="right"))
    bits = int(words[word])
    for _ in range(n - int(until[word]) + bits.bit_count()):
        bits &= bits - 1
    return 32 * word + (bits & -bits).bit_length() - 1


def _judged(judge: Judge, data: bytes) -> Judgement:
    """The judge's word; where a name is repeated, on the value that a reader gets, which keeps the last one."""
    found = judge.document(data)
    return judge.value(json.loads(data)) if found.reason == "duplicate keys" else found


def _private_kb() -> int:
    """Memory that this process shares with no other, in KiB."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:])
    return sum(int(fields[name].split()[0]) for name in ("Private_Clean", "Private_Dirty"))
