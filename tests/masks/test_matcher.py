"""The matcher's laws, on any machine; errors by their fields."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import structgen as sg
from structgen.errors import RejectedTokenError
from structgen.masks.mask import allowed_ids, empty_mask, is_allowed
from structgen.masks.matcher import Matcher
from structgen.vocab import Vocabulary
from tests.masks.cases import CONSTRAINTS
from tests.support import vocabularies

names = st.sampled_from(sorted(CONSTRAINTS))


def start(constraint: str) -> Matcher:
    return CONSTRAINTS[constraint].bind(vocabularies.hostile()).start()


def mask_of(matcher: Matcher) -> list[int]:
    row = empty_mask(matcher.vocabulary.n_tokens)
    matcher.fill_mask(row)
    return allowed_ids(row, matcher.vocabulary.n_tokens).tolist()


def walk(matcher: Matcher, rng: random.Random, n: int) -> None:
    """Up to ``n`` random allowed tokens, end of sequence last if it comes."""
    for _ in range(n):
        allowed = mask_of(matcher)
        if not allowed:
            break
        matcher.advance(rng.choice(allowed))


@settings(deadline=None, max_examples=60)
@given(names, st.integers(0, 2**32), st.integers(0, 12))
def test_mask_bit_is_set_exactly_where_try_advance_succeeds(constraint: str, seed: int, n: int) -> None:
    matcher = start(constraint)
    walk(matcher, random.Random(seed), n)
    row = empty_mask(matcher.vocabulary.n_tokens)
    matcher.fill_mask(row)
    for token_id in range(matcher.vocabulary.n_tokens):
        taken = matcher.try_advance(token_id)
        assert taken == is_allowed(row, token_id)
        if taken:
            matcher.rollback(1)


@settings(deadline=None, max_examples=60)
@given(names, st.integers(0, 2**32), st.integers(0, 8), st.integers(1, 8))
def test_rollback_restores_everything(constraint: str, seed: int, n: int, more: int) -> None:
    rng = random.Random(seed)
    matcher = start(constraint)
    walk(matcher, rng, n)
    before = (matcher.config, matcher.token_ids, matcher.text_bytes, matcher.is_finished, mask_of(matcher))
    taken = matcher.n_steps
    walk(matcher, rng, more)
    matcher.rollback(matcher.n_steps - taken)
    assert before == (matcher.config, matcher.token_ids, matcher.text_bytes, matcher.is_finished, mask_of(matcher))


@settings(deadline=None, max_examples=40)
@given(names, st.integers(0, 2**32), st.integers(0, 8))
def test_fork_is_independent(constraint: str, seed: int, n: int) -> None:
    rng = random.Random(seed)
    matcher = start(constraint)
    walk(matcher, rng, n)
    text, config = matcher.text_bytes, matcher.config
    fork = matcher.fork()
    walk(fork, rng, 5)
    assert (matcher.text_bytes, matcher.config) == (text, config)
    fork.rollback(fork.n_steps)
    assert fork.text_bytes == b""


@settings(deadline=None, max_examples=40)
@given(names, st.integers(0, 2**32))
def test_a_walk_that_is_accepting_is_in_the_language(constraint: str, seed: int) -> None:
    matcher = start(constraint)
    walk(matcher, random.Random(seed), 15)
    assert matcher.is_accepting == CONSTRAINTS[constraint].accepts(matcher.text_bytes)


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_completion_tokens_complete(constraint: str) -> None:
    matcher = start(constraint)
    walk(matcher, random.Random(3), 3)
    for token_id in matcher.shortest_completion_tokens():
        matcher.advance(token_id)
    assert matcher.is_finished
    assert CONSTRAINTS[constraint].accepts(matcher.text_bytes)


def test_end_is_allowed_exactly_where_accepting() -> None:
    matcher = start("choice")
    assert not set(mask_of(matcher)) & set(matcher.vocabulary.eos_ids)
    matcher.advance(2)
    assert matcher.is_accepting and set(matcher.vocabulary.eos_ids) <= set(mask_of(matcher))


@pytest.mark.parametrize("which", [0, 1])
def test_after_the_end_nothing_is_allowed(which: int) -> None:
    matcher = start("choice")
    matcher.advance(2)
    end = matcher.vocabulary.eos_ids[which]
    matcher.advance(end)
    assert matcher.is_finished and matcher.is_accepting and matcher.is_exhausted
    assert mask_of(matcher) == [] and matcher.token_ids == [2, end] and matcher.text == "a"
    assert not matcher.try_advance(end) and not matcher.try_advance(2) and not matcher.advance_bytes(b"b")
    assert matcher.forced_bytes() == b"" and matcher.forced_tokens() == []
    assert matcher.shortest_completion() == b"" and matcher.shortest_completion_tokens() == []
    matcher.rollback(1)
    assert not matcher.is_finished and matcher.try_advance(end)


def test_a_rejected_token_leaves_the_matcher_unchanged() -> None:
    matcher = start("choice")
    matcher.advance(2)
    with pytest.raises(RejectedTokenError) as caught:
        matcher.advance(3)
    assert (caught.value.token_id, caught.value.position) == (3, 1)
    assert matcher.text == "a" and matcher.n_steps == 1


@pytest.mark.parametrize("token_id", [-1, 0, 1, 10**6])
def test_ids_without_text_are_rejected(token_id: int) -> None:
    matcher = start("anything")
    with pytest.raises(RejectedTokenError):
        matcher.advance(token_id)


def test_end_before_acceptance_is_rejected() -> None:
    matcher = start("date")
    with pytest.raises(RejectedTokenError):
        matcher.advance(matcher.vocabulary.eos_ids[0])


@pytest.mark.parametrize("n", [-1, 2])
def test_rollback_beyond_the_start_is_refused(n: int) -> None:
    matcher = start("anything")
    matcher.advance(2)
    with pytest.raises(ValueError):
        matcher.rollback(n)


def test_bytes_are_one_step() -> None:
    matcher = start("choice")
    assert matcher.advance_bytes(b"2024") and not matcher.advance_bytes(b"x")
    assert matcher.text == "2024" and matcher.token_ids == [] and matcher.n_steps == 1
    matcher.rollback(1)
    assert matcher.text == ""


def test_text_leaves_an_unfinished_character_out() -> None:
    matcher = start("anything")
    assert matcher.advance_bytes(b"a") and matcher.advance_bytes("☃".encode()[:2])
    assert matcher.text == "a" and matcher.text_bytes == b"a" + "☃".encode()[:2]


def test_exhausted_is_where_only_the_end_remains() -> None:
    matcher = start("choice")
    assert not matcher.is_exhausted
    assert matcher.advance_bytes(b"a") and matcher.is_accepting and not matcher.is_exhausted
    assert matcher.advance_bytes(b"ba") and matcher.is_exhausted


def test_equal_places_have_equal_configurations() -> None:
    left, right = start("letters"), start("letters")
    assert left.advance_bytes(b"ab") and right.advance_bytes(b"abab")
    assert left.config == right.config and hash(left.config) == hash(right.config)


# --- forced tokens

FORCED = [b"h", b"he", b"hell", b"hello", b" ", b" w", b" wo", b"w", b"o", b"r", b"l", b"d", b"e", b"hello w", b"$"]


def forced(pattern: str) -> list[bytes]:
    vocabulary = Vocabulary.from_bytes(FORCED, eos_ids=[len(FORCED) - 1])
    matcher = sg.regex(pattern).bind(vocabulary).start()
    return [vocabulary.token_bytes(i) for i in matcher.forced_tokens()]


def test_forced_tokens_stop_before_what_could_become_longer() -> None:
    # ' w' may go on to ' wo', so it stays back; 'hello w' cannot go on
    assert forced("he w(o|r)") == [b"he"]
    assert forced("hello w(o|r)") == [b"hello w"]
    assert forced("hel(o|d)") == []


def test_forced_tokens_reach_the_end_where_nothing_can_follow() -> None:
    assert forced("hell") == [b"hell"]
    assert forced("he wo") == [b"he", b" wo"]


def test_forced_tokens_are_a_prefix_of_what_longest_match_makes_of_any_completion() -> None:
    vocabulary = vocabularies.hostile()
    for pattern in ("2024-0[12]", "ab(ab)+0", '"(a|b)": ', "☃☃(a|☃)"):
        matcher = sg.regex(pattern).bind(vocabulary).start()
        tokens = matcher.forced_tokens()
        rng = random.Random(1)
        for _ in range(20):
            other = sg.regex(pattern).bind(vocabulary).start()
            while not other.is_accepting:
                other.advance(rng.choice(mask_of(other)))
            assert vocabulary.encode_bytes(other.text_bytes)[: len(tokens)] == tokens


def test_forced_tokens_take_a_tokenizers_own_spelling() -> None:
    vocabulary = vocabularies.all_bytes()
    matcher = sg.regex("abc(d|e)").bind(vocabulary).start()
    assert matcher.forced_tokens(encode=list) == list(b"ab")
    assert matcher.forced_tokens(encode=lambda data: [1, 2, 3]) == list(b"abc")


def test_a_row_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError):
        start("date").fill_mask(np.zeros(3, dtype=np.uint32))
