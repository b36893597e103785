"""Documents whose verdict is known beforehand, tried on every engine by itself."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jsonschemabench.cases import instance_text
from jsonschemabench.exact.findings import Finding
from jsonschemabench.exact.spelling import broken_spellings, retokenize, valid_spellings
from jsonschemabench.exact.task import Examination
from jsonschemabench.measure import Timings, walk
from jsonschemabench.tokens import Tokenizer

__all__ = ["try_spellings"]


def try_spellings(examination: Examination, value: Any) -> None:
    """Every spelling of a valid value must be accepted, every broken one refused.

    Where an engine rejects even the plain spelling, the other spellings say nothing new.
    """
    plain = instance_text(value)
    tokenizer = examination.bench.tokenizer
    tokens = tokenizer.encode(plain)
    taking = [name for name in examination.compiled if _must_accept(examination, name, "instance", plain, tokens)]
    for name, text in valid_spellings(value, examination.rng):
        for engine in taking:
            _must_accept(examination, engine, name, text, tokenizer.encode(text))
    for _ in range(examination.settings.splits):
        split = retokenize(plain.encode(), *_spellers(tokenizer), examination.rng)
        for engine in taking:
            if split:
                _must_accept(examination, engine, "split into tokens", plain, split)
    for name, text in broken_spellings(value):
        if examination.judge.document(text.encode()).verdict == "invalid":
            for engine in taking:
                _must_reject(examination, engine, name, text, tokenizer.encode(text))


@lru_cache(maxsize=2)
def _spellers(tokenizer: Tokenizer) -> tuple[dict[bytes, int], int]:
    ids = {spelling: token for token, spelling in enumerate(tokenizer.vocabulary.token_bytes) if spelling}
    return ids, max(map(len, ids))


def _must_accept(examination: Examination, engine: str, cause: str, text: str, tokens: list[int]) -> bool:
    result = walk(examination.compiled[engine].matcher(), examination.rows[engine], tokens, Timings())
    examination.count("valid documents tried")
    if result.accepted:
        return True
    if result.error:
        examination.add(Finding(engine, "error", result.error.split(":")[0], text, judged=result.error))
        return False
    taken = examination.decode(tokens[: result.allowed]).decode("utf-8", "backslashreplace")
    refused = examination.decode(tokens[result.allowed : result.allowed + 1]).decode("utf-8", "backslashreplace")
    fault = "disagreement" if result.disagreements else "over"
    judged = "valid by its label" if result.allowed < len(tokens) else "valid by its label; the engine may not stop"
    examination.add(Finding(engine, fault, cause, text, prefix=taken[-80:], token=refused, judged=judged))
    return False


def _must_reject(examination: Examination, engine: str, cause: str, text: str, tokens: list[int]) -> None:
    result = walk(examination.compiled[engine].matcher(), examination.rows[engine], tokens, Timings())
    examination.count("invalid documents tried")
    if result.accepted:
        judged = examination.judge.document(text.encode())
        examination.add(Finding(engine, "under", cause, text, judged=judged.reason))
