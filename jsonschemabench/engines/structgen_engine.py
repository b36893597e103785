"""structgen through its public interface.

``structgen`` takes properties in any order and any whitespace, which is what JSON Schema
says and what instances are written in. ``structgen-default`` has the options that a user gets
who names none: properties in declared order and bounded runs of whitespace, made for writing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from jsonschemabench.conditions import own_version
from jsonschemabench.engines.base import CompileOptions, EngineVocabulary

__all__ = ["StructgenDefaultEngine", "StructgenEngine"]


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
    options: Mapping[str, Any] = MappingProxyType({"property_order": "any", "whitespace": "any"})

    def __init__(self, vocabulary: EngineVocabulary) -> None:
        from importlib import import_module

        from structgen.vocab.vocabulary import Vocabulary

        self.version = own_version()
        self._structgen: Any = import_module("structgen")
        self._vocabulary = Vocabulary.from_tokenizer_json(vocabulary.path, eos_ids=list(vocabulary.eos_ids))
        # Kernels are loaded before a clock runs: just-in-time compilation is not schema compilation.
        self._structgen.warm_up(self._vocabulary)

    def compile(self, schema: Any, options: CompileOptions) -> StructgenCompiled:
        extra: dict[str, Any] = {"registry": options.registry} if options.registry else {}
        if options.assert_format is not None:
            extra["formats"] = "assert" if options.assert_format else "annotate"
        constraint = self._structgen.json_schema(schema, **self.options, **extra)
        return StructgenCompiled(constraint.bind(self._vocabulary))

    def is_unsatisfiable(self, error: Exception) -> bool:
        return isinstance(error, self._structgen.UnsatisfiableError)

    def compile_grammar(self, text: str, notation: str) -> StructgenCompiled:
        make = self._structgen.lark if notation == "lark" else self._structgen.gbnf
        return StructgenCompiled(make(text).bind(self._vocabulary))


class StructgenDefaultEngine(StructgenEngine):
    options: Mapping[str, Any] = MappingProxyType({})
