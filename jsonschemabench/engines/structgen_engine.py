"""structgen through its public interface, in any property order and with any whitespace."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from jsonschemabench.conditions import own_version
from jsonschemabench.engines.base import CompileOptions, EngineVocabulary, TokenRow

__all__ = ["StructgenEngine"]


WARM_UP_SCHEMAS: list[tuple[Any, bytes]] = [
    (
        {"type": "object", "properties": {"a": {"type": "array", "items": {"type": ["number", "string"]}}}},
        b'{"a": [1, "b", -2.5e3], "c\\u00e9": {"d": null}}',
    ),
    (
        {"type": "array", "items": {"type": "string", "minLength": 2, "maxLength": 40}, "maxItems": 3},
        b'["ab", "long text"]',
    ),
    ({"type": "array", "items": {"type": "string", "pattern": "^[a-z]+( [a-z]+)*$"}}, b'["ab cd", "x"]'),
    ({"type": "object", "propertyNames": {"pattern": "^[a-z]+$"}, "maxProperties": 2}, b'{"ab": 1, "c": [true]}'),
    ({"type": "array", "uniqueItems": True, "contains": {"const": 7}}, b'[1, 7, {"a": []}]'),
    ({"type": "array", "items": {"type": "integer", "minimum": -3, "maximum": 999, "multipleOf": 3}}, b"[-3, 999]"),
    ({"type": "array", "items": {"format": "date-time"}}, b'["2024-02-29T12:30:00Z"]'),
    ({"oneOf": [{"required": ["a"]}, {"enum": ["x", "yz", None, {"b": 1}]}]}, b'{"a": "free text, some of it"}'),
    (
        {"$ref": "#/$defs/t", "$defs": {"t": {"items": {"$ref": "#/$defs/t"}, "type": ["array", "null"]}}},
        b"[[null], []]",
    ),
]
"""Small schemas of every kind with a document each; they are in no data set."""


class StructgenMatcher:
    __slots__ = ("_matcher", "advance", "fill_mask")

    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher
        self.fill_mask = matcher.fill_mask
        self.advance = matcher.try_advance

    def may_stop(self) -> bool:
        return bool(self._matcher.is_accepting)

    def completion(self) -> list[int]:
        ends = self._matcher.vocabulary.eos_ids
        return [token for token in self._matcher.shortest_completion_tokens() if token not in ends]


class StructgenCompiled:
    def __init__(self, bound: Any) -> None:
        self._bound = bound

    def matcher(self) -> StructgenMatcher:
        return StructgenMatcher(self._bound.start())


class StructgenEngine:
    def __init__(self, vocabulary: EngineVocabulary) -> None:
        from importlib import import_module

        from structgen.vocab.vocabulary import Vocabulary

        self.version = own_version()
        self._structgen: Any = import_module("structgen")
        self._vocabulary = Vocabulary.from_tokenizer_json(vocabulary.path, eos_ids=list(vocabulary.eos_ids))
        self._row: TokenRow = np.zeros(vocabulary.n_words, dtype=np.uint32)
        self._warm_up()

    def _warm_up(self) -> None:
        """Load every compiled kernel before a clock runs; just-in-time compilation is not schema compilation."""
        from structgen.masks.warm_up import warm_up

        warm_up()
        for schema, document in WARM_UP_SCHEMAS:
            self._warm_with(partial(self.compile, schema, CompileOptions()), document)
        grammar = 'start: "a" ("," NAME)*\nNAME: /[a-z]+/\n%ignore " "\n'
        self._warm_with(partial(self.compile_grammar, grammar, "lark"), b"a, bc , d")

    def _warm_with(self, make: Callable[[], StructgenCompiled], document: bytes) -> None:
        try:
            matcher = make().matcher()
        except AttributeError:  # a version without this entrance; compiling says so again, and that is a row
            return
        for token in self._vocabulary.encode_bytes(document):
            matcher.fill_mask(self._row)
            matcher.advance(token)
        matcher.may_stop()

    def compile(self, schema: Any, options: CompileOptions) -> StructgenCompiled:
        extra: dict[str, Any] = {"registry": options.registry} if options.registry else {}
        if options.assert_format is not None:
            extra["formats"] = "assert" if options.assert_format else "annotate"
        constraint = self._structgen.json_schema(schema, property_order="any", whitespace="any", **extra)
        return StructgenCompiled(constraint.bind(self._vocabulary))

    def compile_grammar(self, text: str, notation: str) -> StructgenCompiled:
        make = self._structgen.lark if notation == "lark" else self._structgen.gbnf
        return StructgenCompiled(make(text).bind(self._vocabulary))
