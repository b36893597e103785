"""structgen through its public interface, in any property order and with any whitespace."""

from __future__ import annotations

from typing import Any

from jsonschemabench.conditions import own_version
from jsonschemabench.engines.base import CompileOptions, EngineVocabulary, TokenRow

__all__ = ["StructgenEngine"]


class StructgenMatcher:
    __slots__ = ("_matcher", "advance", "fill_mask")

    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher
        self.fill_mask = matcher.fill_mask
        self.advance = matcher.try_advance

    def may_stop(self) -> bool:
        return bool(self._matcher.is_accepting)


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
        self._warm_up(vocabulary)

    def _warm_up(self, vocabulary: EngineVocabulary) -> None:
        """Load every compiled kernel before a clock runs; just-in-time compilation is not schema compilation."""
        import numpy as np

        row: TokenRow = np.zeros(vocabulary.n_words, dtype=np.uint32)
        schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": ["number", "string"]}}}}
        matcher = self.compile(schema, CompileOptions()).matcher()
        for token in self._vocabulary.encode_bytes(b'{"a": [1, "b", -2.5e3], "c\\u00e9": {"d": null}}'):
            matcher.fill_mask(row)
            matcher.advance(token)

    def compile(self, schema: Any, options: CompileOptions) -> StructgenCompiled:
        extra: dict[str, Any] = {"registry": options.registry} if options.registry else {}
        constraint = self._structgen.json_schema(schema, property_order="any", whitespace="any", **extra)
        return StructgenCompiled(constraint.bind(self._vocabulary))

    def compile_grammar(self, text: str, notation: str) -> StructgenCompiled:
        make = self._structgen.lark if notation == "lark" else self._structgen.gbnf
        return StructgenCompiled(make(text).bind(self._vocabulary))
