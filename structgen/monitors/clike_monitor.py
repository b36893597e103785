"""Monitors for languages with C's lexical habits: TypeScript, JavaScript, Java, C and C++.

One scanner with a few switches per language: comments, strings, template literals with
their ``${}`` fields, regular expression literals where an operand is due, and the marks
that dereference (``.``, ``?.``, ``->``, ``::``). Member access and constructor names are
monitored; the rest is free.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from structgen.errors import MonitorError
from structgen.monitors.analysis import Analysis
from structgen.monitors.classes import ClassRule
from structgen.monitors.engines.choose import OnFailure, check_on_failure, choose_engine
from structgen.monitors.engines.profiles import Profile
from structgen.monitors.engines.protocol import Engine
from structgen.monitors.members import MemberRule
from structgen.monitors.sites import Site, SiteKind, is_identifier_byte
from structgen.monitors.text import Rule, TextMonitor

__all__ = ["ClikeScanner", "Habits", "clike"]

_CODE, _LINE, _BLOCK, _STRING, _TEMPLATE, _REGEX, _ERROR = range(7)


@dataclass(frozen=True, slots=True)
class Habits:
    """What sets one language apart for the scanner."""

    profile: str
    arrows: tuple[bytes, ...]
    """Marks that dereference besides the dot."""
    templates: bool = False
    regexes: bool = False


HABITS: Final = {
    "typescript": Habits("tsc", (), templates=True, regexes=True),
    "java": Habits("jdtls", ()),
    "cpp": Habits("clangd", (b"->", b"::")),
}
_OPERATOR_WORDS: Final = frozenset(
    b"return typeof instanceof in of new delete void throw case do else await yield sizeof".split()
)


class ClikeScanner:
    """The lexical state after some bytes; see ``sites.Scanner``."""

    __slots__ = (
        "_arrow",
        "_escaped",
        "_fields",
        "_habits",
        "_in_class",
        "_is_operand",
        "_kind_of_word",
        "_last",
        "_mode",
        "_number",
        "_position",
        "_primary",
        "_quote",
        "_text",
        "_trigger",
        "_word",
        "_word_before",
        "error",
    )

    def __init__(self, habits: Habits) -> None:
        self._habits = habits
        self.error = ""
        self._mode = _CODE
        self._position = 0
        self._text = b""  # of the current statement, for receivers
        self._primary = 0
        self._word = b""
        self._word_before = b""
        self._number = False
        self._kind_of_word: SiteKind | None = None
        self._is_operand = False  # the last token ended an operand
        self._arrow = False  # the last token was a dereference
        self._trigger = 0
        self._last = 0
        self._quote = 0
        self._escaped = False
        self._in_class = False
        self._fields: tuple[int, ...] = ()  # depth of braces inside each open ${ }

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self._position

    @property
    def kind(self) -> SiteKind | None:
        """The kind of ``site()``, without making it."""
        if self._mode != _CODE or self._number:
            return None
        return self._kind_of_word if self._word else self._kind_here()

    def _kind_here(self) -> SiteKind | None:
        if self._arrow:
            return SiteKind.MEMBER
        return SiteKind.LOAD if self._word_before == b"new" and not self._is_operand else None

    def lexical_key(self) -> Hashable:
        """See ``Scanner``."""
        place = (self._mode, self._quote, self._escaped, self._number, self._is_operand, self._arrow, self._last)
        return place, self._word, self._word_before, self._fields, self._kind_of_word

    def site(self) -> Site | None:
        """See ``Scanner``."""
        kind = self.kind
        if kind is None:
            return None
        trigger = self._trigger if kind is SiteKind.MEMBER else self._position - len(self._word)
        receiver = self._text[self._primary : len(self._text) - (self._position - trigger)]
        blanks = b"" if self._word else b" \t\r\n"
        return Site(kind, trigger, self._word, blanks, receiver.rstrip(b".?->: "), keyword=self._word_before)

    def feed(self, data: bytes) -> ClikeScanner:
        """The state after ``data``; this one stays as it is."""
        state = self.copy()
        for byte in data:
            state.push(byte)
        return state

    def copy(self) -> ClikeScanner:
        """A scanner of one's own at the same place."""
        other = object.__new__(ClikeScanner)
        for name in ClikeScanner.__slots__:
            setattr(other, name, getattr(self, name))
        return other

    def run(self, data: bytes, at: int) -> int:
        """See ``Scanner``; every byte is read by itself."""
        return 0

    def skip(self, data: bytes) -> None:
        """See ``Scanner``."""
        for byte in data:
            self.push(byte)

    def push(self, byte: int) -> None:
        """Read one byte in place; only on a ``copy()`` that nobody else has seen."""
        self._text += bytes((byte,))
        mode = self._mode
        if mode == _CODE:
            self._code(byte)
        elif mode == _LINE:
            if byte == 0x0A:
                self._mode = _CODE
        elif mode == _BLOCK:
            if byte == 0x2F and self._last == 0x2A:
                self._mode = _CODE
        elif self._escaped:
            self._escaped = False
        elif byte == 0x5C:
            self._escaped = True
        elif mode == _TEMPLATE and byte == 0x7B and self._last == 0x24:
            self._fields = (*self._fields, 0)
            self._mode, self._is_operand, self._arrow, self._word_before = _CODE, False, False, b""
        elif byte == self._quote:
            self._mode, self._is_operand = _CODE, True
        elif byte == 0x0A and mode in (_STRING, _REGEX):
            self._mode, self.error = _ERROR, "a literal that is not closed on its line"
        self._last = byte
        self._position += 1

    def _code(self, byte: int) -> None:
        if self._word:
            if is_identifier_byte(byte) or byte == 0x24 or (self._number and byte == 0x2E):
                self._word += bytes((byte,))
                return
            self._end_word()
        if is_identifier_byte(byte) or byte == 0x24:
            self._number = 0x30 <= byte <= 0x39
            self._kind_of_word = None if self._number else self._kind_here()
            if not self._arrow:
                self._primary = len(self._text) - 1
            self._word = bytes((byte,))
            return
        if byte in b" \t\r\n":
            return
        was_arrow, self._arrow = self._arrow, False
        if byte in b"'\"" or (byte == 0x60 and self._habits.templates):
            if not self._is_operand:
                self._primary = len(self._text) - 1
            self._quote, self._mode = byte, _TEMPLATE if byte == 0x60 else _STRING
        elif byte in b"/*" and self._last == 0x2F:
            self._mode = _LINE if byte == 0x2F else _BLOCK
        elif byte == 0x2F and self._habits.regexes and not self._is_operand:
            self._mode, self._quote = _REGEX, 0x2F
        elif byte == 0x2F:
            return  # a division, or a comment whose second byte is to come
        elif self._is_arrow(byte):
            self._arrow, self._trigger = True, self._position + 1
        elif byte in b")]":
            self._is_operand = True
        else:
            self._mark(byte, was_arrow)

    def _is_arrow(self, byte: int) -> bool:
        if byte == 0x2E:
            return self._is_operand or self._last == 0x3F
        pair = bytes((self._last, byte))
        return pair in self._habits.arrows

    def _mark(self, byte: int, was_arrow: bool) -> None:
        if byte == 0x7B and self._fields:
            self._fields = (*self._fields[:-1], self._fields[-1] + 1)
        elif byte == 0x7D and self._fields:
            if self._fields[-1] == 0:
                self._fields = self._fields[:-1]
                self._mode, self._quote = _TEMPLATE, 0x60
                return
            self._fields = (*self._fields[:-1], self._fields[-1] - 1)
        if byte in b";{}":
            self._text, self._primary = b"", 0
        # The first half of an arrow leaves the operand in place.
        if byte not in b"-:?" or was_arrow:
            self._is_operand = False
        self._word_before = b""

    def _end_word(self) -> None:
        word, self._word = self._word, b""
        self._arrow = False
        if self._number:
            self._number, self._is_operand = False, True
            return
        self._is_operand = self._kind_of_word is SiteKind.MEMBER or word not in _OPERATOR_WORDS
        self._word_before = word


def clike(
    language: Literal["typescript", "java", "cpp"],
    project: str | Path = ".",
    *,
    file: str | Path,
    engine: str | Profile | Engine | None = None,
    prefix: str = "",
    suffix: str = "",
    rules: Iterable[Literal["members", "classes"]] = ("members",),
    time_limit: float = 1.0,
    on_failure: OnFailure = "error",
) -> TextMonitor:
    """A monitor of TypeScript, Java or C++ through its language server.

    Parameters and errors are those of ``python``; ``engine`` defaults to ``tsc``, ``jdtls``
    or ``clangd``. Reserved words beside members (``this``, ``class``) are the server's to offer.

    Raises
    ------
    MonitorError : no such project, language or engine, or the engine is not installed
    """
    if language not in HABITS:
        raise MonitorError(f"no monitor for {language!r}", engine="clike", hint=f"one of: {', '.join(HABITS)}")
    habits = HABITS[language]
    root = Path(project)
    if not root.is_dir():
        raise MonitorError(f"no project at {project}", engine=habits.profile, hint="pass the folder of the project")
    check_on_failure(on_failure)
    server, _ = choose_engine(engine or habits.profile, root, file, time_limit=time_limit, on_failure=on_failure)
    analysis = Analysis(server, prefix, suffix)
    chosen: list[Rule] = []
    for name in dict.fromkeys(rules):
        chosen.append(
            MemberRule(analysis, private=True, always=frozenset()) if name == "members" else ClassRule(analysis)
        )
    return TextMonitor(language, ClikeScanner(habits), chosen, prefix=prefix.encode(), engine=server)
