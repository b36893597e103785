"""Questions about one automaton."""

from __future__ import annotations

import numpy as np
import pytest

from structgen.automata.compile import compile_regex
from structgen.automata.dfa import EMPTY, Dfa
from structgen.dtypes import DEAD
from structgen.frontends.regex import parse_python

PATTERNS = ["", "a", "a*b", "(?:é|aa){2,3}", "[^x]{3}y+", r"\d{4}-\d\d", "(?=a)b|cd", "😀+"]


@pytest.fixture(params=PATTERNS)
def dfa(request: pytest.FixtureRequest) -> Dfa:
    return compile_regex(parse_python(request.param))


def test_every_live_state_is_reachable_and_completable(dfa: Dfa) -> None:
    reached, queue = {dfa.start}, [dfa.start]
    for state in queue:
        for target in map(int, dfa.transitions[state]):
            if target not in reached:
                reached.add(target)
                queue.append(target)
    assert reached | {DEAD} == set(range(dfa.n_states))
    for state in range(1, dfa.n_states):
        assert dfa.accepting[dfa.run(dfa.shortest(state), state)]


def test_distance_is_the_length_of_the_shortest_completion(dfa: Dfa) -> None:
    assert dfa.distance[DEAD] == -1
    for state in range(1, dfa.n_states):
        steps = 0
        frontier = {state}
        while not any(dfa.accepting[s] for s in frontier):
            frontier = {int(t) for s in frontier for t in dfa.transitions[s]} - {DEAD}
            steps += 1
        assert dfa.distance[state] == steps == len(dfa.shortest(state))


def test_dead_state_stays_dead_and_step_agrees_with_run(dfa: Dfa) -> None:
    assert not dfa.transitions[DEAD].any() and not dfa.accepting[DEAD]
    for byte in range(256):
        assert dfa.step(dfa.start, byte) == dfa.run(bytes([byte]))
        assert dfa.viable_bytes(dfa.start)[byte] == (dfa.step(dfa.start, byte) != DEAD)


def test_arrays_are_frozen_and_typed(dfa: Dfa) -> None:
    for array, dtype in ((dfa.class_of, np.uint8), (dfa.transitions, np.int32), (dfa.accepting, np.bool_)):
        assert array.dtype == dtype and array.flags.c_contiguous and not array.flags.writeable


def test_empty_language() -> None:
    assert EMPTY.is_empty and EMPTY.start == DEAD and not EMPTY.accepts(b"")
    assert compile_regex(parse_python("a(?!)")).is_empty
    with pytest.raises(ValueError):
        EMPTY.shortest()


def test_looking_at_it() -> None:
    dfa = compile_regex(parse_python("ab?"))
    assert repr(dfa) == "Dfa(4 states, 3 byte classes, 2 accepting)"
    assert '1 -> 2 [label="a"];' in dfa.to_dot()


def test_shortest_prefers_readable_bytes() -> None:
    assert compile_regex(parse_python(".{3}")).shortest() == b"aaa"
