"""Every error that structgen raises on purpose, as one tree.

::

    StructgenError
    ├─ ConstraintError       the input is wrong: .source, .span or .pointer
    │  ├─ RegexSyntaxError
    │  ├─ GrammarSyntaxError
    │  ├─ SchemaError
    │  ├─ TypeSupportError   a Python type no schema can be made from: .type_name
    │  ├─ UnsupportedError   understood, not implemented: .keyword
    │  └─ UnsatisfiableError no output exists
    ├─ LimitError            .what .given .limit
    ├─ VocabularyError       .missing: bytes no token can spell
    ├─ RejectedTokenError    .token_id .position
    ├─ DeadEndError          empty mask before acceptance: .text
    ├─ IncompleteError       budget spent: .text so far
    ├─ ObjectError           .path, such as ``$.items[2].price``
    ├─ PromptError           a prompt field that does not exist: .field
    ├─ ModelError            no such model, or a model that misbehaves: .model
    ├─ MonitorError          static analysis cannot run: .engine
    └─ PredicateError        a user's predicate misbehaves: .text
                             (also used for log weights that are NaN: see ``.text``)

Each class carries data beside its sentence, so callers match on fields and never on
words. ``hint`` says what to do about it and is part of the message.
"""

from __future__ import annotations

__all__ = [
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
]


class StructgenError(Exception):
    """Base of all errors raised on purpose; ``hint`` says what to do."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nhint: {self.hint}"


class ConstraintError(StructgenError):
    """The constraint is wrong; ``span`` (offsets into ``source``) or ``pointer`` say where."""

    def __init__(
        self,
        message: str,
        *,
        source: str | None = None,
        span: tuple[int, int] | None = None,
        pointer: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.source = source
        self.span = span
        self.pointer = pointer
        super().__init__(message, hint=hint)

    @property
    def line_column(self) -> tuple[int, int] | None:
        """Line and column of the span's start, both from 1; None without a span."""
        if self.source is None or self.span is None:
            return None
        before = self.source[: self.span[0]]
        return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1

    def __str__(self) -> str:
        lines = [self.message]
        if self.pointer is not None:
            lines.append(f"at: {self.pointer or '(root)'}")
        lines += self._caret_lines()
        if self.hint is not None:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)

    def _caret_lines(self) -> list[str]:
        where = self.line_column
        if self.source is None or self.span is None or where is None:
            return []
        line, column = where
        text = self.source.split("\n")[line - 1]
        width = max(1, min(self.span[1] - self.span[0], len(text) - column + 1))
        start = max(0, column - 1 - 60)
        shown = text[start : start + 120]
        return [
            f"line {line}, column {column}:",
            f"  {shown}",
            "  " + " " * (column - 1 - start) + "^" * min(width, 60),
        ]


class RegexSyntaxError(ConstraintError):
    """The pattern does not follow its syntax."""


class GrammarSyntaxError(ConstraintError):
    """The grammar text does not follow its notation, or names what is not there."""


class SchemaError(ConstraintError):
    """The JSON Schema breaks its metaschema, or a reference does not resolve."""


class TypeSupportError(ConstraintError):
    """No schema can be made from a Python type; ``type_name`` says which."""

    def __init__(self, message: str, *, type_name: str, pointer: str | None = None, hint: str | None = None) -> None:
        self.type_name = type_name
        super().__init__(message, pointer=pointer, hint=hint)


class UnsupportedError(ConstraintError):
    """Understood but not implemented; ``keyword`` names it."""

    def __init__(
        self,
        message: str,
        *,
        keyword: str,
        source: str | None = None,
        span: tuple[int, int] | None = None,
        pointer: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.keyword = keyword
        super().__init__(message, source=source, span=span, pointer=pointer, hint=hint)


class UnsatisfiableError(ConstraintError):
    """No output satisfies the constraint."""


class LimitError(StructgenError):
    """A budget of states, memory, time or depth ran out: ``what``, ``given`` and ``limit``.

    ``pointer`` is the place in a JSON schema that asked for so much, where there is one.
    """

    def __init__(
        self,
        message: str,
        *,
        what: str,
        given: float | None = None,
        limit: float | None = None,
        pointer: str = "",
        hint: str | None = None,
    ) -> None:
        self.what = what
        self.given = given
        self.limit = limit
        self.pointer = pointer
        super().__init__(message, hint=hint)


class VocabularyError(StructgenError):
    """The vocabulary cannot serve; ``missing`` are bytes that no token can spell."""

    def __init__(self, message: str, *, missing: bytes = b"", hint: str | None = None) -> None:
        self.missing = missing
        super().__init__(message, hint=hint)


class RejectedTokenError(StructgenError):
    """A token the constraint forbids was fed; the matcher is unchanged."""

    def __init__(self, message: str, *, token_id: int, position: int, hint: str | None = None) -> None:
        self.token_id = token_id
        self.position = position
        super().__init__(message, hint=hint)


class DeadEndError(StructgenError):
    """No token is allowed although the text is not accepted; ``text`` is what there is."""

    def __init__(self, message: str, *, text: bytes | str = "", hint: str | None = None) -> None:
        self.text = text
        super().__init__(message, hint=hint)


class IncompleteError(StructgenError):
    """The token budget is spent, or cannot suffice; ``text`` is what there is."""

    def __init__(self, message: str, *, text: bytes | str = "", hint: str | None = None) -> None:
        self.text = text
        super().__init__(message, hint=hint)


class ObjectError(StructgenError):
    """The text fits the constraint, but the object could not be built; ``path`` says where."""

    def __init__(self, message: str, *, path: str = "$", text: str = "", hint: str | None = None) -> None:
        self.path = path
        self.text = text
        super().__init__(message, hint=hint)


class PromptError(StructgenError):
    """A prompt names a field that does not exist, or has no text; ``field`` names it."""

    def __init__(self, message: str, *, field: str = "", hint: str | None = None) -> None:
        self.field = field
        super().__init__(message, hint=hint)


class ModelError(StructgenError):
    """A model cannot be loaded or gives scores that are not numbers; ``model`` names it."""

    def __init__(self, message: str, *, model: str = "", text: bytes | str = "", hint: str | None = None) -> None:
        self.model = model
        self.text = text
        super().__init__(message, hint=hint)


class MonitorError(StructgenError):
    """Static analysis cannot run; ``engine`` names what is missing or broken."""

    def __init__(self, message: str, *, engine: str = "", hint: str | None = None) -> None:
        self.engine = engine
        super().__init__(message, hint=hint)


class PredicateError(StructgenError):
    """A user's predicate raised, returned no bool, or contradicted itself; ``text`` is what it saw.

    Or a user's potential gave factors that are no numbers; ``text`` is the text so far.
    """

    def __init__(self, message: str, *, text: bytes | str = "", hint: str | None = None) -> None:
        self.text = text
        super().__init__(message, hint=hint)
