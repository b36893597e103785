"""An engine that allows everything and does nothing; timing it shows the harness's own cost."""

from __future__ import annotations

from typing import Any

from jsonschemabench.engines.base import CompileOptions, EngineVocabulary, TokenRow

__all__ = ["NullEngine"]


class LastRow:
    """The row that already allows everything."""

    __slots__ = ("row",)

    def __init__(self) -> None:
        self.row: TokenRow | None = None


class NullMatcher:
    __slots__ = ("_last",)

    def __init__(self, last: LastRow) -> None:
        self._last = last

    def fill_mask(self, row: TokenRow) -> None:
        last = self._last
        if last.row is not row:
            last.row = row
            row.fill(0xFFFFFFFF)

    def advance(self, token_id: int) -> bool:
        return True

    def may_stop(self) -> bool:
        return True


class NullCompiled:
    def __init__(self, last: LastRow) -> None:
        self._last = last

    def matcher(self) -> NullMatcher:
        return NullMatcher(self._last)


class NullEngine:
    version = "0"

    def __init__(self, vocabulary: EngineVocabulary) -> None:
        self._last = LastRow()

    def compile(self, schema: Any, options: CompileOptions) -> NullCompiled:
        return NullCompiled(self._last)

    def compile_grammar(self, text: str, notation: str) -> NullCompiled:
        return NullCompiled(self._last)
