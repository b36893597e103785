"""Endings come in the order in which a search that puts all ways into its heap meets them."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count, islice

import pytest

from structgen.automata.compile import compile_regex
from structgen.automata.document.arena import Arena
from structgen.automata.document.endings import PREFERRED, endings, has_loop
from structgen.automata.document.labelled import Component, labelled_product
from structgen.automata.ops import universal
from structgen.frontends.regex.ecma import parse_ecma
from structgen.kernels import document as K


def _all_at_once(arena: Arena, row: int, only: int) -> Iterator[bytes]:
    """The slow twin: distances by trying, and every way on in the heap."""

    def follow(state: int, byte: int) -> int:
        return arena.follow(state, bytes([byte]))

    distance = {row: 0}
    after: dict[int, list[tuple[int, int]]] = {}
    todo = [row]
    for state in todo:
        after[state] = [(byte, to) for byte in PREFERRED.tolist() if (to := follow(state, byte))]
        todo += [to for to in dict.fromkeys(to for _, to in after[state]) if to not in after and to not in todo]
    is_end = {s: int(arena.content[s, K.C_LABEL]) == only for s in todo}
    distance = {s: 0 for s in todo if is_end[s]}
    for n in range(len(todo)):
        distance |= {s: n + 1 for s in todo if s not in distance and any(distance.get(t) == n for _, t in after[s])}
    order = count()
    heap = [(distance[row], 0, next(order), row, b"")] if row in distance else []
    while heap:
        _, _, _, state, text = heapq.heappop(heap)
        if is_end[state]:
            yield text
        for byte, to in after[state]:
            if to in distance:
                key = len(text) + 1 + distance[to]
                heapq.heappush(heap, (key, -len(text) - 1, next(order), to, text + bytes([byte])))


@pytest.mark.parametrize("pattern", ["^[a-z]{1,2}$", "a", "^(ab|c)*$", "[0-9]{3}", "^é+$", "^$", "^[a-c]?$"])
def test_endings_come_as_in_a_search_of_all_ways(pattern: str) -> None:
    arena = Arena()
    dfa = compile_regex(parse_ecma(pattern, search=True))
    components = [Component.of(universal()), Component.of(dfa)]
    row = arena.add_content(labelled_product(components, lambda told: 1 + told[0])) + 1
    for only in (1, 2):
        expected = list(islice(_all_at_once(arena, row, only), 60))
        assert list(islice(endings(arena, row, only=only), 60)) == expected
        assert all(dfa.accepts(text) == (only == 2) for text in expected)


@pytest.mark.parametrize(
    ("pattern", "loops"),
    [
        ("^[a-z]{1,2}$", False),
        ("^ab*$", True),
        ("^(ab|c)*$", True),
        ("^$", False),
        ("^(ab)*$", True),
        ("^a(bcd)+e?$", True),
        ("^(a|bc){0,4}$", False),
    ],
)
def test_loops_on_the_way_to_a_label(pattern: str, loops: bool) -> None:
    arena = Arena()
    components = [Component.of(universal()), Component.of(compile_regex(parse_ecma(pattern, search=True)))]
    row = arena.add_content(labelled_product(components, lambda told: 1 + told[0])) + 1
    assert has_loop(arena, row, 2) == loops
    assert has_loop(arena, row, 1)
