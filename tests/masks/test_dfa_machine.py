"""Masks of regular constraints against the oracle, token by token and byte by byte."""

from __future__ import annotations

import random

import numpy as np
import pytest

import structgen as sg
from structgen.automata.dfa import EMPTY
from structgen.errors import UnsatisfiableError, VocabularyError
from structgen.masks import dfa_machine
from structgen.masks.costs import NEVER, exact_costs, path_costs
from structgen.masks.dfa_machine import DfaMachine
from structgen.masks.mask import allowed_ids, empty_mask, to_bool
from structgen.vocab import Vocabulary
from tests.masks.cases import CONSTRAINTS
from tests.support import oracles, vocabularies


def machine_of(constraint: str, vocabulary: Vocabulary) -> DfaMachine:
    try:
        return DfaMachine(CONSTRAINTS[constraint].dfa, vocabulary)
    except VocabularyError:
        pytest.skip("this vocabulary cannot spell it (tested elsewhere)")


@pytest.mark.parametrize("constraint", CONSTRAINTS)
@pytest.mark.parametrize("name", vocabularies.ALL)
def test_masks_equal_the_oracle(name: str, constraint: str) -> None:
    vocabulary = vocabularies.ALL[name]()
    machine = machine_of(constraint, vocabulary)
    dfa = machine.dfa
    completable = oracles.completable_states(dfa, vocabulary) if name == "letters" else None
    row = empty_mask(vocabulary.n_tokens)
    states = set(oracles.random_states(dfa, random.Random(5), 25)) | {dfa.start}
    for state in states if completable is None else states & completable:
        row[:] = 0xFFFFFFFF
        machine.fill_mask(state, row)
        expected = oracles.regular_mask(dfa, vocabulary, state, completable)
        assert np.array_equal(to_bool(row, vocabulary.n_tokens), expected)
        assert not to_bool(row, 32 * len(row))[vocabulary.n_tokens :].any()


@pytest.mark.parametrize("constraint", CONSTRAINTS)
@pytest.mark.parametrize("name", vocabularies.ALL)
def test_a_token_is_allowed_exactly_if_it_advances(name: str, constraint: str) -> None:
    vocabulary = vocabularies.ALL[name]()
    machine = machine_of(constraint, vocabulary)
    row = empty_mask(vocabulary.n_tokens)
    state = machine.start()
    machine.fill_mask(state, row)
    advances = {i for i in range(vocabulary.n_tokens) if machine.advance(state, i) is not None}
    ends = set(vocabulary.eos_ids) if machine.is_accepting(state) else set()
    assert set(allowed_ids(row, vocabulary.n_tokens).tolist()) == advances | ends


def test_advance_refuses_ids_that_are_none() -> None:
    machine = DfaMachine(CONSTRAINTS["anything"].dfa, vocabularies.hostile())
    for token_id in (-1, 0, 1, 6, machine.vocabulary.n_tokens, 10**9):
        assert machine.advance(machine.start(), token_id) is None


def test_a_closed_state_is_never_entered() -> None:
    """``b`` can only be spelled within ``ab``: after a lone ``a`` there is no way on."""
    vocabulary = Vocabulary.from_bytes([b"a", b"ab", b"0", b"$"], eos_ids=[3])
    machine = DfaMachine(sg.regex("(ab|a0)0").dfa, vocabulary)
    row = empty_mask(4)
    machine.fill_mask(machine.start(), row)
    assert allowed_ids(row, 4).tolist() == [0, 1]
    machine = DfaMachine(sg.regex("(ab|ab)0").dfa, vocabulary)
    machine.fill_mask(machine.start(), row)
    assert allowed_ids(row, 4).tolist() == [1]
    assert machine.advance(machine.start(), 0) is None
    assert machine.advance_bytes(machine.start(), b"a") is None
    assert machine.shortest_completion(machine.start()) == b"ab0"


def test_a_language_that_no_tokens_spell_is_refused() -> None:
    with pytest.raises(VocabularyError) as caught:
        DfaMachine(sg.regex("(ab)*[xy]").dfa, vocabularies.letters())
    assert caught.value.missing == b"xy"


def test_bytes_that_only_occur_inside_tokens_are_blamed_too() -> None:
    vocabulary = Vocabulary.from_bytes([b"ab", b"$"], eos_ids=[1])
    with pytest.raises(VocabularyError) as caught:
        DfaMachine(sg.regex("a").dfa, vocabulary)
    assert caught.value.missing == b"a"


def test_a_byte_that_can_be_avoided_is_no_error() -> None:
    vocabulary = vocabularies.letters()
    machine = DfaMachine(sg.regex("ax|b").dfa, vocabulary)
    row = empty_mask(vocabulary.n_tokens)
    machine.fill_mask(machine.start(), row)
    assert [vocabulary.token_bytes(i) for i in allowed_ids(row, vocabulary.n_tokens)] == [b"b"]


def test_bytes_in_no_token_are_kept_out_of_every_dead_end() -> None:
    """``y`` is in no token, so an ``x`` that only ``y`` could follow is never offered."""
    tokens = [bytes([b]) for b in range(256) if b != ord("y")]
    vocabulary = Vocabulary.from_bytes([*tokens, b"xz", b"ax", b"$"], eos_ids=[257])
    machine = DfaMachine(sg.regex("a(xy|b)|[^z]{1,300}z").dfa, vocabulary)
    assert not machine._closed
    row = empty_mask(vocabulary.n_tokens)
    machine.fill_mask(machine.advance_bytes(machine.start(), b"a"), row)
    expected = oracles.regular_mask(sg.regex("b|[^zy]{0,299}z").dfa, vocabulary, 1, None)
    assert np.array_equal(to_bool(row, vocabulary.n_tokens), expected)
    assert machine.advance_bytes(machine.start(), b"ay") is None


@pytest.mark.data
def test_a_cold_mask_inside_free_text_visits_little_of_the_trie() -> None:
    vocabulary = vocabularies.tokenizer("llama3_1")
    machine = DfaMachine(CONSTRAINTS["json string"].dfa, vocabulary)
    state = machine.advance_bytes(machine.start(), b'"ab')
    row = empty_mask(vocabulary.n_tokens)
    machine.fill_mask(state, row)
    assert machine.n_walked < vocabulary.trie.n_nodes // 50


def test_the_empty_language_is_refused() -> None:
    with pytest.raises(UnsatisfiableError):
        DfaMachine(EMPTY, vocabularies.letters())


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_shortest_completion_is_shortest_and_completes(constraint: str) -> None:
    machine = DfaMachine(CONSTRAINTS[constraint].dfa, vocabularies.hostile())
    for state in oracles.random_states(machine.dfa, random.Random(1), 10):
        completion = machine.shortest_completion(state)
        assert len(completion) == machine.dfa.distance[state]
        after = machine.advance_bytes(state, completion)
        assert after is not None and machine.is_accepting(after)


@pytest.mark.parametrize(
    ("pattern", "forced"),
    [("abc|abd", b"ab"), ("ab?c", b"a"), ("(abc)?", b""), ("a(b|☃)", b"a"), ("x{300}", b"x" * 256), ("ab", b"ab")],
)
def test_forced_bytes(pattern: str, forced: bytes) -> None:
    machine = DfaMachine(sg.regex(pattern).dfa, vocabularies.hostile())
    assert machine.forced_bytes(machine.start()) == forced
    assert machine.forced_bytes(machine.start(), 1) == forced[:1]


@pytest.mark.parametrize("constraint", [c for c in CONSTRAINTS if c != "long run"])
@pytest.mark.parametrize("name", ["letters", "hostile"])
def test_exact_costs_are_least_token_counts(name: str, constraint: str) -> None:
    dfa, vocabulary = CONSTRAINTS[constraint].dfa, vocabularies.ALL[name]()
    costs = exact_costs(dfa, vocabulary.trie, 1 << 40)
    assert costs is not None
    expected = oracles.fewest_tokens_to_accept(dfa, vocabulary)
    assert costs[1:].tolist() == [expected.get(s, NEVER) for s in range(1, dfa.n_states)]


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_path_costs_bound_exact_costs_and_are_reached_by_a_token(constraint: str) -> None:
    dfa, vocabulary = CONSTRAINTS[constraint].dfa, vocabularies.hostile()
    exact, path = exact_costs(dfa, vocabulary.trie, 1 << 40), path_costs(dfa, vocabulary.trie)
    assert exact is not None and (path[1:] >= exact[1:]).all()
    tokens = [token for token in vocabulary.tokens if token]
    for state in range(1, dfa.n_states):
        assert path[state] == len(vocabulary.encode_fewest(dfa.shortest(state)))
        landed = {oracles.token_step(dfa, state, token) for token in tokens} - {0}
        assert path[state] == 0 or min(path[s] for s in landed) <= path[state] - 1


def test_the_exact_measure_gives_up_beyond_its_budget() -> None:
    assert exact_costs(CONSTRAINTS["anything"].dfa, vocabularies.hostile().trie, 10) is None


def test_states_that_no_token_tells_apart_share_masks() -> None:
    vocabulary = vocabularies.all_bytes()
    machine = DfaMachine(sg.regex("a{0,600}").dfa, vocabulary)
    row = empty_mask(vocabulary.n_tokens)
    for state in range(1, machine.dfa.n_states):
        machine.fill_mask(state, row)
        assert np.array_equal(to_bool(row, vocabulary.n_tokens), oracles.regular_mask(machine.dfa, vocabulary, state))
    assert machine.n_walks <= dfa_machine.WALKS_BEFORE_SHARING + 2


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_shared_masks_equal_the_oracle(constraint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dfa_machine, "WALKS_BEFORE_SHARING", 0)
    vocabulary = vocabularies.hostile()
    machine = DfaMachine(CONSTRAINTS[constraint].dfa, vocabulary)
    row = empty_mask(vocabulary.n_tokens)
    for state in range(1, machine.dfa.n_states, 1 + machine.dfa.n_states // 100):
        machine.fill_mask(state, row)
        expected = oracles.regular_mask(machine.dfa, vocabulary, state)
        assert np.array_equal(to_bool(row, vocabulary.n_tokens), expected)


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_the_two_oracles_agree(constraint: str) -> None:
    dfa, vocabulary = CONSTRAINTS[constraint].dfa, vocabularies.hostile()
    for state in oracles.random_states(dfa, random.Random(2), 5):
        wide = oracles.wide_regular_mask(dfa, vocabulary, state)
        assert np.array_equal(wide, oracles.regular_mask(dfa, vocabulary, state))


@pytest.mark.data
def test_masks_of_300_random_states_of_a_real_vocabulary() -> None:
    vocabulary = vocabularies.tokenizer("llama3_1")
    rng = random.Random(7)
    row = empty_mask(vocabulary.n_tokens)
    seen: set[tuple[str, int]] = set()
    cheap = [c for c in CONSTRAINTS if c != "long run"]
    machines = {c: DfaMachine(CONSTRAINTS[c].dfa, vocabulary) for c in cheap}
    machines |= {p: DfaMachine(sg.regex(p).dfa, vocabulary) for p in PATTERNS}
    for _ in range(3000):
        name = rng.choice(list(machines))
        machine = machines[name]
        state = next(oracles.random_states(machine.dfa, rng, 1))
        if (name, state) in seen:
            continue
        seen.add((name, state))
        machine.fill_mask(state, row)
        expected = oracles.wide_regular_mask(machine.dfa, vocabulary, state)
        assert np.array_equal(to_bool(row, vocabulary.n_tokens), expected), (name, state)
        if len(seen) == 300:
            return
    pytest.fail(f"only {len(seen)} states met")


PATTERNS = [
    r"[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,6}",
    r"(The|A) [a-z]{3,60}( [a-z]{1,20}){0,30}\.",
    r'\{"name": "[^"\\]{1,40}", "age": [1-9][0-9]{0,2}\}',
    r"(\w|\s){0,50}!",
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
]
