"""Formats against the official suite and against Python's own libraries."""

from __future__ import annotations

import calendar
import ipaddress
import json
import random
import uuid
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from structgen.automata.compile import compile_regex
from structgen.automata.dfa import Dfa
from structgen.automata.ops import is_subset
from structgen.frontends.formats import (
    FORMATS,
    format_beginnings,
    format_check,
    format_is_exact,
    format_node,
    format_sample,
    format_sure_node,
)
from structgen.frontends.regex import is_valid_ecma
from structgen.ir.beginnings import PieceBeginnings
from tests.support.data import data_path


@cache
def automaton(name: str) -> Dfa:
    node = format_node(name, extras=True)
    assert node is not None
    return compile_regex(node)


def is_valid(name: str, text: str) -> bool:
    check = format_check(name)
    return automaton(name).accepts(text) and (check is None or check(text))


@pytest.mark.data
@pytest.mark.parametrize("draft", ["4", "6", "7", "2019-09", "2020-12"])
def test_official_suite(draft: str) -> None:
    wrong, total = [], 0
    for path in sorted(data_path("json-schema-test-suite", "tests", f"draft{draft}", "optional", "format").glob("*")):
        for group in json.loads(path.read_text("utf-8")):
            name = group["schema"]["format"]
            for case in group["tests"]:
                total += 1
                applies = isinstance(case["data"], str) and name in FORMATS
                if (not applies or is_valid(name, case["data"])) != case["valid"]:
                    wrong.append((name, case["data"]))
                # The automaton may accept too much where a check follows, never too little.
                if applies and case["valid"]:
                    assert automaton(name).accepts(case["data"])
    assert total > 200 and wrong == []


def test_unknown_names_assert_nothing() -> None:
    assert format_node("int32") is None and format_node("Date") is None and format_check("int32") is None
    assert not format_is_exact("int32")


def test_dates_are_those_of_the_calendar() -> None:
    for year in (*range(1, 9999, 37), 1900, 2000, 2023, 2024, 2100, 2400, 9999):
        for month in range(14):
            days = calendar.monthrange(year, month)[1] if 1 <= month <= 12 else 0
            for day in (0, 1, 28, 29, 30, 31, 32):
                assert automaton("date").accepts(f"{year:04}-{month:02}-{day:02}") == (1 <= day <= days)


def test_leap_seconds_stand_at_midnight_in_greenwich() -> None:
    for now in range(0, 1440, 7):
        for offset in (*range(-1439, 1440, 61), 0, now + 1, now - 1439):
            if abs(offset) >= 1440:
                continue
            sign = "-" if offset < 0 else "+"
            text = f"{now // 60:02}:{now % 60:02}:60{sign}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
            assert automaton("time").accepts(text) == ((now - offset) % 1440 == 1439), text


def is_address(kind: type, text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return "%" not in text


@given(st.ip_addresses().map(str))
def test_addresses_of_the_library_are_accepted(text: str) -> None:
    assert automaton("ipv4").accepts(text) == is_address(ipaddress.IPv4Address, text)
    assert automaton("ipv6").accepts(text) == is_address(ipaddress.IPv6Address, text)


@given(st.text("0123456789abF:.", max_size=24))
def test_addresses_agree_with_the_library(text: str) -> None:
    assert automaton("ipv4").accepts(text) == is_address(ipaddress.IPv4Address, text)
    assert automaton("ipv6").accepts(text) == is_address(ipaddress.IPv6Address, text)


@given(st.lists(st.sampled_from(["0", "1", "ffff", "::", ":", "1.2.3.4"]), max_size=16).map("".join))
def test_compressed_addresses_agree_with_the_library(text: str) -> None:
    assert automaton("ipv6").accepts(text) == is_address(ipaddress.IPv6Address, text)


@given(st.uuids())
def test_uuids(value: uuid.UUID) -> None:
    assert automaton("uuid").accepts(str(value)) and not automaton("uuid").accepts(value.hex)
    assert automaton("uuid4").accepts(str(value)) == (str(value)[14] == "4")


@given(st.text("abß٣·l\u0375βא\u05f3ァ・\u200c\u094dक-A.", min_size=1, max_size=6))
def test_internationalised_names_agree_with_the_library(text: str) -> None:
    idna = pytest.importorskip("idna", reason="the package idna is the oracle")
    try:
        idna.encode(text, strict=True, uts46=False)
        expected = all(label for label in text.split("."))
    except (idna.IDNAError, UnicodeError):
        expected = False
    if text.isascii():
        return  # the library lets ASCII labels pass by other rules (capitals)
    check = format_check("idn-hostname")
    assert check is not None
    if "A" not in text:
        assert check(text) == expected
    if check(text):
        assert automaton("idn-hostname").accepts(text)


_PIECES = [
    "a",
    "z",
    "-",
    "[",
    "]",
    "(",
    ")",
    "(?:",
    "(?=",
    "(?<n>",
    "(?<!",
    "*",
    "?",
    "{",
    "}",
    "{2,3}",
    ",",
    "1",
    "|",
    "^",
]
_PIECES += ["$", "\\", r"\d", r"\-", r"\x41", r"\u0041", ".", "/", "é", "[a-z]", "[^", r"\1", r"\p{L}", r"\]"]


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
def test_the_automaton_of_regexes_holds_every_regex(text: str) -> None:
    if is_valid_ecma(text):
        assert automaton("regex").accepts(text)


@pytest.mark.parametrize("start", ["*", ")", "a**", "(*", "[a]]", r"\y", "}", "(?=a))", "((a)))"])
def test_no_regex_begins_with_what_cannot_be_mended(start: str) -> None:
    assert automaton("regex").run(start.encode()) == 0


def test_automata_stay_small() -> None:
    assert {name: n for name in FORMATS if (n := automaton(name).n_states) > 500}.keys() <= {"date-time", "time"}
    assert automaton("date-time").n_states < 12_000


@pytest.mark.parametrize("name", [name for name in FORMATS if format_check(name) is not None])
def test_what_is_sure_is_right(name: str) -> None:
    node, check = format_sure_node(name), format_check(name)
    assert node is not None and check is not None
    sure = compile_regex(node)
    assert is_subset(sure, automaton(name))
    choose = random.Random(name)
    for _ in range(400):
        text = random_text(sure, choose)
        assert check(text), text


def random_text(dfa: Dfa, choose: random.Random) -> str:
    """Random bytes along an automaton, ASCII alone, until it accepts and a die says stop."""
    while True:
        state, text = dfa.start, ""
        while True:
            if dfa.accepting[state] and choose.random() < 0.1:
                return text
            steps = [b for b in range(128) if dfa.transitions[state, dfa.class_of[b]]]
            if not steps or len(text) > 300:
                break
            byte = choose.choice(steps)
            state, text = int(dfa.transitions[state, dfa.class_of[byte]]), text + chr(byte)


@pytest.mark.data
def test_beginnings_of_what_is_right_are_not_given_up() -> None:
    n = 0
    for name in FORMATS:
        beginnings = format_beginnings(name)
        if beginnings is None:
            continue
        path = data_path("json-schema-test-suite", "tests", "draft2020-12", "optional", "format", f"{name}.json")
        for group in json.loads(path.read_text("utf-8")):
            for case in group["tests"]:
                if case["valid"] and isinstance(case["data"], str):
                    for end in range(len(case["data"]) + 1):
                        n += 1
                        assert beginnings(case["data"][:end]), case["data"][:end]
    assert n > 300


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_format_has_a_sample_that_it_accepts(name: str) -> None:
    text = format_sample(name)
    node = format_node(name)
    assert text is None or (node is not None and compile_regex(node).accepts(text))


def test_pieces_that_are_thought_harmless_behind_a_beginning_of_a_regex_are() -> None:
    judge = format_beginnings("regex")
    assert isinstance(judge, PieceBeginnings)
    choose = random.Random(7)
    pieces = [*"[]()-^$|.*+?{},1290azZ\\<>=!:", "\\d", "\\w-", "\\b", "(?<", "(?<a>", "(?=", "(?<!", "(?:", "[^", "z-a"]
    pieces += ["\\p{", "\\u{", "\\x4", "\\u00", "\\uD83D", "\\uDE00", "{2,1}", "{1,", "a>", "\\k<a>", "Lu}", ")*", "*)"]
    n_spoilt = 0
    for _ in range(30_000):
        text = "".join(choose.choices(pieces, k=choose.randrange(6)))
        piece = "".join(choose.choices(pieces, k=choose.randrange(1, 3)))
        if all(judge(text[:end]) for end in range(len(text) + 1)) and not judge(text + piece):
            n_spoilt += 1
            assert judge.may_spoil(text, piece), (text, piece)
    assert n_spoilt > 1000
