"""Grammar masks side by side with llguidance and xgrammar, in one run.

Question: what does a mask cost while a text of a few hundred tokens is written under a context-free
grammar? Per engine and case: *first mask* (reading, compiling, binding and one mask), in processor time;
*masks* (mask and advance, per token) of a first text under a grammar compiled for it; and of a *second*
text with the compiled grammar kept. Every engine gets the same Lark text where it can read it. structgen's
own caches of grammars and masks are off but for the second text, and kernels are loaded. Known before a
grammar is read is what depends on the vocabulary alone (as in the peers' tokenizers, one of which cuts a
vocabulary by classes of JSON's strings): where tokens leave the loops of usual names, strings and comments,
and what tokens do inside the terminals listed in ``structgen.usual_terminals``, at their beginning or
behind a blank: JSON's, Lark's ``common`` ones and other usual spellings; those of these grammars are nearly
all among them. Terminals' expressions that some grammar had before are not read again, nor made into nodes: that
is so from the second repeat on, and for those usual terminals from the first. With ``--unprepared`` none of this is
known but what earlier repeats found.
Python's collector leaves alone what is there before the runs (``gc.freeze``, as servers do), or its passes
over the vocabulary would be most of the slowest tokens. Each figure is the best of several runs, place by
place: the machine may be shared.

    STRUCTGEN_DATA=... python -m tests.bench.grammars [case ...] [--engine structgen] [--unprepared]
    STRUCTGEN_DATA=... python -m tests.bench.grammars make proto ini calc pascal lua
    STRUCTGEN_DATA=... python -m tests.bench.grammars --long

The second form runs small grammars that are harder than they look: lexemes that may collide (words told from
letters, comments from values), operators without precedence, statements that nothing separates. The third prints what a
token costs along a text of 100,000 tokens and at 1,000 levels of nesting. Times depend on the machine; read the ratios.
"""

from __future__ import annotations

import argparse
import gc
import resource
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
    def __init__(self, path: Path, *, prepared: bool = True) -> None:
        from structgen.masks.lexeme_runs import lexeme_runs
        from structgen.usual_terminals import prepare_terminals
        from structgen.vocab.vocabulary import Vocabulary

        self.vocabulary = Vocabulary.from_tokenizer_json(path)
        self.row = np.zeros((self.vocabulary.n_tokens + 31) // 32, dtype=np.uint32)
        if prepared:
            lexeme_runs(self.vocabulary).prepare()
            prepare_terminals(self.vocabulary)

    def compile(self, grammar: str) -> Any:
        from structgen.grammar_constraint import lark

        return lark(grammar, cache=False).bind(self.vocabulary).machine

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


class Xgrammar:
    def __init__(self, path: Path) -> None:
        import xgrammar
        from transformers import PreTrainedTokenizerFast

        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(path))
        self.info = xgrammar.TokenizerInfo.from_huggingface(tokenizer, vocab_size=len(tokenizer))
        self.bitmask = xgrammar.allocate_token_bitmask(1, self.info.vocab_size)
        self.row = self.bitmask[0].numpy().view(np.uint32)

    def compile(self, grammar: str) -> Any:
        import xgrammar

        compiler = xgrammar.GrammarCompiler(self.info, max_threads=1, cache_enabled=False)
        return compiler.compile_grammar(xgrammar.Grammar.from_lark(grammar))

    def start(self, compiled: Any) -> tuple[Callable[[], None], Callable[[int], bool]]:
        import xgrammar

        matcher = xgrammar.GrammarMatcher(compiled)

        def mask() -> None:
            matcher.fill_next_token_bitmask(self.bitmask)

        def advance(token: int) -> bool:
            allowed = bool(self.row[token >> 5] >> np.uint32(token & 31) & np.uint32(1))
            return matcher.accept_token(token) and allowed

        return mask, advance


ENGINES = {"structgen": Structgen, "llguidance": Llguidance, "xgrammar": Xgrammar}
REPEATS = 5


def run_text(engine: Any, compiled: Any, tokens: list[int]) -> np.ndarray:
    """Microseconds of mask and advance, per token."""
    mask, advance = engine.start(compiled)
    clock = time.perf_counter_ns
    times = []
    for position, token in enumerate(tokens):
        begin = clock()
        mask()
        allowed = advance(token)
        times.append(clock() - begin)
        if not allowed:
            raise AssertionError(f"token {position} refused")
    return np.array(times) / 1000


def measure(engine: Any, grammar: str, tokens: list[int], repeats: int) -> dict[str, Any]:
    firsts, fresh, again = [], [], []
    for _ in range(repeats):
        gc.collect()
        begin = time.process_time_ns()
        compiled = engine.compile(grammar)
        mask, _ = engine.start(compiled)
        mask()
        firsts.append((time.process_time_ns() - begin) / 1000)
        fresh.append(run_text(engine, compiled, tokens))
        again.append(run_text(engine, compiled, tokens))
    return {"first": min(firsts), "fresh": np.min(fresh, axis=0), "again": np.min(again, axis=0)}


def show(case: str, name: str, result: dict[str, Any], n: int) -> None:
    fresh, again = result["fresh"], result["again"]
    print(
        f"{case:7s} {name:10s} n={n:4d} first mask {result['first']:8.0f} µs   first text avg {fresh.mean():7.1f} "
        f"p50 {np.median(fresh):7.1f} p99 {np.percentile(fresh, 99):8.1f} max {fresh.max():8.1f}   "
        f"second avg {again.mean():7.2f} p99 {np.percentile(again, 99):7.1f}",
        flush=True,
    )


def grammar_of(case: str) -> str:
    """The grammar of a case: the benchmark's own, or one that comes with the package."""
    from structgen import grammars

    path = CASES / f"{case}.lark"
    return path.read_text() if path.exists() else grammars.text(case)


def side_by_side(
    cases: list[str], engines: list[str], encoder: Any, path: Path, repeats: int, *, prepared: bool = True
) -> None:
    for name in engines:
        engine: Any = ENGINES[name](path) if prepared else Structgen(path, prepared=False)
        if name == "structgen":  # kernels are loaded by another grammar
            run_text(engine, engine.compile('start: "a" start "b" | /[x-z]/'), encoder.encode("aaaxbbb").ids[1:])
        gc.collect()
        gc.freeze()
        for case in cases:
            tokens = encoder.encode((CASES / f"{case}.txt").read_text().strip(), add_special_tokens=False).ids
            try:
                result = measure(engine, grammar_of(case), tokens, repeats if name != "xgrammar" else 1)
            except (ValueError, RuntimeError, AssertionError) as error:
                print(f"{case:7s} {name:10s} cannot: {str(error).splitlines()[0][:110]}", flush=True)
                continue
            show(case, name, result, len(tokens))


def memory() -> int:
    """Bytes the process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def long_text(engine: Structgen, encoder: Any, n_tokens: int) -> None:
    """What a token costs along a long text, and what memory grows by."""
    from structgen.masks.matcher import Matcher

    unit = encoder.encode('{"name": "Ann", "scores": [1, 2.5, -3], "next": {"id": 12, "ok": true}},\n').ids[1:]
    tokens = (encoder.encode("[", add_special_tokens=False).ids + unit * (n_tokens // len(unit) + 1))[:n_tokens]
    machine = engine.compile(grammar_of("json"))
    matcher, row, times = Matcher(machine), engine.row, []
    print(f"JSON, {n_tokens} tokens: tokens so far, µs per token (median, mean), stack cells, MB at most")
    for place, token in enumerate(tokens, 1):
        begin = time.perf_counter_ns()
        matcher.fill_mask(row)
        matcher.advance(token)
        times.append((time.perf_counter_ns() - begin) / 1000)
        if place % (n_tokens // 10) == 0:
            cells = int(machine.automaton.work[7])
            print(f"{place:8d}  {np.median(times):6.2f} {np.mean(times):7.2f}  {cells:8d}  {memory() / 1e6:8.1f}")
            times.clear()


def nesting(engine: Structgen, depth: int) -> None:
    """What a token costs the deeper the text is nested."""
    from structgen.masks.matcher import Matcher

    machine = engine.compile(grammar_of("c_like"))
    vocabulary, row = engine.vocabulary, engine.row
    matcher = Matcher(machine)
    opening = [vocabulary.encode_bytes(text)[0] for text in (b"(", b"x", b"+")]
    for token in vocabulary.encode_bytes(b"int x = "):
        matcher.fill_mask(row)
        matcher.advance(token)
    times: list[float] = []
    print(f"C-like, {depth} parentheses: depth, µs per token going down (median, mean), stack cells, MB at most")
    for level in range(1, depth + 1):
        for token in (opening[1], opening[2], opening[0]) if level > 1 else (opening[0],):
            begin = time.perf_counter_ns()
            matcher.fill_mask(row)
            matcher.advance(token)
            times.append((time.perf_counter_ns() - begin) / 1000)
        if level % (depth // 10) == 0:
            cells = int(machine.automaton.work[7])
            print(f"{level:8d}  {np.median(times):6.2f} {np.mean(times):7.2f}  {cells:8d}  {memory() / 1e6:8.1f}")
            times.clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=["c_like", "sql", "json", "python"])
    parser.add_argument("--engine", action="append", choices=sorted(ENGINES))
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument(
        "--unprepared", action="store_true", help="structgen alone, of whose vocabulary nothing is known"
    )
    parser.add_argument("--long", action="store_true", help="100,000 tokens, and 1,000 levels of nesting")
    options = parser.parse_args()
    path = tokenizer_path()
    from tokenizers import Tokenizer

    encoder = Tokenizer.from_file(str(path))
    if options.long:
        engine = Structgen(path)
        long_text(engine, encoder, 100_000)
        nesting(engine, 1_000)
    else:
        engines = ["structgen"] if options.unprepared else options.engine or list(ENGINES)
        side_by_side(options.cases, engines, encoder, path, options.repeats, prepared=not options.unprepared)


if __name__ == "__main__":
    main()
