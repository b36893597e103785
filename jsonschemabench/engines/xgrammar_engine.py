"""xgrammar as shipped (strict mode, fixed separators) and as the JSON Schema standard asks.

MaskBench calls the second "compliant": ``strict_mode=False, any_whitespace=True``. Its
default is ``strict_mode=True, any_whitespace=False``, the separators of ``json.dumps``.
The compiler is made as MaskBench makes it: one thread, its cache on, which also keeps parts
that schemas share. The cache is bounded, so that a long run does not end at the memory limit.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import xgrammar

from jsonschemabench.engines.base import CompileOptions, EngineVocabulary, TokenRow

__all__ = ["XgrammarCompliantEngine", "XgrammarEngine"]

_CACHE_BYTES = 2 << 30


class BatchView:
    """The last row as the int32 batch of one that xgrammar takes."""

    __slots__ = ("batch", "row")

    def __init__(self) -> None:
        self.row: TokenRow | None = None
        self.batch: npt.NDArray[np.int32] | None = None


class XgrammarMatcher:
    __slots__ = ("_fill", "_view", "advance", "may_stop", "native")

    def __init__(self, matcher: Any, view: BatchView) -> None:
        self.native = matcher
        self._fill = matcher.fill_next_token_bitmask
        self._view = view
        self.advance = matcher.accept_token
        self.may_stop = matcher.is_completed

    def fill_mask(self, row: TokenRow) -> None:
        view = self._view
        if view.row is not row:
            view.row = row
            view.batch = row.view(np.int32).reshape(1, -1)
        self._fill(view.batch)


class XgrammarCompiled:
    def __init__(self, compiled: Any, view: BatchView) -> None:
        self.native = compiled
        self._view = view

    def matcher(self) -> XgrammarMatcher:
        return XgrammarMatcher(xgrammar.GrammarMatcher(self.native), self._view)


class XgrammarEngine:
    any_whitespace = False
    strict_mode = True

    def __init__(self, vocabulary: EngineVocabulary) -> None:
        self.version = version("xgrammar")
        # A special token has no text; an empty entry is what xgrammar treats as special.
        info = xgrammar.TokenizerInfo(
            list(vocabulary.token_bytes), xgrammar.VocabType.RAW, stop_token_ids=list(vocabulary.eos_ids)
        )
        self._compiler = xgrammar.GrammarCompiler(info, max_threads=1, cache_limit_bytes=_CACHE_BYTES)
        self._view = BatchView()

    def compile(self, schema: Any, options: CompileOptions) -> XgrammarCompiled:
        text = json.dumps(schema)
        compiled = self._compiler.compile_json_schema(
            text, any_whitespace=self.any_whitespace, strict_mode=self.strict_mode
        )
        return XgrammarCompiled(compiled, self._view)

    def compile_grammar(self, text: str, notation: str) -> XgrammarCompiled:
        if notation == "lark":
            return XgrammarCompiled(self._compiler.compile_lark(text), self._view)
        return XgrammarCompiled(self._compiler.compile_grammar(text), self._view)


class XgrammarCompliantEngine(XgrammarEngine):
    any_whitespace = True
    strict_mode = False
