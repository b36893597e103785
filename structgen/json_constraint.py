"""JSON under a schema, as a ``Constraint``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Literal

from structgen.constraint import Constraint, Enforcement, Report
from structgen.errors import SchemaError
from structgen.keys import content_key
from structgen.masks.machine import TokenMachine
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["JsonSchemaConstraint", "json_schema"]


class JsonSchemaConstraint(Constraint):
    """The JSON documents that a schema accepts; compiled on demand, shared by its vocabularies."""

    def __init__(
        self,
        schema: Any,
        *,
        property_order: str,
        whitespace: str,
        formats: str,
        numbers: str,
        draft: str | int | None,
        registry: Mapping[str, Any] | None,
        max_bytes: int,
    ) -> None:
        super().__init__()
        from structgen.automata.document.automaton import DocumentAutomaton
        from structgen.frontends.jsonschema.build import SchemaSource

        began = perf_counter()
        self.schema = schema
        self._settings = (whitespace, property_order, formats, numbers, draft, max_bytes)
        self._registry = registry
        self.source = SchemaSource(schema, draft=draft, registry=registry, formats=formats)
        self.automaton = DocumentAutomaton(
            self.source,
            whitespace=whitespace,
            in_order=property_order == "declared",
            plain_numbers=numbers == "plain",
            max_bytes=max_bytes,
        )
        self._seconds = perf_counter() - began

    @property
    def key(self) -> str:
        try:  # as text, because the order of properties counts
            texts = json.dumps(self.schema), json.dumps(dict(self._registry or {}))
        except (TypeError, ValueError):  # things that are no JSON, or hold themselves
            return ""
        return content_key("json schema", *texts, *self._settings)

    def build_machine(self, vocabulary: Vocabulary) -> TokenMachine:
        from structgen.masks.ahead import look_ahead
        from structgen.masks.document_machine import DocumentMachine

        machine = DocumentMachine(self.automaton, vocabulary)
        look_ahead(machine, self.source.n_subschemas, self._seconds)
        return machine

    def accepts(self, text: str | bytes) -> bool:
        """Whether the whole text is a document that satisfies the schema."""
        data = text.encode() if isinstance(text, str) else text
        config = self.automaton.read(self.automaton.start, data)
        return config is not None and self.automaton.is_accepting(config)

    def is_satisfiable(self, reference: str) -> bool:
        """Whether some value satisfies the subschema that a reference from the schema leads to.

        :raises SchemaError: where it leads nowhere.
        """
        from structgen.automata.document.automaton import deep_recursion

        with deep_recursion():
            place = self.source.resources.resolve(self.source.resources.start(), reference)
            return self.automaton.is_satisfiable(self.source.formula(place))

    def report(self) -> Report:
        from structgen.frontends.jsonschema.support import enforcement

        found = enforcement(self.source)
        return Report("JSON schema", tuple(Enforcement(o.pointer, o.keyword, o.how, o.note) for o in found))

    def __repr__(self) -> str:
        return f"JsonSchemaConstraint({self.automaton.tables.n_bytes >> 10} KiB)"


def json_schema(
    schema: Any,
    *,
    property_order: Literal["declared", "any"] = "declared",
    whitespace: Literal["compact", "pretty", "bounded", "any"] = "bounded",
    formats: Literal["assert", "annotate"] = "assert",
    numbers: Literal["any", "plain"] = "any",
    draft: str | int | None = None,
    registry: Mapping[str, Any] | None = None,
    max_bytes: int = 256 << 20,
) -> JsonSchemaConstraint:
    """JSON documents that satisfy a schema.

    Parameters
    ----------
    schema : a dict or boolean, or JSON text; never changed
    property_order : ``"declared"``: properties come as the schema lists them, undeclared ones
        last; ``"any"``: in every order, as JSON Schema itself allows. Objects under counts,
        dependencies or alternatives of objects take any order either way.
    whitespace : ``"compact"`` none between lexemes, ``"pretty"`` members on lines of their own, two
        spaces a level, as ``json.dumps(value, indent=2)`` writes them, ``"bounded"`` at most 24
        bytes a run, ``"any"`` no limit
    formats : ``"assert"`` enforces ``format``, ``"annotate"`` ignores it
    numbers : ``"any"``: all of JSON's notations where no numeric keyword applies, else plain decimals and
        normalised scientific notation (``1.5e-7``), of which every value has one; ``"plain"``: never an
        exponent. Under ``multipleOf`` numbers are plain either way.
    draft : ``"draft7"``, ``"2020-12"`` and the like; by default what ``$schema`` says, else 2020-12
    registry : remote documents by URI; nothing is ever fetched
    max_bytes : memory budget of the automaton

    Raises
    ------
    SchemaError : the schema breaks its metaschema or a reference does not resolve (``pointer``)
    RegexSyntaxError, UnsupportedError : a pattern that cannot be read, or is not regular
    UnsatisfiableError : no document is valid
    LimitError : a budget ran out
    """
    if isinstance(schema, str | bytes):
        try:
            schema = json.loads(schema)
        except ValueError as error:
            raise SchemaError(f"the schema is not JSON: {error}") from None
    _check_option("property_order", property_order, ("declared", "any"))
    _check_option("whitespace", whitespace, ("compact", "pretty", "bounded", "any"))
    _check_option("formats", formats, ("assert", "annotate"))
    _check_option("numbers", numbers, ("any", "plain"))
    return JsonSchemaConstraint(
        schema,
        property_order=property_order,
        whitespace=whitespace,
        formats=formats,
        numbers=numbers,
        draft=draft,
        registry=registry,
        max_bytes=max_bytes,
    )


def _check_option(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is one of {', '.join(allowed)}, not {value!r}")
