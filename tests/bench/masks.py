"""How long masks take: ``python -m tests.bench.masks [--tokenizer llama3_1] [--no-peers] [--repeat 30]``.

First structgen's own bars on one vocabulary, then the same regexes and texts through
llguidance and outlines-core in the same process, one thread. Times are medians of
repeated runs, in microseconds unless said otherwise; kernels are compiled beforehand and
imports are not counted, except in ``import structgen``. Absolute times belong to the
machine, so compare columns, not runs. Where bytes are forced, llguidance allows their
canonical tokens only, so its masks are then smaller than the other two's.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

import structgen as sg
from structgen.kernels.walk import fill_dfa_mask
from structgen.masks.mask import empty_mask
from structgen.vocab import Vocabulary
from tests.support.data import data_root

DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
JSON_STRING = r'"([^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"'

CASES = {
    "date": (DATE, "2024-06-30"),
    "uuid": (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
    "email": (r"[a-zA-Z0-9._%+-]{1,30}@[a-zA-Z0-9.-]{1,30}\.[a-z]{2,6}", "ann.smith+news@mail.example.com"),
    "json string": (JSON_STRING, '"The quick brown fox said: \\"hi\\", twice. Grüße!"'),
    "sentence": (r"[A-Z][a-z]{0,20}( [a-z]{1,20}){0,8}\.", "The quick brown fox jumps over the lazy dog."),
    "record": (r'\{"name": "[^"\\]{1,40}", "age": [1-9][0-9]{0,2}\}', '{"name": "Ann Smith", "age": 41}'),
}
"""A regex and a text it matches, walked token by token."""


def median_us(action: Callable[[], object], repeat: int) -> float:
    """Median time of ``action``, µs."""
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e6


# --- structgen's own bars


def own_bars(path: Path, repeat: int) -> Iterator[tuple[str, float, str, float]]:
    """(what, measured, unit, bar) for each bar."""
    vocabulary = Vocabulary.from_tokenizer_json(path)
    load_ms = median_us(lambda: Vocabulary.from_tokenizer_json(path), 5) / 1e3
    yield "vocabulary load from the disk cache", load_ms, "ms", 150
    row = empty_mask(vocabulary.n_tokens)

    matcher = sg.regex(DATE).bind(vocabulary).start()
    matcher.fill_mask(row)
    yield "warm fill_mask", best_loop_us(lambda: matcher.fill_mask(row)), "µs", 3

    token_id = vocabulary.encode_bytes(b"2024")[0]
    free = sg.regex(r"(?s:.*)").bind(vocabulary).start()

    def step() -> None:
        free.advance(token_id)
        free.rollback(1)

    yield "advance and rollback", best_loop_us(step), "µs", 3

    unseen = (f"{DATE}(?#{n})" for n in count())  # the readers remember what they have read

    def first_mask() -> None:
        sg.regex(next(unseen)).bind(vocabulary).start().fill_mask(row)

    first_mask()
    yield "regex compile + first mask, date", median_us(first_mask, repeat) / 1e3, "ms", 2
    yield "full walk of the trie", full_walk_us(vocabulary, repeat) / 1e3, "ms", 2
    inside = sg.regex(JSON_STRING)
    yield "cold mask inside a free JSON string (as a regex)", cold_mask_us(inside, b'"ab', vocabulary, repeat), "µs", 60
    yield "import structgen", import_seconds(), "s", 0.3


def best_loop_us(action: Callable[[], object], n: int = 2000) -> float:
    """Median over ten loops of the time per call, µs."""

    def loop() -> None:
        for _ in range(n):
            action()

    return median_us(loop, 10) / n


def cold_mask_us(constraint: Any, text: bytes, vocabulary: Vocabulary, repeat: int) -> float:
    """One mask of a machine that has computed none, after ``text``."""
    times = []
    row = empty_mask(vocabulary.n_tokens)
    for _ in range(repeat + 1):
        matcher = type(constraint)(constraint.dfa, constraint.description).bind(vocabulary).start()
        assert matcher.advance_bytes(text)
        started = time.perf_counter()
        matcher.fill_mask(row)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:]) * 1e6


def full_walk_us(vocabulary: Vocabulary, repeat: int) -> float:
    """Every node of the trie, by the kernel itself."""
    dfa = sg.regex(r"(?s:.*)").dfa
    row = empty_mask(vocabulary.n_tokens)

    def walk() -> None:
        fill_dfa_mask(*vocabulary.trie, vocabulary.max_token_bytes, dfa.class_of, dfa.transitions, dfa.start, row)

    walk()
    return median_us(walk, repeat)


def import_seconds() -> float:
    """The least of five fresh interpreters with the import, less the same without."""
    spent = []
    for line in ("pass", "import structgen"):
        runs = []
        for _ in range(5):
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", line], check=True)
            runs.append(time.perf_counter() - started)
        spent.append(min(runs))
    return spent[1] - spent[0]


# --- engines side by side


class Structgen:
    name = "structgen"

    def __init__(self, path: Path) -> None:
        self.vocabulary = Vocabulary.from_tokenizer_json(path)
        self.row = empty_mask(self.vocabulary.n_tokens)

    def start(self, pattern: str) -> Any:
        return sg.regex(pattern).bind(self.vocabulary).start()

    def again(self, matcher: Any) -> Any:
        matcher.rollback(matcher.n_steps)
        return matcher

    def mask(self, matcher: Any) -> np.ndarray:
        matcher.fill_mask(self.row)
        return self.row

    def advance(self, matcher: Any, token_id: int) -> None:
        matcher.advance(token_id)


class LLGuidance:
    name = "llguidance"

    def __init__(self, path: Path, vocabulary: Vocabulary) -> None:
        import llguidance
        import llguidance.numpy as masks

        self._lib, self._masks = llguidance, masks
        self._tokenizer = llguidance.LLTokenizer(path.read_text(), eos_token=vocabulary.eos_ids[0])
        self.row = masks.allocate_token_bitmask(1, self._tokenizer.vocab_size)

    def start(self, pattern: str) -> Any:
        return self._lib.LLMatcher(self._tokenizer, self._lib.LLMatcher.grammar_from_regex(pattern))

    def again(self, matcher: Any) -> Any:
        matcher.reset()
        return matcher

    def mask(self, matcher: Any) -> np.ndarray:
        self._masks.fill_next_token_bitmask(matcher, self.row, 0)
        return self.row[0].view(np.uint32)

    def advance(self, matcher: Any, token_id: int) -> None:
        if not matcher.consume_token(token_id):
            raise RuntimeError(matcher.get_error())


class OutlinesCore:
    name = "outlines-core"

    def __init__(self, vocabulary: Vocabulary) -> None:
        import outlines_core

        self._lib = outlines_core
        by_bytes: dict[bytes, list[int]] = {}
        for token_id, token in enumerate(vocabulary.tokens):
            if token:
                by_bytes.setdefault(token, []).append(token_id)
        self._vocabulary = outlines_core.Vocabulary(vocabulary.eos_ids[0], by_bytes)
        self.row = empty_mask(vocabulary.n_tokens)

    def start(self, pattern: str) -> Any:
        return self._lib.Guide(self._lib.Index(pattern, self._vocabulary))

    def again(self, guide: Any) -> Any:
        guide.reset()
        return guide

    def mask(self, guide: Any) -> np.ndarray:
        guide.write_mask_into(self.row.ctypes.data, self.row.size, 4)
        return self.row

    def advance(self, guide: Any, token_id: int) -> None:
        guide.advance(token_id, return_tokens=False)


def peers(path: Path, vocabulary: Vocabulary) -> Iterator[Any]:
    """The engines that are installed, after structgen."""
    yield Structgen(path)
    for make in (lambda: LLGuidance(path, vocabulary), lambda: OutlinesCore(vocabulary)):
        try:
            yield make()
        except ImportError as error:
            print(f"left out: {error}")


def measure(engine: Any, pattern: str, token_ids: list[int], repeat: int) -> tuple[float, float, float, list[bytes]]:
    """Compile plus first mask; then per token mask plus advance, first pass and later passes; masks seen, as bytes."""
    first = []
    for _ in range(repeat):
        pattern = f"{pattern}(?:)" if engine.name == "structgen" else pattern  # peers remember nothing, nor may we
        started = time.perf_counter()
        matcher = engine.start(pattern)
        engine.mask(matcher)
        first.append(time.perf_counter() - started)
        if sum(first) > 4:
            break
    passes, seen = [], []
    for number in range(1 + max(3, repeat)):
        matcher = engine.again(matcher)
        times = []
        for token_id in token_ids:
            started = time.perf_counter()
            row = engine.mask(matcher)
            engine.advance(matcher, token_id)
            times.append(time.perf_counter() - started)
            if number == 0:
                seen.append(row.tobytes())
        passes.append(statistics.fmean(times))
    return statistics.median(first) * 1e6, passes[0] * 1e6, statistics.median(passes[1:]) * 1e6, seen


def side_by_side(path: Path, repeat: int) -> None:
    vocabulary = Vocabulary.from_tokenizer_json(path)
    engines = list(peers(path, vocabulary))
    for engine in engines:  # compiles every kernel, and wakes the peers up
        measure(engine, "[a-c]{1,40}", vocabulary.encode_bytes(b"a") * 30, 1)
    print("\nµs: compile + first mask; then per token, mask + advance, on the first pass and on later ones.")
    print("In brackets: times structgen's, and how many masks along the text equal structgen's.")
    print(f"{'regex':12} {'engine':14} {'compile+first':>14} {'first pass':>11} {'later':>8}")
    for case, (pattern, text) in CASES.items():
        token_ids = vocabulary.encode_bytes(text.encode())
        base: tuple[float, float, float, list[bytes]] | None = None
        for engine in engines:
            gc.collect()
            try:
                found = measure(engine, pattern, token_ids, repeat if engine.name != "outlines-core" else 3)
            except Exception as error:  # a peer's refusal is a row of the table
                print(f"{case:12} {engine.name:14} {type(error).__name__}: {str(error)[:80]}")
                continue
            base = base or found
            ratios = " ".join(f"×{theirs / mine:.2g}" for theirs, mine in zip(found[:3], base[:3], strict=True))
            print(
                f"{case:12} {engine.name:14} {found[0]:14.0f} {found[1]:11.1f} {found[2]:8.2f}   "
                f"[{ratios}; {agreement(found[3], base[3], vocabulary)}]"
            )


def agreement(theirs: list[bytes], ours: list[bytes], vocabulary: Vocabulary) -> str:
    """How many of the masks along the text are equal, end of sequence left out."""
    ends = empty_mask(vocabulary.n_tokens)
    for token_id in vocabulary.special_ids:
        ends[token_id >> 5] |= np.uint32(1 << (token_id & 31))
    equal = 0
    for left, right in zip(theirs, ours, strict=True):
        a, b = np.frombuffer(left, np.uint32), np.frombuffer(right, np.uint32)
        n = min(len(a), len(b))
        equal += bool(((a[:n] ^ b[:n]) & ~ends[:n] == 0).all())
    return f"{equal}/{len(ours)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", default="llama3_1", help="a file of the data folder's tokenizers, or a path")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--repeat", type=int, default=30)
    options = parser.parse_args()
    path = Path(options.tokenizer)
    if not path.exists():
        path = data_root() / "tokenizers" / f"{options.tokenizer}.json"
    if not path.exists():
        sys.exit(f"no tokenizer at {path}: name a tokenizer.json, or set STRUCTGEN_DATA")
    print(f"{path.name}: {Vocabulary.from_tokenizer_json(path)}")
    for what, measured, unit, bar in own_bars(path, options.repeat):
        verdict = "ok" if measured <= bar else "OVER"
        print(f"{what:50} {measured:9.3f} {unit:3} bar {bar:g} {unit}: {verdict}")
    if not options.no_peers:
        side_by_side(path, options.repeat)


if __name__ == "__main__":
    main()
