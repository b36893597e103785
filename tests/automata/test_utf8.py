"""Byte ranges of code points: Python's encoder is the oracle."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from structgen.automata.compile import compile_regex
from structgen.automata.utf8 import utf8_fragment
from structgen.ir.regex import ANY, char_set

POINTS = st.one_of(
    st.integers(0, 0x10FFFF), st.sampled_from([0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0xD7FF, 0xE000])
)


def reads(fragment: tuple[int, ...], data: bytes) -> int:
    """The number of ways in which ``fragment`` reads ``data`` from entry to exit."""
    edges = [fragment[k : k + 4] for k in range(2, len(fragment), 4)]
    at = {0: 1}
    for byte in data:
        following: dict[int, int] = {}
        for src, lo, hi, dst in edges:
            if src in at and lo <= byte <= hi:
                following[dst] = following.get(dst, 0) + at[src]
        at = following
    return at.get(1, 0)


@given(st.lists(st.tuples(POINTS, POINTS), min_size=1, max_size=4), st.lists(POINTS, max_size=20))
def test_fragment_reads_exactly_the_encodings(pairs: list[tuple[int, int]], others: list[int]) -> None:
    node = char_set([(min(p), max(p)) for p in pairs])
    if not node.ranges:
        return
    fragment = utf8_fragment(node.ranges)
    edge_points = [p + d for pair in pairs for p in pair for d in (-1, 0, 1)]
    for code in {*others, *edge_points}:
        if 0 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF:
            assert reads(fragment, chr(code).encode()) == (code in node)  # once: it is deterministic


def test_surrogates_and_overlong_forms_are_no_text() -> None:
    dfa = compile_regex(ANY)
    for data in (
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\xf0\x80\x80\x80",
        b"\xf4\x90\x80\x80",
    ):
        assert not dfa.accepts(data)
    assert dfa.n_states == 10  # dead, start, accepting; one, two, three bytes to come; after E0, ED, F0 and F4
