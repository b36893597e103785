"""outlines-core: JSON Schema to one regular expression, indexed over the whole vocabulary."""

from __future__ import annotations

import json
from collections import defaultdict
from importlib.metadata import version
from typing import Any

from outlines_core import Guide, Index, Vocabulary
from outlines_core.json_schema import build_regex_from_schema

from jsonschemabench.engines.base import CompileOptions, EngineVocabulary, RowPointer, TokenRow

__all__ = ["OutlinesEngine"]

_WHITESPACE = r"[\x20\x0A\x0D\x09]*"
"""JSON's own whitespace; the default allows one space at most."""


class OutlinesMatcher:
    __slots__ = ("_guide", "_pointer", "may_stop")

    def __init__(self, guide: Any, pointer: RowPointer) -> None:
        self._guide = guide
        self._pointer = pointer
        self.may_stop = guide.is_finished

    def fill_mask(self, row: TokenRow) -> None:
        pointer = self._pointer
        if pointer.row is not row:
            pointer.point_at(row)
        self._guide.write_mask_into(pointer.address, row.size, 4)

    def advance(self, token_id: int) -> bool:
        try:
            self._guide.advance(token_id, False)
        except ValueError:  # the engine's way of saying no
            return False
        return True


class OutlinesCompiled:
    def __init__(self, index: Any, pointer: RowPointer) -> None:
        self._index = index
        self._pointer = pointer

    def matcher(self) -> OutlinesMatcher:
        return OutlinesMatcher(Guide(self._index), self._pointer)


class OutlinesEngine:
    def __init__(self, vocabulary: EngineVocabulary) -> None:
        self.version = version("outlines-core")
        ids: dict[bytes, list[int]] = defaultdict(list)
        for token, spelling in enumerate(vocabulary.token_bytes):
            if spelling:
                ids[spelling].append(token)
        self._vocabulary = Vocabulary(vocabulary.eos_ids[0], dict(ids))
        self._pointer = RowPointer()

    def compile(self, schema: Any, options: CompileOptions) -> OutlinesCompiled:
        pattern = build_regex_from_schema(json.dumps(schema), _WHITESPACE)
        return OutlinesCompiled(Index(pattern, self._vocabulary), self._pointer)

    def compile_grammar(self, text: str, notation: str) -> OutlinesCompiled:
        raise NotImplementedError("outlines-core has no grammars")
