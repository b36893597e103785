"""Engines whose every answer is known: they misbehave as the schema tells them to."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from jsonschemabench.engines.base import CompileOptions, EngineVocabulary, TokenRow


class TextsMatcher:
    """Allows exactly the prefixes of some byte strings; the slow, obvious way."""

    def __init__(self, texts: list[bytes], vocabulary: EngineVocabulary, unless: bytes = b"") -> None:
        self.texts = texts
        self.vocabulary = vocabulary
        self.unless = unless
        self.so_far = b""

    def _viable(self, data: bytes) -> bool:
        return any(text.startswith(data) for text in self.texts) and not (self.unless and self.unless in data)

    def fill_mask(self, row: TokenRow) -> None:
        row[:] = 0
        for token, spelling in enumerate(self.vocabulary.token_bytes):
            if spelling and self._viable(self.so_far + spelling):
                row[token >> 5] |= np.uint32(1 << (token & 31))

    def advance(self, token_id: int) -> bool:
        spelling = self.vocabulary.token_bytes[token_id]
        if not spelling or not self._viable(self.so_far + spelling):
            return False
        self.so_far += spelling
        return True

    def may_stop(self) -> bool:
        return self.so_far in self.texts


class TextsCompiled:
    def __init__(self, texts: list[bytes], vocabulary: EngineVocabulary, unless: bytes = b"") -> None:
        self.texts, self.vocabulary, self.unless = texts, vocabulary, unless

    def matcher(self) -> TextsMatcher:
        return TextsMatcher(self.texts, self.vocabulary, self.unless)


class TextsEngine:
    """The texts are in the schema under ``x-texts``."""

    version = "1"
    key = "x-texts"

    def __init__(self, vocabulary: EngineVocabulary) -> None:
        self.vocabulary = vocabulary

    def compile(self, schema: Any, options: CompileOptions) -> TextsCompiled:
        return TextsCompiled([text.encode() for text in schema[self.key]], self.vocabulary)

    def compile_grammar(self, text: str, notation: str) -> TextsCompiled:
        return TextsCompiled(text.encode().split(b"|"), self.vocabulary)


class OtherTextsEngine(TextsEngine):
    """The same with a list of its own, so that two engines can differ."""

    key = "x-other-texts"


class DeadEndEngine(TextsEngine):
    """Opens texts that it then does not let through: after ``!`` nothing is allowed."""

    def compile(self, schema: Any, options: CompileOptions) -> TextsCompiled:
        return TextsCompiled([text.encode() for text in schema[self.key]], self.vocabulary, unless=b"!")


class EmptyError(Exception):
    pass


class MisbehavingEngine(TextsEngine):
    """``do`` in the schema: hang, crash, eat memory, refuse, say that nothing fits, or raise in the middle."""

    def is_unsatisfiable(self, error: Exception) -> bool:
        return isinstance(error, EmptyError)

    def compile(self, schema: Any, options: CompileOptions) -> TextsCompiled:
        what = schema.get("do")
        if what == "hang":
            time.sleep(3600)
        if what == "crash":
            os._exit(11)
        if what == "eat":
            self.eaten = [np.ones(1 << 21) for _ in range(512)]
        if what == "refuse":
            raise ValueError("not this one")
        if what == "nothing":
            raise EmptyError("no document")
        if what == "raise later":
            return RaisingCompiled([b"1"], self.vocabulary)
        return TextsCompiled([b"1"], self.vocabulary)


class RaisingMatcher(TextsMatcher):
    def advance(self, token_id: int) -> bool:
        raise RuntimeError("out of fuel")


class RaisingCompiled(TextsCompiled):
    def matcher(self) -> RaisingMatcher:
        return RaisingMatcher(self.texts, self.vocabulary)


class BusyEngine(TextsEngine):
    """Compiles for ``busy`` seconds of the processor, or sleeps through ``asleep`` seconds of the clock."""

    def compile(self, schema: Any, options: CompileOptions) -> TextsCompiled:
        until = time.process_time() + schema.get("busy", 0.0)
        while time.process_time() < until:
            pass
        time.sleep(schema.get("asleep", 0.0))
        return TextsCompiled([b"1"], self.vocabulary)


class CompletingMatcher(TextsMatcher):
    """Can say how the text ends; with ``!`` in it, the end is one that its masks forbid."""

    def completion(self) -> list[int]:
        rest = next(text for text in self.texts if text.startswith(self.so_far))[len(self.so_far) :]
        ids = {spelling: token for token, spelling in enumerate(self.vocabulary.token_bytes) if spelling}
        return [ids[rest[i : i + 1]] for i in range(len(rest))]


class CompletingCompiled(TextsCompiled):
    def matcher(self) -> CompletingMatcher:
        return CompletingMatcher(self.texts, self.vocabulary, self.unless)


class CompletingEngine(TextsEngine):
    def compile(self, schema: Any, options: CompileOptions) -> CompletingCompiled:
        unless = schema.get("x-unless", "").encode()
        return CompletingCompiled([text.encode() for text in schema[self.key]], self.vocabulary, unless)
