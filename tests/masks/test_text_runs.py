"""Runs of text: the tokens of a loop, and the exits, against a byte-by-byte oracle."""

from __future__ import annotations

import random

import numpy as np
import pytest

import structgen as sg
from structgen.kernels.text_run import INVALID, loop_of
from structgen.masks.mask import to_bool
from structgen.masks.text_runs import text_run, utf8_table
from structgen.vocab import Vocabulary
from tests.support import vocabularies


def is_content(data: bytes, content: set[int], beyond_ascii: bool) -> bool | None:
    """Whether all bytes are content, the last character perhaps unfinished; None where bytes are no UTF-8."""
    at = 0
    while at < len(data):
        if data[at] < 128 or not beyond_ascii:
            if data[at] not in content:
                return False
            at += 1
            continue
        length = next((n for n in range(1, 5) if is_character(data[at : at + n])), None)
        if length is None:
            return True if is_start(data[at:]) else None
        at += length
    return True


def is_character(data: bytes) -> bool:
    try:
        return len(data.decode()) == 1
    except UnicodeDecodeError:
        return False


def is_start(data: bytes) -> bool:
    """Whether ``data`` is the beginning of one character, by trying all ways to go on."""
    if len(data) >= 4:
        return False
    tails = [
        bytes(t) for t in ((0x80,), (0xA0,), (0x90,), (0x80, 0x80), (0xA0, 0x80), (0x90, 0x80), (0x90, 0x80, 0x80))
    ]
    tails += [bytes(t) for t in ((0x80, 0x80, 0x80),)]
    return any(is_character(data + tail) for tail in tails)


@pytest.mark.parametrize("beyond_ascii", [True, False])
@pytest.mark.parametrize("content", ["ab01", 'x: "', "".join(map(chr, range(128))), ""])
@pytest.mark.parametrize("name", vocabularies.ALL)
def test_a_run_is_the_tokens_of_content(name: str, content: str, beyond_ascii: bool) -> None:
    vocabulary = vocabularies.ALL[name]()
    codes = {ord(char) for char in content}
    run = text_run(vocabulary, bytes(b in codes for b in range(128)), beyond_ascii)
    expected = [bool(t) and is_content(t, codes, beyond_ascii) is True for t in vocabulary.tokens]
    assert to_bool(run.row, vocabulary.n_tokens).tolist() == expected


@pytest.mark.parametrize("beyond_ascii", [True, False])
@pytest.mark.parametrize("name", vocabularies.ALL)
def test_exits_lead_to_all_tokens_that_leave_the_run(name: str, beyond_ascii: bool) -> None:
    vocabulary = vocabularies.ALL[name]()
    trie, codes = vocabulary.trie, set(b"ab0 ")
    run = text_run(vocabulary, bytes(b in codes for b in range(128)), beyond_ascii)
    below: set[int] = set()
    for node in run.exits.tolist():
        below.update(trie.token_ids[trie.token_start[node] : trie.token_start[trie.subtree_end[node]]].tolist())
    left = {i for i, t in enumerate(vocabulary.tokens) if t and is_content(t, codes, beyond_ascii) is False}
    assert left == below
    assert (np.diff(run.exits) > 0).all()


def test_runs_are_kept_by_vocabulary_and_content() -> None:
    loops = bytes(b == 97 for b in range(128))
    first = text_run(vocabularies.hostile(), loops, True)
    assert text_run(vocabularies.hostile(), loops, True) is first
    assert text_run(vocabularies.hostile(), loops, False) is not first
    assert text_run(vocabularies.random_tokens(), loops, True) is not first


def test_the_number_of_runs_kept_is_bounded() -> None:
    vocabulary = Vocabulary.from_bytes([b"a", b"$"], eos_ids=[1])
    first = text_run(vocabulary, bytes(128), True)
    for n in range(40):
        text_run(vocabulary, bytes(b == n for b in range(128)), True)
    assert text_run(vocabulary, bytes(128), True) is not first


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"(?s:.)*", True),
        (r"[^\x00-\x1f]*", True),
        (r"([^☃])*", False),
        (r"[a-zé]*", False),
        (r"[a-z]*", False),
        (r"[^a]{0,3}", False),
        (r"([a-z]|[^\x00-\x7f]b)*", False),
    ],
)
def test_a_loop_beyond_ascii_takes_every_character(pattern: str, expected: bool) -> None:
    dfa = sg.regex(pattern).dfa
    loops, places = np.zeros(128, np.uint8), np.zeros(8, np.int32)
    assert loop_of(dfa.class_of, dfa.transitions, dfa.start, utf8_table(), loops, places) == expected
    assert loops.tolist() == [dfa.step(dfa.start, byte) == dfa.start for byte in range(128)]


def test_the_utf8_table_reads_exactly_utf8() -> None:
    steps, rng = utf8_table(), random.Random(0)
    texts = [chr(rng.choice([rng.randint(0x80, 0xD7FF), rng.randint(0xE000, 0x10FFFF)])).encode() for _ in range(2000)]
    texts += [bytes([*rng.choice(texts)[:-1], rng.randint(0x80, 0xFF)]) for _ in range(2000)]
    texts += [
        bytes([rng.randint(0xC0, 0xFF), *(rng.randint(0x80, 0xBF) for _ in range(rng.randint(1, 3)))])
        for _ in range(4000)
    ]
    for text in texts:
        place = 0
        for at, byte in enumerate(text):
            place = int(steps[place, byte])
            if place == INVALID or (place == 0 and at < len(text) - 1):
                break
        else:
            at = len(text) - 1
        assert (place == 0 and at == len(text) - 1) == is_character(text)
