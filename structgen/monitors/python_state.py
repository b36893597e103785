"""The lexical state of ``PythonScanner``: what it remembers, and what others ask of it.

Apart from the reading, which moves the state on byte by byte: here nothing is changed.
"""

from __future__ import annotations

import keyword
from collections.abc import Hashable
from typing import Final, NamedTuple, Self

from structgen.monitors.sites import Site, SiteKind

__all__ = ["CallFrame", "PythonState"]

# Modes.
CODE, OPEN1, OPEN2, STRING, SPEC, COMMENT, ERROR = range(7)
# What the last significant token was.
START, NAME, KEYWORD, OTHER, DOT, ODD_DOT, COMMA, OPEN, EQUALS, STAR = range(10)

FIELD = 0x66  # an f-string's replacement field, among the bracket frames
PREFIXES: Final = frozenset(b"r b u f t br rb fr rf tr rt".split())
_GROWING: Final = frozenset(
    word[:n]
    for word in (*map(str.encode, keyword.kwlist), b"match", b"case", *PREFIXES)
    for n in range(1, len(word) + 1)
)
"""Words that are, or may still become, a keyword or a string's prefix."""


class CallFrame(NamedTuple):
    """One open bracket; for calls, what its argument list has so far."""

    kind: int
    """Byte of the bracket, or ``f`` for a replacement field."""
    at: int
    """Offset just after the bracket."""
    is_call: bool
    callee: bytes
    """Source of the expression before a call's parenthesis."""
    outer: tuple[bool, int, int, tuple[int, bool, bool, bool]]
    """What to restore at the close: target flag, primary's offset, mode, string."""
    arguments: int = 0
    """Arguments that are complete (a comma followed)."""
    keywords: frozenset[bytes] = frozenset()
    is_keyword: bool = False
    """The current argument is passed by keyword."""
    is_starred: bool = False
    """An unpacked argument came before: counts are not known any more."""
    is_blank: bool = True
    """The current argument has no token yet."""
    has_lone_name: bool = False
    """The current argument is one identifier so far."""


class PythonState:
    """Where a text stands; a new one is at the start of a file."""

    __slots__ = (
        "_bracketed",
        "_escaped",
        "_frames",
        "_is_from",
        "_is_target",
        "_keyword",
        "_lambdas",
        "_mode",
        "_number",
        "_phase",
        "_position",
        "_previous",
        "_primary",
        "_run",
        "_site_kind",
        "_statement",
        "_string",
        "_text",
        "_trigger",
        "_word",
        "_word_is_target",
        "error",
    )

    def __init__(self) -> None:
        self.error = ""
        self._mode = CODE
        self._frames: tuple[CallFrame, ...] = ()
        self._position = 0
        self._text = b""  # the current logical line, for receivers
        self._bracketed = 0  # offset at which _text starts
        self._word = b""
        self._number = 0
        self._site_kind: SiteKind | None = None
        self._word_is_target = False
        self._string = (0, False, False, False)  # quote, triple, raw, format
        self._run = 0
        self._escaped = False
        self._lambdas = 0
        self._primary = 0
        self._trigger = 0
        self._new_statement()

    def _new_statement(self) -> None:
        self._previous = START
        self._statement = b""
        self._keyword = b""
        self._phase = 0  # 1: module path, 2: imported names
        self._is_from = False
        self._is_target = True

    # --- what others ask

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self._position

    @property
    def place(self) -> str:
        """``"comment"``, ``"string"`` (without fields), ``"broken"``, ``"call"`` (in its arguments) or ``"code"``."""
        if self._mode == STRING and not self._string[3]:
            return "string"
        return {COMMENT: "comment", ERROR: "broken"}.get(self._mode, "call" if self.in_call else "code")

    @property
    def line(self) -> bytes:
        """The logical line so far."""
        return self._text

    @property
    def is_code(self) -> bool:
        """Outside strings, comments and broken text."""
        return self._mode == CODE and not self._escaped

    @property
    def statement(self) -> bytes:
        """The keyword that the current statement starts with; empty for expressions."""
        return self._statement

    @property
    def depth(self) -> int:
        """Open brackets."""
        return len(self._frames)

    @property
    def has_lambda(self) -> bool:
        """Whether the logical line so far has the word ``lambda`` in it."""
        return b"lambda" in self._text

    @property
    def is_import(self) -> bool:
        """Inside an import statement."""
        return self._phase > 0

    @property
    def is_at_import_keyword(self) -> bool:
        """Right behind the ``import`` of ``from x import``, before any blank.

        ``from import`` may go on as ``from importlib``, ``from .import`` as ``from .importer``.
        """
        is_keyword = self._word == b"import" and self._previous == NAME
        return is_keyword and self._mode == CODE and self._phase == 1 and self._statement == b"from"

    @property
    def in_call(self) -> bool:
        """Somewhere inside a call's argument list."""
        return any(frame.is_call for frame in self._frames)

    @property
    def call_frame(self) -> CallFrame | None:
        """The innermost open bracket if it is a call's and the text stands in code directly in it."""
        if self._frames and self._frames[-1].is_call and self.is_code and not self._lambdas:
            return self._frames[-1]
        return None

    @property
    def just_named_keyword(self) -> bytes:
        """The name in ``f(name=`` if the text ends with just that (which may become ``==``)."""
        frame = self.call_frame
        if frame is None or not frame.is_keyword or self._word or not self._text.endswith(b"="):
            return b""
        name = self._text[self._primary - self._bracketed : -1].strip()
        return name if name in frame.keywords else b""

    @property
    def may_be_walrus(self) -> bool:
        """Whether the identifier here stands where ``if name := value`` would define it."""
        return self._previous == KEYWORD and self._keyword in (b"if", b"elif", b"while")

    @property
    def is_in_operand(self) -> bool:
        """A dot has been read and its name has not, or a number goes on."""
        return self._previous in (DOT, ODD_DOT) and not self._word

    @property
    def current_word(self) -> bytes:
        """The identifier being typed or just finished."""
        return self._word

    @property
    def ends_expression(self) -> bool:
        """Whether an operand just ended (so that an operator, not an operand, comes next)."""
        return self._mode == CODE and (bool(self._word) or self._previous in (NAME, OTHER))

    @property
    def kind(self) -> SiteKind | None:
        """The kind of ``site()``, without making it."""
        if self._mode != CODE or self._escaped or self._number:
            return None
        if not self._word:
            return self._kind_here()
        return SiteKind.IMPORT_END if self._phase == 1 and self.is_at_import_keyword else self._site_kind

    def lexical_key(self) -> Hashable:
        """See ``Scanner``. Words that cannot become a keyword or a string's prefix all count as one name."""
        word = self._word
        if word and not self._number and word.lower() not in _GROWING and word not in _GROWING:
            word = b"name"
        brackets = tuple((frame.kind, frame.is_call, frame.outer[2:]) for frame in self._frames[-3:])
        place = (self._mode, self._string, self._run, self._escaped, self._number, self._previous, self._phase)
        statement = (self._statement, self._keyword, self._is_target, self._lambdas, self._site_kind)
        return place, statement, word, brackets, len(self._frames) > 3

    def site(self) -> Site | None:
        """See ``Scanner``."""
        if self._mode != CODE or self._escaped or self._number:
            return None
        if self._word:
            kind, blanks, is_target = self._site_kind, b"", self._word_is_target
        else:
            kind, is_target = self._kind_here(), self._is_target
            blanks = b" \t\f\\\r\n#" if self._frames else b" \t\f\\"
        if kind is None:
            return None
        is_kept = kind in (SiteKind.MEMBER, SiteKind.MODULE, SiteKind.IMPORTED)
        trigger = self._trigger if is_kept else self._position - len(self._word)
        receiver = b""
        if kind is SiteKind.MEMBER:
            receiver = self._text[self._primary - self._bracketed : trigger - 1 - self._bracketed].rstrip(b" \t\r\n\\")
        return Site(kind, trigger, self._word, blanks, receiver, is_target, self._keyword)

    def _kind_here(self) -> SiteKind | None:
        """The site of an identifier that would start at the next byte."""
        previous = self._previous
        if previous == DOT:
            return SiteKind.MEMBER if self._phase != 1 else SiteKind.MODULE
        if self._phase == 2:
            return SiteKind.IMPORTED if previous in (KEYWORD, COMMA, OPEN) and self._keyword == b"import" else None
        if self._phase or self._lambdas or self._statement in (b"def", b"class", b"global", b"nonlocal", b"import"):
            return None
        if self._frames and self._frames[-1].is_call and previous in (OPEN, COMMA):
            return SiteKind.ARGUMENT
        if self._is_target:
            return None
        if previous == KEYWORD and self._keyword in (b"as", b"for", b"def", b"class", b"case", b"type"):
            return None
        if previous in (KEYWORD, OPEN, COMMA, EQUALS, STAR):
            return SiteKind.LOAD
        return None

    def copy(self) -> Self:
        """A scanner of one's own at the same place. Spelled out: ``copy.copy`` takes ten times as long."""
        other = object.__new__(type(self))
        other._bracketed = self._bracketed
        other._escaped = self._escaped
        other._frames = self._frames
        other._is_from = self._is_from
        other._is_target = self._is_target
        other._keyword = self._keyword
        other._lambdas = self._lambdas
        other._mode = self._mode
        other._number = self._number
        other._phase = self._phase
        other._position = self._position
        other._previous = self._previous
        other._primary = self._primary
        other._run = self._run
        other._site_kind = self._site_kind
        other._statement = self._statement
        other._string = self._string
        other._text = self._text
        other._trigger = self._trigger
        other._word = self._word
        other._word_is_target = self._word_is_target
        other.error = self.error
        return other
