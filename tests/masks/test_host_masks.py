"""Masks inside host names against the slow judge: a token is allowed exactly if some name begins with the text."""

from __future__ import annotations

import random

import pytest

import structgen as sg
from structgen.automata.document.hosts import host_reader
from structgen.frontends.formats import format_beginnings
from structgen.frontends.formats.hosts import HostNameBeginnings
from structgen.masks.mask import empty_mask, to_bool

PIECES = [
    *"abelnxz09-.AZ",
    *("xn--", "--", "n--", "tda", "kva", ".com", "-a", "a-", "mnchen-3ya", "3ya", "abcdefghijklmnop", "a" * 20, "A9b"),
    *"éßüàαβя中文々가がカー・·͵׳אבתاتلید٣۳०क्ाः\u200c\u200d\u0301\u0323\u0327\u3002\uff0e𐐨𠀀ͅ²ａ",
    *(
        "l·l",
        "α͵",
        "カ・",
        "שלום",
        "بی",
        "क्ष",
        "文字列",
        "привет",
        "e\u0301",
        "é\u0323",
        "\u0323\u0301",
        "aé",
        "éA",
        "ä.b",
    ),
    *(" a", "_", "a b", "\n"),
    *(
        "b" * 30,
        "b" * 30 + "-",
        "-" * 26,
        "a-" * 12 + "c",
        ".b" * 11,
        ".b" * 13,
        "b.xn--",
        ".xn--a",
        "n--a.b",
        "-.",
        "a-.b",
    ),
]
BROKEN = [b"\xc3", b"\xd7", b"\xe3", b"\xe3\x80", b"\xe0\xa5", b"\xf0\x90", b"\x80", b"\x90", b"\x82", b"\xa0\x80"]
ESCAPES = [
    b"\\",
    b"\\u",
    b"\\u00",
    b"\\u05d0",
    b"\\u0061",
    b"\\ud8",
    b"\\ud801",
    b"\\udc28",
    b"u",
    b"5d0",
    b"61",
    b"\\n",
]
TOKENS = [piece.encode() for piece in dict.fromkeys(PIECES)] + BROKEN + ESCAPES + [b'"', b"</s>"]
PREFIXES = [
    *("", "a", "a-", "ab-", "x", "xn", "xn-", "xn--", "xn--a", "xn---", "xn--bcher-kva", "xn--bcher-kva.", "A", "a.A"),
    *("abcd", "Ab", "xm-", "Xn-", "xna", "b.x", "b.XN", "a.xn-", *("c" * n for n in (37, 38, 39, 40)), "c" * 30 + "-"),
    *(("d" * 50 + ".") * 4 + "d" * n for n in (0, 1, 15, 16, 17, 18, 24, 30)),
    *("é", "l", "l·", "α͵", "・", "カ・", "א", "א-", "aא"[:1], "א.", "a.א.", "א.a", "xn--4dbrk0ce.", "xn--4dbrk0ce.a-"),
    *("بی", "بی\u200c", "क्", "क्\u200d", "٣"[:0], "א٣", "א9", "۳", "e", "a\u0327", "中文", "א.xn--", "א.xn--9"),
    *("a" * 62, "a" * 61 + "-", "é" * 30, "中" * 17, "文字列の言葉" * 3, "é" + "a" * 52, "é" + "a" * 53 + "-"),
    *("xn--" + "b" * n for n in (47, 52, 55, 57, 58)),
    *("xn--" + "a" * n for n in (50, 53, 56)),
    *("xn--" + "-" * n for n in (40, 52)),
    *("xn--bcher-kva" + "b" * n for n in (44, 49)),
    *(("a" * 50 + ".") * 4 + rest for rest in ("b" * 40, "b" * 48, "é" * 30, "xn--" + "c" * 40, "xn--", "א" * 20)),
    ("a" * 49 + ".") * 5 + "é",
]


def judge_of(name: str) -> HostNameBeginnings:
    found = format_beginnings(name)
    assert isinstance(found, HostNameBeginnings)
    return found


@pytest.mark.parametrize("name", ["hostname", "idn-hostname"])
def test_masks_are_what_the_slow_judge_says(name: str) -> None:
    judge = judge_of(name)
    vocabulary = sg.Vocabulary.from_bytes(TOKENS, eos_ids=[len(TOKENS) - 1])
    bound = sg.json_schema({"type": "string", "format": name}).bind(vocabulary)
    row = empty_mask(vocabulary.n_tokens)
    n_allowed = 0
    for prefix in PREFIXES:
        matcher = bound.start()
        assert matcher.advance_bytes(b'"' + prefix.encode()) == judge(prefix), prefix
        if not judge(prefix):
            continue
        matcher.fill_mask(row)
        allowed = to_bool(row, vocabulary.n_tokens)
        for piece in PIECES:
            token = TOKENS.index(piece.encode())
            assert allowed[token] == judge(prefix + piece), (prefix, piece)
            n_allowed += bool(allowed[token])
        for token in range(vocabulary.n_tokens - 1):
            assert matcher.fork().try_advance(token) == allowed[token], (prefix, TOKENS[token])
    assert n_allowed > 400


@pytest.mark.parametrize("name", ["hostname", "idn-hostname"])
def test_a_character_may_begin_exactly_if_one_may_stand_there(name: str) -> None:
    judge = judge_of(name)
    reader = host_reader(judge)
    assert reader is not None
    prefixes = ["", "a", "A", "l·", "é", "א", "α͵", "xn--a", "xn--" + "a" * 59, "a" * 63, "א-", "بی\u200c"]
    for prefix in filter(judge, prefixes):
        for lead in (b"\xc3", b"\xd7", b"\xce", b"\xe3\x80", b"\xe4\xb8", b"\xd8", b"\xef\xbd"):
            characters = [(lead + bytes([last])).decode() for last in range(0x80, 0xC0)]
            expected = any(judge(prefix + c) for c in characters)
            assert reader.may_go_on(prefix.encode() + lead) == expected, (prefix, lead)


@pytest.mark.parametrize("broken", [b"\xe0\x80", b"\xed\xa0", b"\xf0\x80", b"\xf4\x90", b"\xc3a"])
def test_bytes_that_are_not_utf_8_begin_no_character(broken: bytes) -> None:
    reader = host_reader(judge_of("idn-hostname"))
    assert reader is not None
    assert reader.state_of("é".encode() + broken[:1]) is not None
    assert reader.state_of("é".encode() + broken) is None


@pytest.mark.parametrize("name", ["hostname", "idn-hostname"])
def test_walks_come_to_an_end(name: str) -> None:
    """Whatever tokens are taken, a closing quote can be reached, and the name is one."""
    tokens_and_bytes = [*TOKENS[:-1], *(bytes([byte]) for byte in range(256)), b"</s>"]
    vocabulary = sg.Vocabulary.from_bytes(tokens_and_bytes, eos_ids=[len(tokens_and_bytes) - 1])
    bound = sg.json_schema({"type": "string", "format": name}).bind(vocabulary)
    row = empty_mask(vocabulary.n_tokens)
    for seed in (*range(60), 1336, 1653, 2030, 2945):  # the last: labels that hardly any digits end
        choose, matcher = random.Random(seed), bound.start()
        matcher.advance_bytes(choose.choice([b'"', b'"xn--', b'"a.xn--b', '"א.'.encode()][: 4 if "idn" in name else 3]))
        for _ in range(40):
            matcher.fill_mask(row)
            tokens = to_bool(row, vocabulary.n_tokens).nonzero()[0].tolist()
            assert tokens
            matcher.advance(choose.choice(tokens))
            if matcher.is_accepting:
                break
        assert matcher.is_accepting or matcher.advance_bytes(matcher.shortest_completion())
        assert matcher.is_accepting
