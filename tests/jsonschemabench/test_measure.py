from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jsonschemabench.engines import KNOWN, load
from jsonschemabench.engines.base import CompileOptions, EngineVocabulary
from jsonschemabench.errors import EngineMissingError
from jsonschemabench.measure import Timings, timed, walk
from jsonschemabench.tokens import Tokenizer
from tests.jsonschemabench.toy_engines import TextsMatcher


def accepted(engine: Any, tokenizer: Tokenizer, schema: Any, text: str) -> bool:
    row = np.zeros(tokenizer.vocabulary.n_words, dtype=np.uint32)
    matcher = engine.compile(schema, CompileOptions()).matcher()
    return walk(matcher, row, tokenizer.encode(text), Timings()).accepted


def test_a_walk_stops_at_the_first_refusal(tokenizer: Tokenizer) -> None:
    row = np.zeros(tokenizer.vocabulary.n_words, dtype=np.uint32)
    timings = Timings()
    result = walk(TextsMatcher([b"abab"], tokenizer.vocabulary), row, tokenizer.encode("abxab"), timings)
    assert (result.allowed, result.n_tokens, result.accepted) == (1, 3, False)
    assert len(timings.mask) == len(timings.advance_wall) == 2


def test_a_walk_that_may_not_stop_is_not_accepted(tokenizer: Tokenizer) -> None:
    row = np.zeros(tokenizer.vocabulary.n_words, dtype=np.uint32)
    result = walk(TextsMatcher([b"abab"], tokenizer.vocabulary), row, tokenizer.encode("ab"), Timings())
    assert result.all_allowed and not result.may_stop and not result.accepted


def test_mask_and_advance_that_disagree_are_counted(tokenizer: Tokenizer) -> None:
    class Lying(TextsMatcher):
        def fill_mask(self, row: np.ndarray[Any, Any]) -> None:
            row[:] = 0

    row = np.zeros(tokenizer.vocabulary.n_words, dtype=np.uint32)
    result = walk(Lying([b"ab"], tokenizer.vocabulary), row, tokenizer.encode("ab"), Timings())
    assert (result.disagreements, result.accepted) == (1, False)


def test_timed_reports_the_smaller_of_wall_and_cpu() -> None:
    def sleep() -> int:
        import time

        time.sleep(0.03)
        return 7

    result, wall, least = timed(sleep)
    assert result == 7
    assert wall >= 30_000_000
    assert least < 20_000_000  # sleeping takes no CPU time


PEERS = [name for name, spec in KNOWN.items() if spec.extra == "structgen[bench]"]


@pytest.fixture(scope="module")
def started(tokenizer: Tokenizer) -> Callable[[str], Any]:
    engines: dict[str, Any] = {}

    def start(name: str) -> Any:
        if name not in engines:
            try:
                engines[name] = load(name, tokenizer.vocabulary)
            except EngineMissingError as error:
                pytest.skip(str(error))
        return engines[name]

    return start


@pytest.mark.filterwarnings("ignore")  # peers warn about their own business
@pytest.mark.parametrize("name", PEERS)
def test_every_peer_takes_what_is_valid_and_refuses_what_is_not(
    name: str, started: Callable[[str], Any], tokenizer: Tokenizer
) -> None:
    engine = started(name)
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"enum": ["x", "y"]}},
        "required": ["a", "b"],
        "additionalProperties": False,
    }
    assert accepted(engine, tokenizer, schema, '{"a": 12, "b": "x"}')
    assert not accepted(engine, tokenizer, schema, '{"a": 12, "b": "z"}')
    assert not accepted(engine, tokenizer, schema, '{"a": 12')
    assert engine.version


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["llguidance", "xgrammar", "xgrammar-compliant"])
def test_grammars_reach_the_peers_that_have_them(
    name: str, started: Callable[[str], Any], tokenizer: Tokenizer
) -> None:
    compiled = started(name).compile_grammar('root ::= "a" ("b" | "c")+\n', "gbnf")
    row = np.zeros(tokenizer.vocabulary.n_words, dtype=np.uint32)
    assert walk(compiled.matcher(), row, tokenizer.encode("abc"), Timings()).accepted
    assert not walk(compiled.matcher(), row, tokenizer.encode("ad"), Timings()).accepted


def test_the_null_engine_allows_everything(tokenizer: Tokenizer) -> None:
    assert accepted(load("null", tokenizer.vocabulary), tokenizer, False, "anything")


def test_a_vocabulary_counts_words(tokenizer: Tokenizer) -> None:
    vocabulary = tokenizer.vocabulary
    assert isinstance(vocabulary, EngineVocabulary)
    assert vocabulary.n_words == -(-vocabulary.n_tokens // 32)
