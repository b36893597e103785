"""What must be kept while it is read: names that are counted, strings and numbers that are judged."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from itertools import product
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from structgen.automata.document.automaton import DocumentAutomaton
from structgen.errors import UnsatisfiableError
from structgen.frontends.formats import format_check
from structgen.frontends.jsonschema.build import SchemaSource


def automaton_of(schema: Any, **options: Any) -> DocumentAutomaton:
    return DocumentAutomaton(SchemaSource(schema), whitespace="compact", **options)


def accepts(automaton: DocumentAutomaton, text: str) -> bool:
    config = automaton.read(automaton.start, text.encode())
    return config is not None and automaton.is_accepting(config)


def completed(automaton: DocumentAutomaton, prefix: str) -> str:
    config = automaton.read(automaton.start, prefix.encode())
    assert config is not None, prefix
    return prefix + automaton.completion(config).decode()


COUNTED: list[Any] = [
    {"type": "object", "minProperties": 2},
    {"type": "object", "minProperties": 3, "maxProperties": 3},
    {"type": "object", "not": {"maxProperties": 1}},
    {"type": "object", "properties": {"a": True}, "minProperties": 2},
    {"type": "object", "patternProperties": {"^[ab]$": True}, "additionalProperties": False, "minProperties": 2},
    {"type": "object", "propertyNames": {"enum": ["a", "b", "c"]}, "minProperties": 3},
    {"type": "object", "oneOf": [{"minProperties": 2}, {"required": ["a"]}]},
    {"oneOf": [{"type": "object"}, {"additionalProperties": {"type": "null"}}], "type": "object"},
    {"not": {"patternProperties": {"^a": {"type": "integer"}}}, "type": "object"},
]
MEMBERS = [f"{name}:{value}" for name in ('"a"', '"b"', '"c"', '"\\u0063"') for value in ("1", "null", '"x"')]


@pytest.mark.parametrize("schema", COUNTED, ids=json.dumps)
def test_a_name_that_comes_again_counts_once(schema: Any) -> None:
    """What is accepted is valid as a reader sees it, who keeps the last of the values under one name."""
    automaton = automaton_of(schema)
    is_valid = Draft202012Validator(schema).is_valid
    for n in range(4):
        for members in (
            product(MEMBERS, repeat=n) if n < 3 else random.Random(n).sample(list(product(MEMBERS, repeat=3)), 300)
        ):
            text = "{" + ",".join(members) + "}"
            names = [member.split(":")[0].replace("\\u0063", "c") for member in members]
            if accepts(automaton, text):
                assert is_valid(json.loads(text)), text
            elif len(set(names)) == len(names):
                assert not is_valid(json.loads(text)), text


@pytest.mark.parametrize("schema", COUNTED, ids=json.dumps)
def test_no_beginning_is_a_dead_end(schema: Any) -> None:
    automaton = automaton_of(schema)
    is_valid = Draft202012Validator(schema).is_valid
    choose = random.Random(0)
    for _ in range(150):
        text = "{" + ",".join(choose.choices(MEMBERS, k=3)) + "}"
        prefix = text[: choose.randrange(1, len(text))]
        if automaton.read(automaton.start, prefix.encode()) is not None:
            assert is_valid(json.loads(completed(automaton, prefix))), prefix


def test_names_that_run_out_are_counted() -> None:
    schema = {"propertyNames": {"pattern": "^[ab]$"}, "minProperties": 3, "type": "object"}
    with pytest.raises(UnsatisfiableError):
        automaton_of(schema)
    words = {"type": "object", "propertyNames": {"pattern": "^(foo|fob)$"}, "minProperties": 2}
    automaton = automaton_of(words)
    assert automaton.read(automaton.start, b'{"foo":1,"foo') is None
    assert set(json.loads(completed(automaton, '{"foo":1,"fo'))) == {"foo", "fob"}


HOSTS = [
    "a",
    "a.b-c.D",
    "xn--nxasmq6b",
    "a.xn--nxasmq6b.b",
    "xn--abc",
    "xn--",
    "xn--a-",
    "XN--nxasmq6b",
    "a..b",
    "-a",
    "",
]
IDN_HOSTS = [
    *HOSTS,
    *["é", "é", "l·l", "l·", "a·l", "α͵β", "α͵s", "א", "aא", "0.א", "が・", "・", "Aé", "aa--é"],
    "ü" * 60,
]
REGEXES = [
    r"a",
    r"[a-z]",
    r"[z-a]",
    r"a{3,2}",
    r"a{2,3}",
    r"(?<n>a)\k<n>",
    r"\k<n>",
    r"(?=a)*",
    r"\p{L}",
    r"\p{Foo}",
    r"\p{sc=Greek}",
    r"((((a))))",
    r"(((((a)",
]
JUDGED = {"hostname": HOSTS, "idn-hostname": IDN_HOSTS, "regex": REGEXES}


@pytest.mark.parametrize("name", JUDGED)
def test_judged_strings(name: str) -> None:
    check = format_check(name)
    assert check is not None
    alone, negated = automaton_of({"type": "string", "format": name}), automaton_of({"not": {"format": name}})
    either = automaton_of({"oneOf": [{"format": name, "type": "string"}, {"type": "string", "maxLength": 3}]})
    inside = automaton_of({"items": {"format": name}, "uniqueItems": True, "minItems": 2})
    for text in JUDGED[name]:
        for quoted in (json.dumps(text), json.dumps(text, ensure_ascii=False)):
            assert accepts(alone, quoted) == check(text), text
            assert accepts(negated, quoted) != check(text), text
            assert accepts(either, quoted) == (check(text) != (len(text) <= 3)), text
            assert accepts(inside, f'["a",{quoted}]') == (check(text) and text != "a"), text


@pytest.mark.parametrize("name", JUDGED)
def test_judged_strings_have_no_dead_ends(name: str) -> None:
    automaton = automaton_of({"type": "string", "format": name})
    check = format_check(name)
    assert check is not None
    for text in JUDGED[name]:
        for n in range(1, len(text) + 1):
            prefix = '"' + json.dumps(text[:n], ensure_ascii=False)[1:-1]
            if automaton.read(automaton.start, prefix.encode()) is not None:
                assert check(json.loads(completed(automaton, prefix))), prefix
            else:
                assert not check(text), (prefix, text)


NUMBERS: list[tuple[Any, str]] = [
    ({"multipleOf": 0.123456789, "type": "number"}, "0.123456789"),
    ({"multipleOf": 30011, "type": "integer", "minimum": 1, "maximum": 90_033}, "30011"),
    ({"multipleOf": 17.31, "not": {"multipleOf": 12.7}, "type": "number"}, "17.31"),
]


@pytest.mark.parametrize(("schema", "divisor"), NUMBERS, ids=str)
def test_numbers_with_many_remainders(schema: Any, divisor: str) -> None:
    automaton = automaton_of(schema)
    step = Fraction(divisor)
    other = Fraction(str(schema["not"]["multipleOf"])) if "not" in schema else None
    choose = random.Random(divisor)
    texts = [str(choose.randrange(-(10**k), 10**k)) for k in range(1, 12) for _ in range(6)]
    texts += [f"{float(step * choose.randrange(-9, 99)):.9f}".rstrip("0").rstrip(".") for _ in range(60)]
    n_valid = 0
    for text in texts:
        value = Fraction(text)
        valid = value % step == 0 and (other is None or value % other != 0)
        if "minimum" in schema:
            valid = valid and 1 <= value <= 90_033
        n_valid += valid
        assert accepts(automaton, text) == valid, text
        for n in range(1, len(text)):
            if automaton.read(automaton.start, text[:n].encode()) is not None:
                assert accepts(automaton, completed(automaton, text[:n])), text[:n]
            else:
                assert not valid, text[:n]
    assert n_valid > 0


NAMED: list[Any] = [
    {"type": "object", "propertyNames": {"format": "hostname"}},
    {"type": "object", "propertyNames": {"allOf": [{"format": "hostname"}, {"maxLength": 14}]}, "minProperties": 1},
    {"propertyNames": {"format": "hostname"}, "minProperties": 2, "additionalProperties": False, "type": "object",
     "patternProperties": {".": {"type": "null"}}},
    {"type": "object", "propertyNames": {"not": {"format": "hostname"}}},
    {"type": "object", "propertyNames": {"format": "regex"}, "properties": {"xn--abc": True, "[z-a]": True}},
    {"type": "object", "propertyNames": {"format": "hostname", "pattern": "^xn--"}, "required": ["xn--nxasmq6b"]},
    {"type": "object", "oneOf": [{"propertyNames": {"format": "hostname"}}, {"minProperties": 2}]},
    {"type": "object", "anyOf": [{"propertyNames": {"format": "idn-hostname"}}, {"required": ["[z-a]"]}]},
    {"type": "object", "not": {"propertyNames": {"format": "hostname"}}},
    {"type": "object", "propertyNames": {"format": "hostname"}, "patternProperties": {"^xn--": {"type": "null"}}},
    {"type": "object", "propertyNames": {"$ref": "#/$defs/n"},
     "$defs": {"n": {"anyOf": [{"format": "hostname"}, {"maxLength": 2}]}}},
]  # fmt: skip
NAMES = ["a", "a.b", "xn--nxasmq6b", "XN--NXASMQ6B", "xn--abc", "xn--", "-a", "[z-a]", "[a-z]", "é", "l·", ""]


def _judging() -> FormatChecker:
    """A format checker with this package's judges."""
    checker = FormatChecker(formats=())
    for name in JUDGED:
        check = format_check(name)
        assert check is not None
        checker.checks(name)(partial(_is_of, check))
    return checker


def _is_of(check: Callable[[str], bool], value: object) -> bool:
    return not isinstance(value, str) or check(value)


@pytest.mark.parametrize("schema", NAMED, ids=json.dumps)
def test_judged_names(schema: Any) -> None:
    """What a judge says of a name counts wherever it stands, and no beginning is a dead end."""
    automaton = automaton_of(schema)
    is_valid = Draft202012Validator(schema, format_checker=_judging()).is_valid
    names = [*map(json.dumps, NAMES), '"x\\u006e--abc"', '"x\\u006e--nxasmq6b"', '"é"']
    bodies = [[], *([f"{name}:{value}"] for name in names for value in ("1", "null"))]
    bodies += [[f"{a}:null", f"{b}:{value}"] for a in names for b in names for value in ("1", "null") if a != b]
    n_valid = 0
    for members in bodies:
        text = "{" + ",".join(members) + "}"
        if len({name for member in members for name in json.loads("{" + member + "}")}) < len(members):
            continue
        valid = is_valid(json.loads(text))
        n_valid += valid
        assert accepts(automaton, text) == valid, text
    assert n_valid
    for members in [*bodies[1:24:2], *bodies[31::83]]:
        text = "{" + ",".join(members) + "}"
        for n in range(1, len(text)):
            if automaton.read(automaton.start, text[:n].encode()) is not None:
                assert is_valid(json.loads(completed(automaton, text[:n]))), text[:n]
            else:
                assert not is_valid(json.loads(text)), text[:n]
