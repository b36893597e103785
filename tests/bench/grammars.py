"""Grammar masks side by side with llguidance and xgrammar, in one run.

Question: what does a mask cost while a text of a few hundred tokens is written under a
context-free grammar? Per engine and case: *first mask* (compile, bind, one mask), *masks*
(mask and advance, per token) on a fresh compile, and the same for a second text with the
compiled grammar kept.

    STRUCTGEN_DATA=... python -m tests.bench.grammars [case ...] [--engine structgen]

Times depend on the machine; read the ratios.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CASES = Path(__file__).parent / "grammar_cases"


def tokenizer_path() -> Path:
    from tests.support.data import data_path

    return data_path("tokenizers", "llama3_1.json")


class Structgen:
    def __init__(self, path: Path) -> None:
        from structgen.vocab.vocabulary import Vocabulary

        self.vocabulary = Vocabulary.from_tokenizer_json(path)
        self.row = np.zeros((self.vocabulary.n_tokens + 31) // 32, dtype=np.uint32)

    def compile(self, grammar: str) -> Any:
        from structgen.grammar_constraint import lark

        return lark(grammar).bind(self.vocabulary).machine

    def start(self, compiled: Any) -> tuple[Callable[[], None], Callable[[int], bool]]:
        from structgen.masks.matcher import Matcher

        matcher = Matcher(compiled)

        def mask() -> None:
            matcher.fill_mask(self.row)

        def advance(token: int) -> bool:
            allowed = bool(self.row[token >> 5] >> np.uint32(token & 31) & np.uint32(1))
            matcher.advance(token)
            return allowed

        return mask, advance


class Llguidance:
    def __init__(self, path: Path) -> None:
        from llguidance import LLTokenizer

        self.tokenizer = LLTokenizer(str(path))
        self.row = np.zeros((self.tokenizer.vocab_size + 31) // 32, dtype=np.uint32)

    def compile(self, grammar: str) -> Any:
        from llguidance import LLMatcher

        matcher = LLMatcher(self.tokenizer, LLMatcher.grammar_from_lark(grammar))
        if matcher.is_error():
            raise ValueError(matcher.get_error())
        return matcher

    def start(self, compiled: Any) -> tuple[Callable[[], None], Callable[[int], bool]]:
        matcher = compiled.deep_copy()
        address, size = self.row.ctypes.data, self.row.nbytes

        def mask() -> None:
            matcher.unsafe_compute_mask_ptr(address, size)

        def advance(token: int) -> bool:
            allowed = bool(self.row[token >> 5] >> np.uint32(token & 31) & np.uint32(1))
            return matcher.consume_token(token) and allowed

        return mask, advance


ENGINES = {"structgen": Structgen, "llguidance": Llguidance}


def run_text(engine: Any, compiled: Any, tokens: list[int]) -> np.ndarray:
    """Microseconds of mask and advance, per token."""
    mask, advance = engine.start(compiled)
    clock = time.perf_counter_ns
    times = []
    for position, token in enumerate(tokens):
        begin = clock()
        mask()
        middle = clock()
        allowed = advance(token)
        times.append(clock() - begin)
        if not allowed:
            raise AssertionError(f"token {position} refused")
        del middle
    return np.array(times) / 1000


def measure(engine: Any, grammar: str, tokens: list[int]) -> dict[str, Any]:
    begin = time.perf_counter_ns()
    compiled = engine.compile(grammar)
    mask, _ = engine.start(compiled)
    mask()
    first = (time.perf_counter_ns() - begin) / 1000
    fresh = run_text(engine, engine.compile(grammar), tokens)
    again = run_text(engine, compiled, tokens)
    again = run_text(engine, compiled, tokens)
    return {"first": first, "fresh": fresh, "again": again}


def show(case: str, name: str, result: dict[str, Any], n: int) -> None:
    fresh, again = result["fresh"], result["again"]
    print(
        f"{case:8s} {name:11s} n={n:4d} first mask {result['first']:9.0f}  masks avg {fresh.mean():7.1f} "
        f"p50 {np.median(fresh):6.1f} p99 {np.percentile(fresh, 99):7.1f} max {fresh.max():8.1f}  "
        f"again avg {again.mean():6.2f} p99 {np.percentile(again, 99):6.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=["c_like", "sql", "json"])
    parser.add_argument("--engine", action="append", choices=sorted(ENGINES))
    options = parser.parse_args()
    path = tokenizer_path()
    from tokenizers import Tokenizer

    encoder = Tokenizer.from_file(str(path))
    for name in options.engine or list(ENGINES):
        engine = ENGINES[name](path)
        for case in options.cases:
            grammar = (CASES / f"{case}.lark").read_text()
            tokens = encoder.encode((CASES / f"{case}.txt").read_text().strip(), add_special_tokens=False).ids
            warm = measure(engine, grammar, tokens)  # compiled kernels, warm file caches
            del warm
            gc.collect()
            show(case, name, measure(engine, grammar, tokens), len(tokens))


if __name__ == "__main__":
    main()
