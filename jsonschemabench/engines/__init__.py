"""The engines that can be measured, by name.

``load`` imports an adapter only when asked for, so that any subset of peers will do.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from jsonschemabench.engines.base import Engine, EngineVocabulary
from jsonschemabench.errors import EngineMissingError, EngineUnknownError

__all__ = ["KNOWN", "EngineSpec", "load", "names"]


@dataclass(frozen=True)
class EngineSpec:
    """Where an adapter lives, what it imports and which extra installs that."""

    module: str
    class_name: str
    imports: str
    extra: str


def _peer(module: str, class_name: str, imports: str) -> EngineSpec:
    return EngineSpec(f"jsonschemabench.engines.{module}", class_name, imports, "structgen[bench]")


def _own(class_name: str) -> EngineSpec:
    return EngineSpec("jsonschemabench.engines.structgen_engine", class_name, "structgen", "structgen")


KNOWN: dict[str, EngineSpec] = {
    "structgen": _own("StructgenEngine"),
    "structgen-default": _own("StructgenDefaultEngine"),
    "llguidance": _peer("llguidance_engine", "LlguidanceEngine", "llguidance"),
    "xgrammar": _peer("xgrammar_engine", "XgrammarEngine", "xgrammar"),
    "xgrammar-compliant": _peer("xgrammar_engine", "XgrammarCompliantEngine", "xgrammar"),
    "outlines-core": _peer("outlines_engine", "OutlinesEngine", "outlines_core"),
    "lm-format-enforcer": _peer("lmfe_engine", "LmFormatEnforcerEngine", "lmformatenforcer"),
    "null": EngineSpec("jsonschemabench.engines.null_engine", "NullEngine", "numpy", "structgen"),
}
"""``null`` allows everything and does nothing: what it costs is the harness."""


def names() -> list[str]:
    return list(KNOWN)


def load(name: str, vocabulary: EngineVocabulary) -> Engine:
    """Start the engine ``name``, a key of ``KNOWN`` or ``module:Class``.

    Raises
    ------
    EngineMissingError : known, but its package is not installed
    EngineUnknownError : neither known nor importable
    """
    spec = KNOWN.get(name)
    if spec is not None:
        _require(name, spec)
        factory = getattr(importlib.import_module(spec.module), spec.class_name)
    else:
        factory = _custom(name)
    engine: Engine = factory(vocabulary)
    return engine


def check(name: str) -> None:
    """Raise what ``load`` would for a name that cannot be had, without starting the engine."""
    spec = KNOWN.get(name)
    if spec is None:
        _custom(name)
    else:
        _require(name, spec)


def _require(name: str, spec: EngineSpec) -> None:
    try:
        importlib.import_module(spec.imports)
    except ImportError as error:
        raise EngineMissingError(name, spec.extra, str(error)) from error


def _custom(name: str) -> type[Engine]:
    module, separator, class_name = name.partition(":")
    if not separator or not class_name:
        raise EngineUnknownError(name, names())
    try:
        factory: type[Engine] = getattr(importlib.import_module(module), class_name)
    except (ImportError, AttributeError) as error:
        raise EngineUnknownError(name, names(), str(error)) from error
    return factory
