"""Token budgets: what is kept fits, what fits is kept, and something always is."""

from __future__ import annotations

import random
from typing import Any

import pytest

import structgen as sg
from structgen.errors import IncompleteError
from structgen.masks import landings
from structgen.masks.dfa_machine import DfaMachine
from structgen.masks.mask import allowed_ids, empty_mask
from structgen.masks.matcher import Matcher
from structgen.vocab import Vocabulary
from tests.masks.cases import CONSTRAINTS
from tests.support import oracles, vocabularies


class Plain:
    """A machine that helps with budgets in no way: the protocol and nothing else."""

    def __init__(self, machine: DfaMachine, bound: int | None = None) -> None:
        self.vocabulary = machine.vocabulary
        for name in ("start", "fill_mask", "advance", "advance_bytes", "is_accepting", "forced_bytes"):
            setattr(self, name, getattr(machine, name))
        self._machine = machine
        self.n_advances = 0
        if bound is not None:
            self.completion_bound = lambda _: bound

    def shortest_completion(self, config: Any) -> bytes:
        self.n_advances += 1
        return self._machine.shortest_completion(config)


def allowed_within(matcher: Matcher, budget: int) -> set[int]:
    row = empty_mask(matcher.vocabulary.n_tokens)
    matcher.fill_mask(row, budget)
    return set(allowed_ids(row, matcher.vocabulary.n_tokens).tolist())


@pytest.mark.parametrize("constraint", [c for c in CONSTRAINTS if c != "long run"])
@pytest.mark.parametrize("name", ["hostile", "random"])
def test_budget_masks_equal_the_oracle(name: str, constraint: str) -> None:
    vocabulary = vocabularies.ALL[name]()
    dfa = CONSTRAINTS[constraint].dfa
    cost = oracles.fewest_tokens_to_accept(dfa, vocabulary)
    matcher = Matcher(DfaMachine(dfa, vocabulary))
    for budget in range(cost[dfa.start] + 1, cost[dfa.start] + 5):
        expected = {
            i
            for i, token in enumerate(vocabulary.tokens)
            if token and (after := oracles.token_step(dfa, dfa.start, token)) and cost[after] + 2 <= budget
        }
        if dfa.accepting[dfa.start]:
            expected |= set(vocabulary.eos_ids)
        assert allowed_within(matcher, budget) == expected
    if cost[dfa.start] > 0:
        with pytest.raises(IncompleteError):
            allowed_within(matcher, cost[dfa.start])


@pytest.mark.parametrize("plain", [False, True], ids=["automaton", "protocol only"])
@pytest.mark.parametrize("constraint", [c for c in CONSTRAINTS if c != "long run"])
def test_any_walk_within_a_budget_finishes(constraint: str, plain: bool) -> None:
    vocabulary = vocabularies.random_tokens()
    machine = DfaMachine(CONSTRAINTS[constraint].dfa, vocabulary)
    rng = random.Random(11)
    for extra in (0, 1, 2, 7):
        matcher = Matcher(Plain(machine) if plain else machine)
        budget = len(matcher.shortest_completion_tokens()) + extra
        for left in range(budget, 0, -1):
            matcher.advance(rng.choice(sorted(allowed_within(matcher, left))))
            if matcher.is_finished:
                break
        assert matcher.is_finished
        assert CONSTRAINTS[constraint].accepts(matcher.text_bytes)


@pytest.mark.parametrize("probing", [0, 10**9], ids=["loops", "every token"])
@pytest.mark.parametrize("constraint", [c for c in CONSTRAINTS if c != "long run"])
def test_masks_of_a_machine_without_help_equal_the_oracle(
    constraint: str, probing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landings, "WORTH_PROBING", probing)
    vocabulary, dfa = vocabularies.hostile(), CONSTRAINTS[constraint].dfa
    rng = random.Random(3)
    for state in [dfa.start, *oracles.random_states(dfa, rng, 6)]:
        machine = Plain(DfaMachine(dfa, vocabulary))
        machine.start = lambda state=state: state  # type: ignore[attr-defined]
        matcher = Matcher(machine)
        plan = vocabulary.encode_fewest(dfa.shortest(state))
        for budget in range(len(plan) + 1, len(plan) + 4):
            expected = set(vocabulary.eos_ids) if dfa.accepting[state] else set()
            for token_id, token in enumerate(vocabulary.tokens):
                after = oracles.token_step(dfa, state, token) if token else 0
                if after and len(vocabulary.encode_fewest(dfa.shortest(after))) + 2 <= budget:
                    expected.add(token_id)
            assert allowed_within(matcher, budget) == expected | set(plan[:1])


def test_probing_spares_the_tokens_of_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = DfaMachine(CONSTRAINTS["anything"].dfa, vocabularies.random_tokens())
    tried: list[int] = []
    plain = Plain(machine)
    plain.advance = lambda config, token_id: tried.append(token_id) or machine.advance(config, token_id)  # type: ignore
    monkeypatch.setattr(landings, "WORTH_PROBING", 0)
    found = landings.landings_of(plain, machine.start(), machine.completion_cost)  # type: ignore[arg-type]
    assert tried == [] and found.run is not None and found.greatest > 0


def test_a_plan_holds_where_shortest_in_bytes_is_not_shortest_in_tokens() -> None:
    """After ``x`` the shortest completion in bytes takes more tokens than the rest of the one counted on."""
    vocabulary = Vocabulary.from_bytes([b"x", b"q", b"abcd", b"$"], eos_ids=[3])

    class Fickle(Plain):
        def shortest_completion(self, config: Any) -> bytes:
            return b"xabcd" if config == self._machine.start() else b"qqq"

    machine = Fickle(DfaMachine(sg.regex("x(abcd|qqq)").dfa, vocabulary))
    matcher = Matcher(machine)
    assert allowed_within(matcher, 3) == {0}
    matcher.advance(0)
    assert 2 in allowed_within(matcher, 2)


def test_a_budget_that_cannot_suffice_raises_at_once_with_the_text() -> None:
    matcher = CONSTRAINTS["date"].bind(vocabularies.all_bytes()).start()
    for byte in b"2024":
        matcher.advance(byte)
    with pytest.raises(IncompleteError) as caught:
        allowed_within(matcher, 6)
    assert caught.value.text == "2024"
    assert allowed_within(matcher, 7) == {ord("-")}


def test_a_comfortable_budget_changes_nothing_and_costs_no_walk() -> None:
    machine = DfaMachine(CONSTRAINTS["json string"].dfa, vocabularies.hostile())
    matcher = Matcher(machine)
    row, free = empty_mask(machine.vocabulary.n_tokens), empty_mask(machine.vocabulary.n_tokens)
    matcher.fill_mask(free)
    matcher.fill_mask(row, 1000)
    assert machine._costs is None  # upper bounds were enough
    walked = machine.n_walked
    matcher.fill_mask(row, 999)
    assert (row == free).all() and machine.n_walked == walked


def test_a_machines_bound_spares_the_check() -> None:
    machine = Plain(DfaMachine(CONSTRAINTS["date"].dfa, vocabularies.hostile()), bound=10)
    matcher = Matcher(machine)
    allowed_within(matcher, 12)
    assert machine.n_advances == 0
    allowed_within(matcher, 11)
    assert machine.n_advances > 0


def test_after_the_end_a_budget_is_ignored() -> None:
    matcher = CONSTRAINTS["choice"].bind(vocabularies.all_bytes()).start()
    matcher.advance(ord("a"))
    matcher.advance(256)
    assert allowed_within(matcher, 0) == set()
