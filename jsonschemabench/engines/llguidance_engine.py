"""llguidance through ``LLMatcher``, masks written straight into the caller's row.

One matcher is built at compile time and copied for each sequence, as MaskBench does.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import llguidance

from jsonschemabench.engines.base import CompileOptions, EngineVocabulary, RowPointer, TokenRow

__all__ = ["LlguidanceEngine", "LlguidanceRefusal"]


class LlguidanceRefusal(Exception):
    """The engine's own message; llguidance reports errors as text, not exceptions."""


class LlguidanceMatcher:
    __slots__ = ("_pointer", "advance", "may_stop", "native")

    def __init__(self, matcher: Any, pointer: RowPointer) -> None:
        self.native = matcher
        self._pointer = pointer
        self.advance = matcher.consume_token
        self.may_stop = matcher.is_accepting

    def fill_mask(self, row: TokenRow) -> None:
        pointer = self._pointer
        if pointer.row is not row:
            pointer.point_at(row)
        self.native.unsafe_compute_mask_ptr(pointer.address, pointer.n_bytes)


class LlguidanceCompiled:
    def __init__(self, matcher: Any, pointer: RowPointer) -> None:
        self.native = matcher
        self._pointer = pointer

    def matcher(self) -> LlguidanceMatcher:
        return LlguidanceMatcher(self.native.deep_copy(), self._pointer)


class LlguidanceEngine:
    def __init__(self, vocabulary: EngineVocabulary) -> None:
        self.version = version("llguidance")
        text = vocabulary.path.read_text(encoding="utf-8")
        self._tokenizer = llguidance.LLTokenizer(text, eos_token=list(vocabulary.eos_ids))
        self._pointer = RowPointer()

    def compile(self, schema: Any, options: CompileOptions) -> LlguidanceCompiled:
        return self._build(llguidance.LLMatcher.grammar_from_json_schema(json.dumps(schema)))

    def compile_grammar(self, text: str, notation: str) -> LlguidanceCompiled:
        if notation == "gbnf":
            from llguidance.gbnf_to_lark import any_to_lark

            text = any_to_lark(text)
        return self._build(llguidance.LLMatcher.grammar_from_lark(text))

    def is_unsatisfiable(self, error: Exception) -> bool:
        return "unsatisfiable schema" in str(error).lower()

    def _build(self, grammar: str) -> LlguidanceCompiled:
        matcher = llguidance.LLMatcher(self._tokenizer, grammar, log_level=0)
        if matcher.is_error():
            raise LlguidanceRefusal(matcher.get_error())
        return LlguidanceCompiled(matcher, self._pointer)
