"""Beginnings of host names, the table of characters, and Punycode, each against something slower."""

from __future__ import annotations

import unicodedata
from itertools import product
from random import Random

import pytest

from structgen.frontends.formats import idna
from structgen.frontends.formats.host_traits import host_traits, unstable_pairs
from structgen.frontends.formats.hosts import HostNameBeginnings
from structgen.frontends.formats.punycode import label_endings
from structgen.ir.regex import char_set

SPANS = (range(0x500), range(0x590, 0x700), range(0x900, 0xA00), range(0x1E00, 0x2100), range(0x3000, 0x3500),
         range(0x9FF0, 0xA030), range(0xD780, 0xD800), range(0x10A00, 0x10B00), range(0x2A6D0, 0x2A710))  # fmt: skip


def test_blocks_that_are_alike_are() -> None:
    whole = idna.permitted()
    for span in SPANS:
        expected = char_set([(c, c) for c in span if idna.is_permitted(chr(c))])
        assert [c for c in span if c in whole] == [c for low, high in expected.ranges for c in range(low, high + 1)]


@pytest.mark.slow
def test_all_permitted_characters() -> None:
    expected = char_set([(c, c) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and idna.is_permitted(chr(c))])
    assert idna.permitted().ranges == expected.ranges


def test_traits() -> None:
    traits, composing = host_traits(), {second for _, second in unstable_pairs()}
    for code in (code for span in SPANS for code in span):
        c, found = chr(code), traits[code]
        assert bool(found) == idna.is_permitted(c)
        if found:
            assert found & 255 == unicodedata.combining(c)
            assert bool(found >> 12 & 1) == (unicodedata.category(c)[0] == "M")
            assert bool(found >> 19 & 1) == (code in composing)


def test_normal_form_is_a_matter_of_pairs_and_of_the_order_of_marks() -> None:
    """What the compiled rules assume, on random texts."""
    unstable, choose = set(unstable_pairs()), Random(0)
    firsts, seconds = ([chr(pair[k]) for pair in unstable] for k in (0, 1))
    marks = [chr(c) for c in range(0x300, 0x370) if idna.is_permitted(chr(c))]
    n_normal = 0
    for _ in range(6000):
        text = choose.choice(firsts) + "".join(choose.choice(choose.choice([seconds, marks])) for _ in range(3))
        starter, last, normal = text[0], 0, True
        for c in text[1:]:
            combining = unicodedata.combining(c)
            blocked = last and (combining == 0 or combining == last)
            normal &= not (combining and last > combining)
            normal &= bool(blocked) or (ord(starter), ord(c)) not in unstable
            starter, last = (c if combining == 0 else starter), combining
        assert normal == (unicodedata.normalize("NFC", text) == text), ascii(text)
        n_normal += normal
    assert 500 < n_normal < 5500


@pytest.mark.parametrize("read", ["", "a", "-", "bcher", "bcher-", "bcher-k", "--", "-a-", "a--b", "1"])
def test_endings_of_punycode_are_labels_and_the_short_ones_are_all(read: str) -> None:
    digits = "abcdefghijklmnopqrstuvwxyz0123456789-"
    for room in range(3):
        found = {ending for ending in label_endings(read, room, idna.is_permitted) if _is_label(read + ending)}
        ways = ("".join(way) for n in range(room + 1) for way in product(digits, repeat=n))
        assert found == {way for way in ways if _is_label(read + way)}
    assert any(_is_label(read + ending) for ending in label_endings(read, 20, idna.is_permitted))


def _is_label(read: str) -> bool:
    return idna.u_label("xn--" + read, False) is not None


@pytest.mark.parametrize("international", [False, True])
def test_beginnings_are_what_some_ending_mends(international: bool) -> None:
    judge = HostNameBeginnings(international=international)
    check = idna.is_idn_hostname if international else idna.is_hostname
    alphabet = ["a", "1", "-", ".", "A", "xn--", "l", "·", "א", "\u0301", "ア", "・", "۳", "\u200d", "é"]
    endings = ["", *("".join(way) for n in (1, 2) for way in product(["a", "l", "א", "ア", "-", "1"], repeat=n))]
    for text in ("".join(way) for n in range(4) for way in product(alphabet, repeat=n)):
        if "xn--" not in text.lower():
            assert judge(text) == any(check(text + ending) for ending in endings), text
