"""Large alternatives of objects: what the uniform search cannot reach, an aim finds."""

from __future__ import annotations

import json
from typing import Any

import pytest

import structgen as sg
from structgen.automata.document.automaton import DocumentAutomaton
from structgen.automata.document.guided import Guided, branches
from structgen.automata.document.witness import Witness
from structgen.frontends.jsonschema.build import SchemaSource
from structgen.ir.document import Required
from structgen.ir.formulas import Not, conjunction, disjunction, exactly_one


def call(name: str, *arguments: str) -> dict[str, Any]:
    """An object of one function call, closed at both levels."""
    inner = {
        "type": "object",
        "properties": {argument: {"type": "string"} for argument in arguments},
        "required": list(arguments),
        "additionalProperties": False,
    }
    return {"type": "object", "properties": {name: inner}, "required": [name], "additionalProperties": False}


def test_branches_of_closed_objects_with_many_required_names() -> None:
    names = [f"a{n}" for n in range(12)]
    constraint = sg.json_schema({"anyOf": [call("f", *names), call("g", *reversed(names)), call("h", "x")]})
    whole = {"g": dict.fromkeys(names, "")}
    assert constraint.accepts(json.dumps(whole))
    assert constraint.accepts(json.dumps({"h": {"x": "1"}}))
    assert not constraint.accepts(json.dumps({"h": {"x": "1", "y": "2"}}))
    assert not constraint.accepts(json.dumps({"f": whole["g"], "g": whole["g"]}))


def test_one_of_many_with_shared_names() -> None:
    schema = {
        "oneOf": [
            {"required": ["kind", f"p{n}", f"q{n}"], "properties": {"kind": {"const": n}, f"p{n}": {"minimum": n}}}
            for n in range(12)
        ],
        "type": "object",
    }
    constraint = sg.json_schema(schema, property_order="any")
    for n in range(12):
        assert constraint.accepts(json.dumps({"kind": n, f"p{n}": n, f"q{n}": None}))
        assert not constraint.accepts(json.dumps({"kind": n, f"p{n}": n - 1, f"q{n}": None}))
        assert not constraint.accepts(json.dumps({"kind": n, f"p{n}": n}))


@pytest.mark.timeout(10)
def test_contradictions_are_not_multiplied_out() -> None:
    def name(n: int) -> Required:
        return Required(frozenset([str(n).encode()]))

    a, b = name(0), name(1)
    others = [disjunction([name(2 * n), name(2 * n + 1)]) for n in range(1, 30)]
    assert list(branches(conjunction([*others, disjunction([a, b]), Not(a), Not(b)]))) == []
    assert next(branches(conjunction([*others, disjunction([a, b]), Not(a)]))) is not None


@pytest.mark.parametrize("first", [1, 3])
def test_names_that_break_a_rule_on_names(first: int) -> None:
    rules = [{"propertyNames": {"not": {"enum": wanted}}} for wanted in (["1", "3"], ["2", "3"], ["2", "4"])]
    schema = {
        "type": "object",
        "patternProperties": {"^[0-9]$": {"type": "null"}},
        "additionalProperties": False,
        "not": {"anyOf": rules},
        "maxProperties": 2,
    }
    constraint = sg.json_schema(schema)
    assert constraint.accepts(f'{{"{first}":null,"2":null}}')
    assert not constraint.accepts(f'{{"{first}":null}}')
    assert not constraint.accepts('{"1":null,"4":null}')


def test_lengths_under_alternatives_are_not_states() -> None:
    schema = {
        "type": "object",
        "anyOf": [
            {"properties": {"a": {"maxLength": 32_767}, "kind": {"const": "long"}}},
            {"properties": {"a": {"minLength": 100_000}, "kind": {"const": "longer"}}},
        ],
        "required": ["a", "kind"],
    }
    constraint = sg.json_schema(schema, property_order="any")
    for n, kind, valid in [
        (3, "long", True),
        (32_768, "long", False),
        (99_999, "longer", False),
        (100_000, "longer", True),
    ]:
        assert constraint.accepts(json.dumps({"a": "é" * n, "kind": kind}, ensure_ascii=False)) == valid


def test_branches_cover_the_formula() -> None:
    a, b, c = (Required(frozenset((name,))) for name in (b"a", b"b", b"c"))
    formula = conjunction([disjunction([a, b]), Not(conjunction([b, c])), exactly_one([a, c])])

    def value(part: Any, present: set[bytes]) -> bool:
        if isinstance(part, Required):
            return part.names <= present
        if type(part) is Not:
            return not value(part.part, present)
        results = [value(inner, present) for inner in part.parts]
        kind = type(part).__name__
        return all(results) if kind == "And" else any(results) if kind == "Or" else sum(results) == 1

    found = list(branches(formula))
    for bits in range(8):
        present = {name for at, name in enumerate((b"a", b"b", b"c")) if bits >> at & 1}
        assert value(formula, present) == any(value(branch, present) for branch in found)


def test_names_that_no_listed_constant_allows_are_dead_at_once() -> None:
    """Conditions on one name with listed constants, which together refuse other names: no search comes to an end."""
    kinds = {"load": "fgh", "edit": "ghi", "move": "ijk", "show": "klm"}
    names = sorted({*"fghijklmnopqrst"})
    conditions = [
        {"if": {"properties": {"act": {"const": kind}}}, "then": {"propertyNames": {"enum": ["act", *allowed]}}}
        for kind, allowed in kinds.items()
    ]
    schema = {
        "type": "object",
        "properties": {"act": {"enum": sorted(kinds)}, **{name: {"type": "integer"} for name in names}},
        "required": ["act"],
        "allOf": conditions,
    }
    automaton = DocumentAutomaton(SchemaSource(schema), whitespace="compact")
    for first in names:
        for second in names:
            members = b'"%s":1' % first.encode()
            members += b"" if second == first else b',"%s":1' % second.encode()
            allowed = any(first in some and second in some for some in kinds.values())
            config = automaton.read(automaton.start, b"{" + members)
            assert (config is not None) == allowed, members
    assert automaton.witness.n_assumed == 0


_TIED: list[Any] = [
    {
        "type": "object",
        "patternProperties": {"^[a-e]$": True},
        "additionalProperties": False,
        "dependencies": {"a": {"anyOf": [{"required": ["c"]}, {"required": ["b"]}]}, "b": {"not": {"required": ["c"]}}},
        "required": ["a"],
        "maxProperties": 2,
    },
    {
        "type": "object",
        "allOf": [{"not": {"propertyNames": {"not": {"pattern": letter}}}} for letter in "abc"],
        "propertyNames": {"pattern": "^[a-d]{2}$"},
        "maxProperties": 2,
    },
    {
        "$defs": {"tree": {"oneOf": [{"required": ["l", "r"]}, {"required": ["v"]}], "$ref": "#/$defs/parts"},
                  "parts": {"additionalProperties": {"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "null"}]}}},
        "$ref": "#/$defs/tree",
        "type": "object",
        "minProperties": 1,
    },
]  # fmt: skip


@pytest.mark.parametrize("schema", _TIED)
def test_what_is_remembered_is_what_is_found_again(schema: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches that remember members and endings open the same names, to the same depth, as searches that do not."""
    quick = sg.json_schema(schema, property_order="any", whitespace="compact").automaton
    found = _prefixes(quick)
    monkeypatch.setattr(Guided, "_once", lambda self, key, search: search())
    monkeypatch.setattr(Witness, "_object_steps", lambda self, state: list(self._all_object_steps(state)))
    slow = sg.json_schema(schema, property_order="any", whitespace="compact").automaton
    assert found == _prefixes(slow)
    assert len(found) > 10


def _prefixes(automaton: DocumentAutomaton) -> set[bytes]:
    """All beginnings of documents over a few bytes, up to eight of them."""
    found, todo = set(), [(b"", automaton.start)]
    while todo:
        text, config = todo.pop()
        found.add(text)
        if len(text) < 8:
            steps = ((bytes([byte]), automaton.read(config, bytes([byte]))) for byte in b'{}":,abclrvn')
            todo += [(text + byte, after) for byte, after in steps if after is not None]
    return found


@pytest.mark.parametrize("names", ["^[a-c]+$", "^[a-d]{3}$"])
def test_counted_names_differ_however_many_are_needed(names: str) -> None:
    """Names without end are enumerated as they are needed, names that come to an end are counted."""
    schema = {
        "patternProperties": {names: {"type": "null"}},
        "additionalProperties": False,
        "minProperties": 40,
        "maxProperties": 5000,
        "type": "object",
    }
    automaton = sg.json_schema(schema, property_order="any").automaton
    text = automaton.completion(automaton.start)
    assert len(json.loads(text)) == text.count(b":") == 40
