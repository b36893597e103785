"""structgen: what a language model writes, guaranteed to fit a schema, a grammar, a regex or a type.

::

    type, JSON Schema, grammar, regex  -> frontends     one notation each
                                       -> ir            what may be generated
                                       -> automata      byte machines; no tokenizer yet
                                       -> masks         bytes meet tokens
                                       -> samplers      the first meeting with probability
                                       -> models        the only place that knows torch
                                       -> objects       the typed result

Three objects carry the flow: a ``Constraint`` (what may be generated) ``.bind(vocabulary)``
gives a ``TokenConstraint`` (immutable, shared), whose ``.start()`` gives a ``Matcher`` (small,
mutable, one per sequence). Above them, ``generate`` turns a typed Python function into one
whose value a model writes.

Everything listed in ``__all__`` is public and loaded when first used, so that importing the
package costs milliseconds and needs neither torch nor a compiler.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_MODULES = {
    "structgen.config": ["configure"],
    "structgen.constraint": ["Constraint", "TokenConstraint", "choice", "regex"],
    "structgen.decorator": ["generate"],
    "structgen.errors": [
        "ConstraintError",
        "DeadEndError",
        "GrammarSyntaxError",
        "IncompleteError",
        "LimitError",
        "ModelError",
        "MonitorError",
        "ObjectError",
        "PredicateError",
        "PromptError",
        "RegexSyntaxError",
        "RejectedTokenError",
        "SchemaError",
        "StructgenError",
        "TypeSupportError",
        "UnsatisfiableError",
        "UnsupportedError",
        "VocabularyError",
    ],
    "structgen.frontends.pytypes": ["Choice", "Lark", "Regex"],
    "structgen.functions": ["AsyncFunction", "Bound", "Function", "batch"],
    "structgen.generation": ["Generation"],
    "structgen.filling": ["fill_in"],
    "structgen.grammar_constraint": ["Tag", "gbnf", "lark", "structural_tags"],
    "structgen.json_constraint": ["json_schema"],
    "structgen.masks.matcher": ["Matcher"],
    "structgen.monitored_constraint": ["monitored"],
    "structgen.potentials": ["predicate", "product"],
    "structgen.prompts": ["prompt"],
    "structgen.report": ["check"],
    "structgen.vocab.vocabulary": ["Vocabulary"],
    "structgen.warming": ["warm_up"],
}
_SUBPACKAGES = ["grammars", "integrations", "models", "monitors", "potentials", "samplers"]
_RENAMED = {"type": ("structgen.objects", "type_constraint")}

_WHERE = {
    **{name: (module, name) for module, names in _MODULES.items() for name in names},
    **{name: (f"structgen.{name}", "") for name in _SUBPACKAGES},
    **_RENAMED,
}

if TYPE_CHECKING:
    from structgen import grammars as grammars
    from structgen import integrations as integrations
    from structgen import models as models
    from structgen import monitors as monitors
    from structgen import potentials as potentials
    from structgen import samplers as samplers
    from structgen.config import configure as configure
    from structgen.constraint import Constraint as Constraint
    from structgen.constraint import TokenConstraint as TokenConstraint
    from structgen.constraint import choice as choice
    from structgen.constraint import regex as regex
    from structgen.decorator import generate as generate
    from structgen.errors import ConstraintError as ConstraintError
    from structgen.errors import DeadEndError as DeadEndError
    from structgen.errors import GrammarSyntaxError as GrammarSyntaxError
    from structgen.errors import IncompleteError as IncompleteError
    from structgen.errors import LimitError as LimitError
    from structgen.errors import ModelError as ModelError
    from structgen.errors import MonitorError as MonitorError
    from structgen.errors import ObjectError as ObjectError
    from structgen.errors import PredicateError as PredicateError
    from structgen.errors import PromptError as PromptError
    from structgen.errors import RegexSyntaxError as RegexSyntaxError
    from structgen.errors import RejectedTokenError as RejectedTokenError
    from structgen.errors import SchemaError as SchemaError
    from structgen.errors import StructgenError as StructgenError
    from structgen.errors import TypeSupportError as TypeSupportError
    from structgen.errors import UnsatisfiableError as UnsatisfiableError
    from structgen.errors import UnsupportedError as UnsupportedError
    from structgen.errors import VocabularyError as VocabularyError
    from structgen.filling import fill_in as fill_in
    from structgen.frontends.pytypes import Choice as Choice
    from structgen.frontends.pytypes import Lark as Lark
    from structgen.frontends.pytypes import Regex as Regex
    from structgen.functions import AsyncFunction as AsyncFunction
    from structgen.functions import Bound as Bound
    from structgen.functions import Function as Function
    from structgen.functions import batch as batch
    from structgen.generation import Generation as Generation
    from structgen.grammar_constraint import Tag as Tag
    from structgen.grammar_constraint import gbnf as gbnf
    from structgen.grammar_constraint import lark as lark
    from structgen.grammar_constraint import structural_tags as structural_tags
    from structgen.json_constraint import json_schema as json_schema
    from structgen.masks.matcher import Matcher as Matcher
    from structgen.monitored_constraint import monitored as monitored
    from structgen.objects import type_constraint as type
    from structgen.potentials import predicate as predicate
    from structgen.potentials import product as product
    from structgen.prompts import prompt as prompt
    from structgen.report import check as check
    from structgen.vocab.vocabulary import Vocabulary as Vocabulary
    from structgen.warming import warm_up as warm_up

__all__ = [
    "AsyncFunction",
    "Bound",
    "Choice",
    "Constraint",
    "ConstraintError",
    "DeadEndError",
    "Function",
    "Generation",
    "GrammarSyntaxError",
    "IncompleteError",
    "Lark",
    "LimitError",
    "Matcher",
    "ModelError",
    "MonitorError",
    "ObjectError",
    "PredicateError",
    "PromptError",
    "Regex",
    "RegexSyntaxError",
    "RejectedTokenError",
    "SchemaError",
    "StructgenError",
    "Tag",
    "TokenConstraint",
    "TypeSupportError",
    "UnsatisfiableError",
    "UnsupportedError",
    "Vocabulary",
    "VocabularyError",
    "batch",
    "check",
    "choice",
    "configure",
    "fill_in",
    "gbnf",
    "generate",
    "grammars",
    "integrations",
    "json_schema",
    "lark",
    "models",
    "monitored",
    "monitors",
    "potentials",
    "predicate",
    "product",
    "prompt",
    "regex",
    "samplers",
    "structural_tags",
    "type",
    "warm_up",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'structgen' has no attribute {name!r}")
    module_name, attribute = _WHERE[name]
    module = importlib.import_module(module_name)
    value = getattr(module, attribute) if attribute else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
