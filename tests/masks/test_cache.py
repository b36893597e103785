"""The mask cache keeps within its bound, and what is used stays."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from structgen.masks.cache import MaskCache
from structgen.masks.dfa_machine import DfaMachine
from structgen.masks.mask import empty_mask
from structgen.masks.matcher import Matcher
from tests.masks.cases import CONSTRAINTS
from tests.support import vocabularies


def row(value: int, words: int = 8) -> np.ndarray:
    return np.full(words, value, dtype=np.uint32)


def test_what_is_put_is_got_and_frozen() -> None:
    cache = MaskCache()
    kept = cache.put(1, row(7))
    assert cache.get(1) is kept and not kept.flags.writeable
    assert cache.get(2) is None and cache.n_misses == 1


def test_borrowed_rows_are_copied_and_equal_ones_kept_once() -> None:
    cache = MaskCache()
    mine = row(7)
    kept = cache.keep(1, mine)
    mine[0] = 6
    mine[1] = 8
    assert kept[0] == kept[1] == 7 and not kept.flags.writeable
    other = cache.keep(2, mine)  # the same sum, other words
    assert other.tolist() == mine.tolist() and cache.get(1) is kept
    assert cache.keep(3, other) is other and cache.put(4, row(7)).tolist() == [7] * 8


def test_bytes_stay_within_the_bound() -> None:
    cache = MaskCache(max_bytes=32 * 20)
    for key in range(1000):
        cache.put(key, row(key))
        assert cache.n_bytes <= cache.max_bytes
    assert len(cache) <= 20 and cache.n_evicted >= 980


def test_what_is_used_survives() -> None:
    cache = MaskCache(max_bytes=32 * 20)
    cache.put("hot", row(1))
    for key in range(1000):
        cache.put(key, row(key))
        assert cache.get("hot") is not None


def test_a_bound_below_one_row_still_serves() -> None:
    vocabulary = vocabularies.hostile()
    machine = DfaMachine(CONSTRAINTS["counted"].dfa, vocabulary, cache=MaskCache(max_bytes=1))
    wide = DfaMachine(CONSTRAINTS["counted"].dfa, vocabulary)
    mine, theirs = empty_mask(vocabulary.n_tokens), empty_mask(vocabulary.n_tokens)
    for state in range(1, machine.dfa.n_states):
        machine.fill_mask(state, mine)
        wide.fill_mask(state, theirs)
        assert (mine == theirs).all()
    assert machine._cache.n_bytes <= 2 * mine.nbytes


def test_no_bound_at_all_is_refused() -> None:
    with pytest.raises(ValueError):
        MaskCache(0)


def test_threads_see_the_same_masks() -> None:
    vocabulary = vocabularies.hostile()
    machine = DfaMachine(CONSTRAINTS["counted"].dfa, vocabulary, cache=MaskCache(vocabulary.n_words * 4 * 6))
    alone = DfaMachine(CONSTRAINTS["counted"].dfa, vocabulary)
    expected = empty_mask(vocabulary.n_tokens, alone.dfa.n_states)
    for state in range(1, alone.dfa.n_states):
        alone.fill_mask(state, expected[state])
    wrong: list[int] = []

    def work(seed: int) -> None:
        mine = empty_mask(vocabulary.n_tokens)
        for state in np.random.default_rng(seed).integers(1, machine.dfa.n_states, 500).tolist():
            machine.fill_mask(state, mine)
            if not (mine == expected[state]).all():
                wrong.append(state)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_matchers_of_one_machine_share_its_masks() -> None:
    machine = DfaMachine(CONSTRAINTS["date"].dfa, vocabularies.hostile())
    mask = empty_mask(machine.vocabulary.n_tokens)
    Matcher(machine).fill_mask(mask)
    walks = machine.n_walks
    Matcher(machine).fill_mask(mask)
    assert machine.n_walks == walks == 1
