"""General objects: what becomes plain, and which values are asked for nothing but what must hold."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from structgen.automata.document import arrays
from structgen.automata.document.arrays import ArrayState
from structgen.automata.document.automaton import DocumentAutomaton
from structgen.automata.document.object_states import ObjectState, Shape
from structgen.frontends.jsonschema.build import SchemaSource
from structgen.ir.formulas import TRUE
from structgen.kernels import document as K

STRING, INTEGER = {"type": "string"}, {"type": "integer"}


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def after(schema: dict[str, Any], text: bytes) -> tuple[DocumentAutomaton, tuple[Any, ...]]:
    automaton = DocumentAutomaton(SchemaSource(schema))
    config = automaton.read(automaton.start, text)
    assert config is not None
    return automaton, config


def kind_of(automaton: DocumentAutomaton, config: tuple[Any, ...]) -> int:
    return int(automaton.tables.frames[config[K.R_FRAME], K.F_KIND])


def test_values_under_names_of_one_alternative_are_plain() -> None:
    call = {"anyOf": [closed(["f"], f=closed(["x"], x=STRING)), closed(["g"], g=closed(["y"], y=INTEGER))]}
    automaton, config = after(call, b'{"g":{')
    assert kind_of(automaton, config) == K.PLAIN_OBJECT
    assert automaton.read(config, b'"y":1}}') is not None
    assert automaton.read(config, b'"x"') is None


def test_what_is_left_of_alternatives_is_plain() -> None:
    kinds = {
        "oneOf": [
            closed(["kind", "a"], kind={"const": "one"}, a=STRING, c=INTEGER),
            closed(["kind", "b"], kind={"const": "two"}, b=STRING, c=INTEGER),
        ]
    }
    automaton, config = after(kinds, b'{"c":1,"kind":"two"')
    assert kind_of(automaton, config) == K.PLAIN_OBJECT
    for text, is_right in ((b"}", False), (b',"b":""}', True), (b',"a":""}', False), (b',"c":1', False)):
        assert (automaton.read(config, text) is not None) == is_right


@pytest.mark.parametrize("combined", ["anyOf", "oneOf"])
def test_what_all_alternatives_ask_must_hold(combined: str) -> None:
    both = {combined: [closed(["n", "a"], n=STRING, a=STRING), closed(["n", "b"], n=STRING, b=STRING)]}
    automaton, config = after(both, b'{"n":')
    context = automaton.contexts.by_index[config[K.R_VALUE]]
    assert context.accepts is None
    assert automaton.read(config, b"1") is None
    assert automaton.read(config, b'"","b":""}') is not None


def test_states_that_differ_in_names_seen_lead_to_the_same_values() -> None:
    schema = {"oneOf": [closed(["a"], a=STRING, c={}, d={}), closed(["a"], a=INTEGER, c={}, d={})]}
    automaton, config = after(schema, b'{"c":1,"a":')
    other = automaton.read(automaton.start, b'{"d":1,"a":')
    assert other is not None
    assert config[K.R_VALUE] == other[K.R_VALUE]


def test_undeclared_names_that_broke_something_stay_general() -> None:
    # A value under the same name that comes again would undo what broke the rule.
    schema = {"type": "object", "not": {"additionalProperties": {"type": "string"}}}
    automaton, config = after(schema, b'{"x":1')
    assert kind_of(automaton, config) == K.GENERAL_OBJECT


def test_values_keep_any_order_in_alternatives() -> None:
    call = {"anyOf": [closed(["f"], f=closed([], a=STRING, b=STRING)), closed(["g"], g=STRING)]}
    automaton = DocumentAutomaton(SchemaSource(call), in_order=True)
    assert automaton.read(automaton.start, b'{"f":{"b":"","a":""}}') is not None


def test_names_that_must_not_come_are_plain() -> None:
    schema = {"properties": {"a": STRING, "b": STRING}, "not": {"required": ["a"]}, "type": "object"}
    automaton, config = after(schema, b"{")
    assert kind_of(automaton, config) == K.PLAIN_OBJECT
    for text, is_right in ((b'"b":""', True), (b'"a"', False), (b'"c":1}', True), (b"}", True)):
        assert (automaton.read(config, text) is not None) == is_right


def test_one_verdict_taken_is_enough() -> None:
    # The value must hold in the second alternative, for the first has failed: what was two verdicts is one goal.
    inner = closed(["x"], x=STRING, y=STRING)
    schema = {
        "oneOf": [
            closed(["kind", "v"], kind={"const": 1}, v=closed(["z"], z=STRING)),
            closed(["kind", "v"], kind={"const": 2}, v=inner),
        ]
    }
    automaton, config = after(schema, b'{"v":{"y":""')
    assert kind_of(automaton, config) == K.PLAIN_OBJECT
    assert automaton.read(config, b',"x":""},"kind":2}') is not None
    assert automaton.read(config, b',"x":""},"kind":1') is None
    assert automaton.read(config, b"}") is None


def test_what_is_known_of_a_shape_is_not_taken_for_that_of_a_later_one() -> None:
    """Plain frames keep no state, so shapes are freed, and others are made where they lay."""
    names = SimpleNamespace(names=())
    objects = {ObjectState(Shape(None, names, 1, 0), (TRUE,), 0, 0).key for _ in range(40)}  # type: ignore[arg-type]
    lists = {ArrayState(arrays.Shape(None, 1, 0, False), (TRUE,), 0).key for _ in range(40)}  # type: ignore[arg-type]
    assert len(objects) == len(lists) == 40


MANY = {f"p{n}": {"type": "integer"} if n % 3 else {} for n in range(66)}
MANY_NAMES: dict[str, dict[str, Any]] = {
    "open": {"properties": MANY | {"p5": False}, "required": ["p1", "p2"]},
    "closed": {"properties": MANY | {"p5": False, "p6": {"allOf": [{"type": "string"}, {"type": "null"}]}},
               "required": ["p1", "p65"], "additionalProperties": False},
    "rest": {"properties": MANY, "additionalProperties": {"not": {}}},
    "rules": {"properties": MANY, "propertyNames": {"maxLength": 2}, "additionalProperties": {"type": "null"}},
    "two": {"allOf": [{"properties": MANY}, {"properties": {"p1": {"type": "null"}, "p3": {"type": "null"}}}]},
    "patterns": {"properties": MANY, "patternProperties": {"^p1": {"type": "null"}, "^q": {}}, "required": ["p10"]},
    "never together": {"properties": MANY, "not": {"required": ["p7"]}, "additionalProperties": False},
    "by kind": {"properties": MANY, "additionalProperties": False, "anyOf": [
        {"properties": {"p0": {"const": 1}, "p4": {"type": "null"}}, "propertyNames": {"maxLength": 2}},
        {"properties": {"p0": {"const": 2}}}]},
    "tied": {"properties": MANY, "dependentRequired": {"p1": ["p2"]}, "additionalProperties": False},
}  # fmt: skip


@pytest.mark.parametrize("name", MANY_NAMES)
def test_names_that_may_come_are_those_whose_step_leads_on(name: str) -> None:
    """Many names are looked up at once where nothing ties one to another; asked one by one, they are the same."""
    for text in (b'{"', b'{"p0":1,"', b'{"p0":1,"p2":2,"', b'{"p1":1,"p2":2,"'):
        try:
            automaton, config = after({"type": "object"} | MANY_NAMES[name], text)
        except AssertionError:
            continue  # not a beginning under this schema
        objects = automaton.general_objects
        state = objects.states[config[K.R_FRAME]]
        keys = state.shape.keys
        assert len(keys.classes) > 62
        flags = objects._open_classes(state)
        steps = [
            state.shape.usable[number] and not state.seen >> number & 1 and objects.key_step(state, number)[0] != 0
            for number in range(len(keys.classes))
        ]
        if flags[-1] and not keys.patterns and not keys.rules:
            # Any name that was begun can still become one that is not declared.
            assert steps[-1] and all(flag or not step for flag, step in zip(flags, steps, strict=True))
        else:
            assert flags == steps
