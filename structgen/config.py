"""Defaults for everything that is not said at the call: model, sampler, budget.

One immutable ``Defaults`` per process, replaced as a whole, so that threads never see half
of a change. The default model is made when first needed and then kept.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from structgen.samplers.protocol import LanguageModel, Sampler

__all__ = ["Defaults", "configure", "defaults", "resolve_model", "resolve_sampler"]

UNSET: Any = object()


@dataclass(frozen=True)
class Defaults:
    """What a call falls back to.

    Parameters
    ----------
    model : None is the embedded SmolLM2
    sampler : None is masking at temperature 0
    max_tokens : budget of tokens per output
    schema_in_prompt : whether the prompt ends with the form of the answer
    retries : further attempts after the type's own validators refused
    seed : None draws a fresh one for each call
    """

    model: LanguageModel | None = None
    sampler: Sampler | None = None
    max_tokens: int = 512
    schema_in_prompt: bool = True
    retries: int = 0
    seed: int | None = None


_current = Defaults()
_lock = threading.Lock()
_embedded: list[LanguageModel] = []


def defaults() -> Defaults:
    """The defaults in force."""
    return _current


class _Restore:
    """What ``configure`` returns: as a context manager it puts the old defaults back."""

    def __init__(self, before: Defaults) -> None:
        self._before = before

    def __enter__(self) -> Defaults:
        return defaults()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        global _current
        with _lock:
            _current = self._before


def configure(
    *,
    model: LanguageModel | str | None = UNSET,
    sampler: Sampler | None = UNSET,
    max_tokens: int = UNSET,
    schema_in_prompt: bool = UNSET,
    retries: int = UNSET,
    seed: int | None = UNSET,
) -> _Restore:
    """Change the defaults of this process; what is not named stays.

    ``with configure(...):`` restores the old ones at the end of the block. ``model`` may be
    a hub id or a folder, which is loaded now.

    Raises
    ------
    ModelError : the model cannot be loaded
    ValueError : a budget below 1, or fewer than 0 retries
    """
    global _current
    given: dict[str, Any] = {
        "model": _loaded(model) if isinstance(model, str) else model,
        "sampler": sampler,
        "max_tokens": max_tokens,
        "schema_in_prompt": schema_in_prompt,
        "retries": retries,
        "seed": seed,
    }
    changes = {name: value for name, value in given.items() if value is not UNSET}
    if changes.get("max_tokens", 1) < 1 or changes.get("retries", 0) < 0:
        raise ValueError("max_tokens must be at least 1, retries at least 0")
    with _lock:
        before = _current
        _current = replace(before, **changes)
    return _Restore(before)


def resolve_model(model: LanguageModel | str | None) -> LanguageModel:
    """The model of a call: given, configured, or the embedded one (loaded once, seconds)."""
    if isinstance(model, str):
        return _loaded(model)
    chosen = model if model is not None else defaults().model
    if chosen is not None:
        return chosen
    with _lock:
        if not _embedded:
            from structgen.models.transformers import Transformers

            _embedded.append(Transformers())
        return _embedded[0]


def resolve_sampler(sampler: Sampler | None) -> Sampler:
    """The sampler of a call: given, configured, or greedy masking."""
    chosen = sampler if sampler is not None else defaults().sampler
    if chosen is not None:
        return chosen
    from structgen.samplers.masking import Masking

    made: Sampler = Masking(temperature=0)
    return made


def _loaded(name: str) -> LanguageModel:
    from structgen.models.transformers import Transformers

    model: LanguageModel = Transformers(name)
    return model
