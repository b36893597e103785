"""Check a schema, grammar or type for generation: is it sound, and what of it is enforced?

The steps, each of which stops the next where it must: well-formed JSON (with line and
column), the metaschema of its draft, references, then compiling, which tells for every
keyword occurrence how it is enforced or why not.
"""

from __future__ import annotations

import difflib
import importlib
import json
import re
from pathlib import Path
from time import perf_counter
from typing import Any

from structgen.constraint import Constraint
from structgen.errors import (
    ConstraintError,
    GrammarSyntaxError,
    LimitError,
    RegexSyntaxError,
    SchemaError,
    StructgenError,
    TypeSupportError,
    UnsatisfiableError,
    UnsupportedError,
    VocabularyError,
)
from structgen.frontends.pytypes import schema_of
from structgen.grammar_constraint import lark
from structgen.json_constraint import json_schema
from structgen.report.conflicts import conflicts
from structgen.report.findings import CheckReport, Finding
from structgen.report.locate import Locations, locate
from structgen.report.mask_stats import cost_of, mask_statistics
from structgen.report.probe import draw_texts, explain, first_mask
from structgen.report.references import KNOWN_KEYWORDS, broken_references, subschemas
from structgen.report.targets import complaints
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["Checker", "check", "check_source", "load_type"]

_RULE_OF_ERROR: list[tuple[type[StructgenError], str]] = [
    (GrammarSyntaxError, "SG120"),
    (RegexSyntaxError, "SG105"),
    (TypeSupportError, "SG110"),
    (UnsupportedError, "SG201"),
    (UnsatisfiableError, "SG202"),
    (SchemaError, "SG103"),
    (LimitError, "SG401"),
    (VocabularyError, "SG403"),
]


def check(schema: Any) -> CheckReport:
    """Whether a schema can be enforced, and how each of its keywords is.

    Parameters
    ----------
    schema : a JSON Schema (dict or bool), its JSON text, or a Python type

    Examples
    --------
    >>> check({"type": "integer", "minimum": "3"}).findings[0].rule
    'SG103'
    """
    if isinstance(schema, str):
        return check_source(schema, "schema")
    checker = Checker("schema")
    if isinstance(schema, dict | bool):
        checker.check_schema(schema)
    else:
        checker.report.source = getattr(schema, "__name__", repr(schema))
        checker.check_type(schema)
    return checker.report


def check_source(text: str, source: str, *, notation: str = "json") -> CheckReport:
    """Check a text; ``notation`` is "json" or "lark"."""
    checker = Checker(source)
    if notation == "lark":
        checker.check_grammar(text)
    else:
        checker.check_text(text)
    return checker.report


def load_type(name: str) -> Any:
    """The object that ``package.module:Name`` names.

    Raises
    ------
    TypeSupportError : no such module or name
    """
    module_name, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise TypeSupportError(
            f"cannot load {name}: {error}", type_name=name, hint="write package.module:Name"
        ) from None
    return found


class Checker:
    """One check of one source; holds the report it fills and what later questions need."""

    def __init__(self, source: str) -> None:
        self.report = CheckReport(source)
        self.locations: Locations | None = None
        self.schema: Any = None
        self.constraint: Constraint | None = None
        self._made_here = False

    def add(self, rule: str, message: str, *, pointer: str | None = None, **more: Any) -> None:
        """Add a finding; its position comes from the pointer where the text is known."""
        if self.locations is not None and pointer is not None and "line" not in more:
            more["line"], more["column"] = self.locations.line_column(pointer)
        self.report.findings.append(Finding(rule, message, self.report.source, pointer, **more))

    def check_text(self, text: str) -> None:
        """Check the JSON text of a schema."""
        try:
            schema = json.loads(text)
        except json.JSONDecodeError as error:
            self.add("SG101", f"not well-formed JSON: {error.msg}", line=error.lineno, column=error.colno)
            return
        except RecursionError:
            self.add("SG401", "the JSON is nested too deeply to be read", line=1, column=1)
            return
        self.locations = locate(text)
        for pointer in self.locations.duplicates:
            self.add("SG102", "this property is written more than once; the last one counts", pointer=pointer)
        self.check_schema(schema)

    def check_type(self, target: Any) -> None:
        """Check a Python type."""
        self._made_here = True
        try:
            schema = schema_of(target)
        except TypeSupportError as error:
            self.add_error(error)
            return
        self.check_schema(schema)

    def check_grammar(self, text: str) -> None:
        """Check a Lark grammar."""
        self._compile(lambda: lark(text))

    def check_schema(self, schema: Any) -> None:
        """Check a schema that is already loaded."""
        self.schema = schema
        if self._metaschema(schema) and self._references(schema):
            if not self._made_here:
                self._misspellings(schema)
            self._compile(lambda: json_schema(schema))
            if not self._made_here:
                self._conflicts(schema)

    def add_samples(self, n: int, *, seed: int = 0) -> None:
        """Draw samples and validate each again with an independent validator."""
        if self.constraint is None:
            return
        try:
            self.report.samples = draw_texts(self.constraint, n, seed=seed)
        except StructgenError as error:
            self.add_error(error)
            return
        for sample in self.report.samples if self.schema is not None else []:
            complaint = _complaint(self.schema, json.loads(sample))
            if complaint is not None:
                self.add("SG502", f"the sample {sample} does not validate: {complaint}")

    def add_explanation(self, text: str) -> None:
        """Say where ``text`` is refused, if it is."""
        if self.constraint is not None:
            refusal = explain(self.constraint, text)
            if refusal is not None:
                self.add("SG503", str(refusal))

    def add_instance(self, text: str, name: str) -> None:
        """Validate a document against the schema, by an independent validator and by the automaton."""
        if self.constraint is None or self.schema is None:
            return
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            self.report.findings.append(
                Finding("SG501", f"not well-formed JSON: {error.msg}", name, None, error.lineno, error.colno)
            )
            return
        complaint = _complaint(self.schema, document)
        if complaint is None:
            # Order and blanks of a document are its author's affair.
            free = json_schema(self.schema, property_order="any", whitespace="any")
            refusal = explain(free, text.strip())
            complaint = None if refusal is None else str(refusal)
        if complaint is not None:
            self.report.findings.append(Finding("SG501", f"the document is not accepted: {complaint}", name))

    def add_target(self, target: str) -> None:
        """Say what another engine would make of the schema; see ``targets``."""
        if self.schema is None or self.constraint is None:
            return
        for complaint in complaints(self.schema, target):
            rule = "SG601" if complaint.verdict == "refuses" else "SG602"
            note = f" ({complaint.note})" if complaint.note else ""
            message = f"{target} {complaint.verdict} {complaint.keyword!r}{note}"
            self.add(rule, message, pointer=complaint.pointer, keyword=complaint.keyword)

    def add_mask_statistics(self, vocabulary: Vocabulary, name: str, *, n: int = 3, seed: int = 0) -> None:
        """Measure masks under a vocabulary, along a few random texts of the constraint."""
        if self.constraint is None:
            return
        try:
            texts = draw_texts(self.constraint, n, seed=seed)
            self.report.masks = {"tokenizer": name} | mask_statistics(self.constraint, vocabulary, texts)
        except StructgenError as error:
            self.add_error(error)

    def limit_states(self, limit: int) -> None:
        """A finding where compiling took more states than ``limit``."""
        states = self.report.cost.get("states", 0)
        if states > limit:
            self.add(
                "SG401", f"compiling took {states} states; the limit is {limit}", hint="simplify, or raise the limit"
            )

    def add_error(self, error: StructgenError) -> None:
        """The finding that an error stands for."""
        rule = next((rule for kind, rule in _RULE_OF_ERROR if isinstance(error, kind)), "SG202")
        if isinstance(error, LimitError) and error.what == "seconds":
            rule = "SG402"
        more: dict[str, Any] = {"hint": error.hint, "keyword": getattr(error, "keyword", None)}
        pointer = getattr(error, "pointer", None)
        position = error.line_column if isinstance(error, ConstraintError) else None
        if position is not None and self.locations is None:
            more["line"], more["column"] = position
        self.add(rule, error.message, pointer=pointer, **more)

    def _metaschema(self, schema: Any) -> bool:
        from jsonschema import Draft202012Validator
        from jsonschema.validators import validator_for

        if not isinstance(schema, dict | bool):
            self.add("SG103", "a schema is an object, true or false", pointer="")
            return False
        kind = validator_for(schema, default=Draft202012Validator)
        errors = list(kind(kind.META_SCHEMA).iter_errors(schema))
        for error in errors:
            self.add(
                "SG103", _shortened(error.message), pointer="".join(f"/{_escaped(p)}" for p in error.absolute_path)
            )
        return not errors

    def _references(self, schema: Any) -> bool:
        broken = list(broken_references(schema))
        for pointer, target in broken:
            self.add("SG104", f"the reference {target!r} does not resolve", pointer=pointer, keyword="$ref")
        return not broken

    def _misspellings(self, schema: Any) -> None:
        for pointer, current in subschemas(schema):
            for keyword in current:
                close = difflib.get_close_matches(keyword, KNOWN_KEYWORDS, 1, 0.8)
                if keyword not in KNOWN_KEYWORDS and close:
                    self.add(
                        "SG303",
                        f"{keyword!r} is no keyword of JSON Schema and constrains nothing",
                        pointer=f"{pointer}/{_escaped(keyword)}",
                        keyword=keyword,
                        hint=f"did you mean {close[0]!r}?",
                    )

    def _conflicts(self, schema: Any) -> None:
        found, n_left = conflicts(schema)
        for pointer, keywords in found:
            cause = keywords[0] if len(keywords) == 1 else f"{', '.join(keywords[:-1])} and {keywords[-1]} together"
            self.add("SG203", f"no value satisfies this subschema: {cause}", pointer=pointer, keyword=keywords[0])
        if n_left:
            self.add("SG404", f"{n_left} subschemas were not asked whether some value satisfies them: time ran out")

    def _compile(self, make: Any) -> None:
        began = perf_counter()
        try:
            constraint: Constraint = make()
            report = constraint.report()
            first_mask(constraint)
        except StructgenError as error:
            self.add_error(error)
            return
        self.constraint = constraint
        self.report.cost |= cost_of(constraint)
        self.report.cost["ms"] = round((perf_counter() - began) * 1e3, 2)
        for entry in report.entries:
            verdict = {"pointer": entry.pointer, "keyword": entry.keyword, "verdict": entry.how, "reason": entry.note}
            self.report.verdicts.append(verdict)
            rule = {"annotation": "SG301", "monitor": "SG302", "relaxed": "SG204"}.get(entry.how)
            if rule is not None:
                told = f"{entry.keyword}: {entry.note or entry.how}"
                self.add(rule, told, pointer=entry.pointer, keyword=entry.keyword)


def _complaint(schema: Any, document: Any) -> str | None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for

    kind = validator_for(schema, default=Draft202012Validator)
    try:
        error = best_match(kind(schema, format_checker=kind.FORMAT_CHECKER).iter_errors(document))
    except re.error:
        return None  # that validator reads patterns with Python's re, which lacks \p{...}: no second opinion
    return None if error is None else f"{error.json_path}: {_shortened(error.message)}"


def _shortened(message: str) -> str:
    return message if len(message) <= 200 else message[:150] + " ... " + message[-40:]


def _escaped(part: Any) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def read_text(path: str) -> str:
    """The text of a file.

    Raises
    ------
    OSError, UnicodeDecodeError : it cannot be read
    """
    return Path(path).read_text(encoding="utf-8")
