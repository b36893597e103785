"""lm-format-enforcer: character-level parsers walked over a prefix tree of tokens.

It keeps its state by the tuple of all tokens so far, so a mask is asked for with the whole
sequence; its bit masks are torch tensors, copied into the caller's row.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
from lmformatenforcer import JsonSchemaParser, TokenEnforcer, TokenEnforcerTokenizerData

from jsonschemabench.engines.base import CompileOptions, EngineVocabulary, TokenRow

__all__ = ["LmFormatEnforcerEngine"]


class LmfeMatcher:
    __slots__ = ("_enforcer", "_eos", "_tokens")

    def __init__(self, enforcer: Any, eos: int) -> None:
        self._enforcer = enforcer
        self._eos = eos
        self._tokens: list[int] = []

    def fill_mask(self, row: TokenRow) -> None:
        allowed = self._enforcer.get_allowed_tokens(self._tokens).allowed_tokens
        row[:] = allowed.numpy().view(np.uint32)

    def advance(self, token_id: int) -> bool:
        if not self._enforcer.get_allowed_tokens(self._tokens).is_token_allowed(token_id):
            return False
        self._tokens.append(token_id)
        return True

    def may_stop(self) -> bool:
        return bool(self._enforcer.get_allowed_tokens(self._tokens).is_token_allowed(self._eos))


class LmfeCompiled:
    def __init__(self, data: Any, schema: Any, eos: int) -> None:
        self._data = data
        self._schema = schema
        self._eos = eos
        # Built once here so that a refused schema is refused by compile.
        self._first: Any = TokenEnforcer(data, JsonSchemaParser(schema))

    def enforcer(self) -> Any:
        """An enforcer of its own for each sequence, since it remembers every prefix it saw."""
        enforcer, self._first = self._first, None
        return enforcer or TokenEnforcer(self._data, JsonSchemaParser(self._schema))

    def matcher(self) -> LmfeMatcher:
        return LmfeMatcher(self.enforcer(), self._eos)


class LmFormatEnforcerEngine:
    def __init__(self, vocabulary: EngineVocabulary) -> None:
        self.version = version("lm-format-enforcer")
        token_bytes = vocabulary.token_bytes
        regular = [
            (token, spelling.decode("utf-8", "replace"), spelling.startswith(b" "))
            for token, spelling in enumerate(token_bytes)
            if spelling
        ]

        def decode(ids: list[int]) -> str:
            return b"".join(token_bytes[token] for token in ids).decode("utf-8", "replace").rstrip("�")

        self._eos = vocabulary.eos_ids[0]
        self._data = TokenEnforcerTokenizerData(regular, decode, list(vocabulary.eos_ids), True, vocabulary.n_tokens)

    def compile(self, schema: Any, options: CompileOptions) -> LmfeCompiled:
        return LmfeCompiled(self._data, schema, self._eos)

    def compile_grammar(self, text: str, notation: str) -> LmfeCompiled:
        raise NotImplementedError("lm-format-enforcer has no grammars")
