"""Masks of arrays that compare their items: as every token tried, which ends as some valid document ends."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from structgen.automata.document.automaton import DocumentAutomaton
from structgen.frontends.jsonschema.build import SchemaSource
from structgen.masks.compared_items import ComparedItems
from structgen.masks.document_machine import DocumentMachine
from structgen.masks.item_tokens import item_tokens
from structgen.masks.mask import empty_mask, to_bool
from structgen.vocab import Vocabulary

_PIECES = (
    b'ab a" b" ab" "a "ab "a" "ab" "a","b" "a","a" "a","a "", "","" , ," ,"a" ,"a ,"ab", ","a" ","a ","b","b" b","a '
    b'"] "]] "]} "}] "},{" "},{"a":"a"} ],[ ],["a"] [] {} 1, 1,1 1,2 ,1, true, ,true ,null, "], ["a"]] '
    b'\\ \\u \\u0 \\u00 \\u006 \\u0061 \\u0061" \\u0061b \\n \\n" n n" na u0 u006 0061 61 61" 1b 1b" x1 1 b\\u '
    b'\\" \\"" \\ud83d \\ude00 ude00 \\ud8 {"a":" {"a":"a"} a"} a"}, ab"}]'
)
_MORE = [b', "', b'", "', b'", "a', b'": "', "é".encode(), "é".encode()[:1], "é".encode()[1:] + b'"', "😀".encode()[:2]]


@cache
def pieces() -> Vocabulary:
    """Every byte, and tokens that end, hold and begin strings and items in all ways."""
    tokens = dict.fromkeys([*(bytes([b]) for b in range(256)), *_PIECES.split(), *_MORE])
    return Vocabulary.from_bytes([*tokens, b"</s>"], eos_ids=[len(tokens)])


def unique(items: Any = True, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, "uniqueItems": True, **more}


def strings(**more: Any) -> dict[str, Any]:
    return unique({"type": "string", **more})


MANY = ["a", "ab", "aab", "b", "na", "é", "\n", "", "😀", "u0061", '"']
PAIRS = "^[a-i]{2}x?$"
LARGE = '[{"a":"' + "a" * 250 + '"},{"a":"a","b":1}'
AGAIN = LARGE[: LARGE.index("}") + 1] + ',{"x":"a"},'
CASES: dict[str, tuple[Any, list[str]]] = {
    "strings": (strings(), [
        "[", '["', '["a', '["a"', '["a",', '["a","', '["a","a', '["a","b', '["a","b","', '["ab","a","', '["","',
        '["a","\\', '["a","\\u00', '["a","\\u0061', '["\\"","\\', '["é","', '["é","\udcc3', '["\\n","',
        '["\\n","\\',
        '["a\\nb","a\\', '["b","\\ud83d', '["b","\\ud83d\\', '["a","b"', '[",","',
    ]),
    "bounded": (strings(maxLength=1), [
        '["a",', '["a","', '["a","\\', '["é","', '["","', '["a","b",', '["a","\\u006', '["","a","',
    ]),
    "bounded twice": (strings(minLength=2, maxLength=2), [
        '["ab","a', '["ab",', '["ab","', '["ab","aa","a', '["ab","\\u0061',
    ]),
    "pairs": (strings(pattern=PAIRS), [
        '["', '["ab","', '["ab","a', '["ab","abx","a', '["ab","abx",', '["ab","abx","', '["ab","abx","\\u006',
        '["ab","abx","a\\', '["ab","abx","a\\u006',
    ]),
    "one or many": (strings(pattern="^(x1|[a-z]{3}|\\n|é)$"), [
        '["x1","', '["x1",', '["x1","x', '["x1","\\', '["é","', '["\\n","', '["\\n","\\', '["x1","x\\',
    ]),
    "pattern and length": (strings(pattern="^[ab]+$", maxLength=7), [
        '["aaaaaaa","aaaaaa', '["aaaaaaa","aaaaa', '["a","',
    ]),
    "dates": (strings(format="date"), ['["2020-01-01","2020-01-0', '["2020-01-01","', '["2020-01-01",']),
    "few": (strings(enum=["a", "ab", "b"]), [
        "[", '["', '["a"', '["a",', '["a","', '["a","ab"', '["a","b","a', '["b","a"',
    ]),
    "few with a length": (unique({"enum": ["a", "ab"]}, minItems=2), ["[", '["a"', '["a",', '["ab","']),
    "constants": (strings(enum=MANY), [
        "[", '["', '["a"', '["a",', '["a","', '["ab","a', '["a","a', '["b","a"',
        '["a","ab",', '["a","ab","', '["a","ab","a',
        '["aab","a', '["é","', '["b","\udcc3', '["é","\\', '["é","\\u', '["é","\\u00', '["b","\\u00e',
        '["\\n","', '["\\n","\\', '["😀","', '["b","\\ud83d', '["b","\\ud83d\\', '["","', '["","\\', '["","a",',
        '["\\"","\\', '["a","ab","aab","b","na",', '["a","ab","aab","b","na","', '["a","ab","aab","b","na","é","',
        '["a","ab","aab","b","na","é","\\n",', '["a","ab","aab","b","na","é","\\n","', '["a","n', '["na","u0',
        '["a","ab","aab","b","na","é","\\n","",', '["a","ab","aab","b","na","é","\\n","","', '["u0061","',
        '["a","u', '["u0061","\\', '["a","\\', '["a","\\u006', '["a","ab","aab","\\u006',
    ]),
    "constants and numbers": (unique({"enum": [*MANY, 1, 12, True]}), [
        "[", "[1,", '["a",1,', '["a",1,"', '["a",1,1', '[true,', '["a","ab","aab","b","na","é","\\n","","😀","u0061",',
    ]),
    "constants and more": (unique({"anyOf": [{"enum": MANY}, {"type": "object"}, strings()]}, minItems=3, maxItems=4), [
        "[", '["a",', '["a",{"', '["a",{"a":"', '["a",["', '["a","', '["a","b"', '["a","b","ab",', '["a","b","ab","',
        '["a","b","ab","a', '["a",["a"],["', '["a",["b"],["a"',
    ]),
    "constants in arrays": (unique(strings(enum=MANY)), [
        '[["', '[["a","', '[["a"],["', '[["a","ab"],["ab","', '[["a"],["a"',
    ]),
    "lengths": (unique({"type": "string"}, minItems=2, maxItems=2), [
        "[", '["a"', '["a",', '["a","', '["a","b"', '["a","b',
    ]),
    "anything": (unique(), [
        "[", '["a",', '["a","', "[1,", '[1,"a",', '[1,"a","', "[true,", "[1,true", '[["a"],["', '[["a"],["a"',
        '[{"a":"a"},{"a":"', '[{"a":"a"},{"a":"a"', "[[],", "[{},", "[1,1", '[["a"],',
    ]),
    "strings or numbers": (unique({"type": ["string", "integer"], "maximum": 2, "minimum": 1}), [
        "[", "[1,", '["a",', '["a",1,', '["a","', "[1,2,", '[1,2,"a"', '[1,2,"',
    ]),
    "first ones": ({"prefixItems": [{"const": "a"}, {"enum": ["a", "b"]}], "items": {"type": "string"}, "minItems": 3,
                    "uniqueItems": True, "type": "array"}, [
        "[", '["a"', '["a",', '["a","', '["a","b","', '["a","b",',
    ]),
    "arrays": (unique(strings()), [
        '[["', '[["a"],["', '[["a"],["a', '[["a"],["a"', '[["a"],[', '[["a"],["a","', '[["a"],',
    ]),
    "in objects": ({"type": "object", "additionalProperties": strings()}, [
        '{"a":["', '{"a":["a","', '{"a":["a"', '{"a":["a",',
    ]),
    "objects": (unique({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}), [
        '[{"a":"', '[{"a":"a"},{"a":"', '[{"a":"a"},{"a":"a', '[{"a":"a"},{"a":"a"', '[{"a":"a"},{"a":"b"',
        '[{"a":"a"},',
    ]),
    "large objects": (unique({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}), [
        LARGE + ',{"a":"', LARGE + ',{"a":"a', LARGE + ',{"a":"b', LARGE + ',{"b":1,"a":"', LARGE + ',{"b":1,"a":"a',
        LARGE + ',{"b":1',
        LARGE + ',{"a":"b"', LARGE + ',{"a":"a"', LARGE + ',{', LARGE + ",", LARGE, LARGE[:-1],
        LARGE + ',{"a":"a","b":',
    ]),
    "names that come again": (unique({"type": "object", "additionalProperties": {"type": "string"}}), [
        AGAIN + '{"x":"b","x":"a"', AGAIN + '{"x":"b","x":"a', AGAIN + '{"x":"b","x":"', AGAIN + '{"x":"a","x":"b',
    ]),
    "few objects": (unique({"type": "object", "properties": {"a": {"enum": ["a", "b"]}}, "required": ["a"],
                            "additionalProperties": False}), [
        '[{"a":"', '[{"a":"a"', '[{"a":"a"},{"a":"', '[{"a":"a"},{"a":"b"', '[{"a":"a"},',
    ]),
    "not alone": ({"anyOf": [strings(), {"type": "array", "items": {"type": "string"}, "minItems": 3}]}, [
        '["a","', '["a","a', '["a","a"', '["a","a","',
    ]),
    "judged": (strings(format="hostname"), ['["a","', '["a","a', '["a",']),
    "with a match": (unique({"type": "string"}, contains={"const": "a"}), ['["a","', '["b","', '["b",']),
}  # fmt: skip


def data_of(text: str) -> bytes:
    """A text in which a lone surrogate stands for a byte of a character broken off."""
    return text.encode("utf-8", "surrogateescape")


def machine_of(schema: Any, whitespace: str = "compact") -> DocumentMachine:
    return DocumentMachine(DocumentAutomaton(SchemaSource(schema), whitespace=whitespace), pieces())


@pytest.mark.parametrize("name", CASES)
def test_masks_equal_every_token_tried(name: str) -> None:
    schema, texts = CASES[name]
    vocabulary = pieces()
    machine, row = machine_of(schema, "any" if name == "strings" else "compact"), empty_mask(vocabulary.n_tokens)
    for text in texts:
        config = machine.advance_bytes(machine.start(), data_of(text))
        assert config is not None, text
        machine.fill_mask(config, row)
        allowed = to_bool(row, vocabulary.n_tokens)
        for token in range(vocabulary.n_tokens - 1):
            found = machine.advance(config, token) is not None
            assert found == allowed[token], (text, vocabulary.tokens[token])


@pytest.mark.parametrize(
    "name", sorted(CASES.keys() - {"large objects", "names that come again"})
)  # compared when they end: not all can be ended
def test_all_that_is_read_can_be_ended(name: str) -> None:
    """One byte further than each text: what is left ends in a document that is valid."""
    schema, texts = CASES[name]
    is_valid = Draft202012Validator(schema).is_valid
    machine = machine_of(schema)
    for text in texts:
        data = data_of(text)
        config = machine.advance_bytes(machine.start(), data)
        for byte in range(256):
            after = machine.advance_bytes(config, bytes([byte])) if config is not None else None
            if after is not None:
                whole = data + bytes([byte]) + machine.shortest_completion(after)
                assert is_valid(json.loads(whole)), whole


def test_a_beginning_is_read_exactly_if_some_text_goes_on_from_it() -> None:
    """Over all words of a pattern, most of which have come."""
    schema = strings(pattern=PAIRS)
    machine = machine_of(schema)
    words = [a + b + x for a in "abcdefghi" for b in "abcdefghi" for x in ("", "x")]
    come = [word for word in words if word[0] == "a" or word[1] in "ab"][:40]
    config = machine.advance_bytes(machine.start(), json.dumps([*come, ""])[:-2].replace(", ", ",").encode())
    assert config is not None
    left = set(words) - set(come)
    for text in {word[:n] for word in words for n in range(4)}:
        found = machine.advance_bytes(config, text.encode()) is not None
        assert found == any(word.startswith(text) for word in left), text
        assert (machine.advance_bytes(config, text.encode() + b'"') is not None) == (text in left), text


@pytest.mark.parametrize("name", ["strings", "bounded", "pairs", "in objects", "lengths", "constants"])
def test_strings_are_not_walked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Masks within strings that are items come from those of arrays that compare nothing."""
    filled: list[bool] = []
    fill = ComparedItems.fill

    def counted(items: ComparedItems, config: Any, row: Any) -> bool:
        filled.append(fill(items, config, row))
        return filled[-1]

    monkeypatch.setattr(ComparedItems, "fill", counted)
    schema, texts = CASES[name]
    machine, row = machine_of(schema), empty_mask(pieces().n_tokens)
    for text in texts:
        config = machine.advance_bytes(machine.start(), data_of(text))
        assert config is not None
        machine.fill_mask(config, row)
    assert len(filled) > 2
    assert all(filled)


def test_strings_share_one_context() -> None:
    """Items ask for no goal of their own."""
    machine, tables = machine_of(strings(pattern="^a")), None
    for n in range(8):
        text = json.dumps([f"a{number}" for number in range(n + 1)]).replace(" ", "")[:-2]
        config = machine.advance_bytes(machine.start(), text.encode())
        assert config is not None
        machine.fill_mask(config, empty_mask(pieces().n_tokens))
        if n == 2:
            tables = machine.automaton.tables.n_values
    assert machine.automaton.tables.n_values == tables


def test_tables_of_tokens() -> None:
    vocabulary = pieces()
    tokens, found = vocabulary.tokens, item_tokens(vocabulary)
    assert {tokens[token] for token in found.closing[b"a"]} >= {b'a"', b'\\u0061"'}
    assert all(b"\\" in tokens[token] for held in found.escapes.values() for token, _ in held)
    assert {tokens[held.token] for held in found.within} >= {b'","a', b'","a"', b'","b","b"'}
    assert {tokens[token] for token in found.by_string[b"a"]} >= {b'"a"', b',"a"', b'["a"]]'}
    assert {tokens[token] for token in found.unclear} >= {b'"a","a"', b'"a","a', b"1,1", b",1,"} - {b"1,1"}
    assert {tokens[token] for token in found.further.tolist()} >= {b"1,", b"1,1", b'"a"', b"true,"}
