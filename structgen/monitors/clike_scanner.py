"""The lexical state of TypeScript, JavaScript, Java, C and C++, byte by byte.

One scanner with a few switches per language (``Habits``): comments, strings, template
literals with their ``${}`` fields, text blocks, raw strings, regular expression literals
where an operand is due, preprocessor lines, and the marks that dereference (``.``, ``?.``,
``->``, ``::``). What a slash means is told by the byte behind it and by whether an operand
came before it; after ``if (x)`` a regular expression is taken for a division, as in every
lexer without a parser, and the rest of it for code.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from structgen.monitors.sites import Site, SiteKind, is_identifier_byte

__all__ = ["HABITS", "ClikeScanner", "Habits"]

_CODE, _SLASH, _LINE, _BLOCK, _STRING, _TEMPLATE, _REGEX, _TEXT, _RAW, _ERROR = range(10)
_QUOTE, _HASH, _DOT, _BACKSLASH, _SLASH_BYTE, _STAR_BYTE = b'"#.\\/*'


@dataclass(frozen=True, slots=True)
class Habits:
    """What sets one language apart."""

    profile: str
    """The language server that it is analysed with by default."""
    arrows: tuple[bytes, ...] = ()
    """Marks that dereference besides the dot."""
    lifts: bytes = b""
    """Bytes that may follow a dereference in place of a name (``this.#x``, ``p->~T()``, ``String...``)."""
    words: frozenset[str] = frozenset()
    """Reserved words that may follow one, which servers leave out."""
    after_new: frozenset[str] = frozenset()
    """Reserved words that may follow ``new``."""
    skipped: frozenset[bytes] = frozenset()
    """First words of statements whose dots separate packages."""
    is_script: bool = False
    """Has template literals, regular expression literals, ``?.`` and ``x!``."""
    has_text_blocks: bool = False
    has_preprocessor: bool = False
    """And raw strings, and quotes between digits."""


_TYPES: Final = frozenset(
    (
        *("auto", "bool", "char", "char8_t", "char16_t", "char32_t", "class", "const", "decltype", "double", "enum"),
        *("float", "int", "long", "short", "signed", "struct", "typename", "union", "unsigned", "void", "volatile"),
        "wchar_t",
    )
)
HABITS: Final = {
    "typescript": Habits(
        "tsc", lifts=b"/#", after_new=frozenset(("class", "function", "new", "super", "this")), is_script=True
    ),
    "java": Habits(
        "jdtls",
        lifts=b"/.<@",
        words=frozenset(("class", "new", "super", "this")),
        skipped=frozenset((b"import", b"package")),
        has_text_blocks=True,
    ),
    # A trailing return type stands behind an arrow, too.
    "cpp": Habits(
        "clangd",
        (b"->", b"::"),
        lifts=b"/.*~:(",
        words=_TYPES | {"operator", "template"},
        after_new=_TYPES,
        has_preprocessor=True,
    ),
}
_OPERATOR_WORDS: Final = frozenset(
    b"return typeof instanceof in of new delete void throw case do else await yield sizeof".split()
)
_RAW_PREFIXES: Final = frozenset((b"R", b"LR", b"uR", b"UR", b"u8R"))


class ClikeScanner:
    """The lexical state after some bytes; see ``sites.Scanner``."""

    __slots__ = (
        "_arrow",
        "_escaped",
        "_fields",
        "_first",
        "_habits",
        "_in_class",
        "_is_fresh_line",
        "_is_operand",
        "_kind_of_word",
        "_last",
        "_mode",
        "_number",
        "_opened",
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
        self._first = b""  # word of the statement
        self._word = b""
        self._word_before = b""
        self._number = False
        self._kind_of_word: SiteKind | None = None
        self._is_operand = False  # the last token ended an operand
        self._arrow = b""  # the dereference that the last token was
        self._trigger = 0
        self._last = 0
        self._quote = 0
        self._opened = 0  # where in the text the literal starts
        self._escaped = False
        self._in_class = False  # of a regular expression
        self._is_fresh_line = True
        self._fields: tuple[int, ...] = ()  # depth of braces inside each open ${ }

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self._position

    @property
    def line(self) -> bytes:
        """The statement so far."""
        return self._text

    @property
    def kind(self) -> SiteKind | None:
        """The kind of ``site()``, without making it."""
        if self._mode != _CODE or self._number:
            return None
        return self._kind_of_word if self._word else self._kind_here()

    def _kind_here(self) -> SiteKind | None:
        if self._arrow:
            return None if self._first in self._habits.skipped else SiteKind.MEMBER
        return SiteKind.LOAD if self._word_before == b"new" and not self._is_operand else None

    def lexical_key(self) -> Hashable:
        """See ``Scanner``."""
        place = (self._mode, self._quote, self._escaped, self._number, self._is_operand, self._arrow, self._last)
        line = (self._is_fresh_line, self._in_class, self._first in self._habits.skipped)
        literal: Hashable = self._is_empty_string(len(self._text))
        if self._mode in (_BLOCK, _TEXT, _RAW):
            literal = self._text[self._opened :]
        return place, line, self._word, self._word_before, self._fields, self._kind_of_word, literal

    def site(self) -> Site | None:
        """See ``Scanner``."""
        kind = self.kind
        if kind is None:
            return None
        if kind is not SiteKind.MEMBER:
            return Site(kind, self._position - len(self._word), self._word, b" \t\r\n", keyword=self._word_before)
        receiver = self._text[self._primary : len(self._text) - (self._position - self._trigger)].rstrip(b".?->: ")
        if self._word:
            return Site(kind, self._trigger, self._word, b"", receiver, arrow=self._arrow)
        lifts = self._habits.lifts + (b"[(0123456789" if self._arrow == b"?." else b"")
        return Site(kind, self._trigger, b"", b" \t\r\n", receiver, lifts=lifts, arrow=self._arrow)

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
        if self._mode == _CODE:
            self._code(byte)
        elif self._mode == _SLASH:
            self._after_slash(byte)
        elif self._mode in (_LINE, _BLOCK):
            self._comment(byte)
        elif self._mode != _ERROR:
            self._literal(byte)
        if byte == 0x0A:
            self._is_fresh_line = True
        elif byte not in b" \t\r":
            self._is_fresh_line = False
        self._last = byte
        self._position += 1

    # --- comments and literals

    def _after_slash(self, byte: int) -> None:
        """A slash has been read: a comment, a regular expression or a division."""
        self._opened = len(self._text) - 1
        if byte == _SLASH_BYTE:
            self._mode = _LINE
        elif byte == _STAR_BYTE:
            self._mode = _BLOCK
        elif self._habits.is_script and not self._is_operand:
            self._mode, self._quote, self._in_class, self._arrow = _REGEX, _SLASH_BYTE, False, b""
            self._literal(byte)
        else:
            self._mode, self._is_operand, self._arrow, self._word_before = _CODE, False, b"", b""
            self._code(byte)

    def _comment(self, byte: int) -> None:
        if self._mode == _LINE:
            if byte == 0x0A and not (self._last == _BACKSLASH and self._habits.has_preprocessor):
                self._mode = _CODE
        elif byte == _SLASH_BYTE and self._last == _STAR_BYTE and len(self._text) > self._opened + 2:
            self._mode = _CODE

    def _literal(self, byte: int) -> None:
        mode = self._mode
        if mode == _RAW:
            delimiter, opened, _ = self._text[self._opened :].partition(b"(")
            self._close_if(bool(opened) and self._text.endswith(b")" + delimiter + b'"'))
        elif self._escaped:
            self._escaped = False
            self._opened = len(self._text) if mode == _TEXT else self._opened
        elif byte == _BACKSLASH:
            self._escaped = True
        elif mode == _TEXT:
            self._close_if(self._text.endswith(b'"""') and len(self._text) >= self._opened + 3)
        elif mode == _TEMPLATE and byte == 0x7B and self._last == 0x24:
            self._fields = (*self._fields, 0)
            self._mode, self._is_operand, self._arrow, self._word_before = _CODE, False, b"", b""
        elif mode == _REGEX and byte in b"[]":
            self._in_class = byte == 0x5B
        elif byte == self._quote and not (mode == _REGEX and self._in_class):
            self._close_if(True)
        elif byte == 0x0A and mode in (_STRING, _REGEX):
            self._mode, self.error = _ERROR, "a literal that is not closed on its line"

    def _close_if(self, is_closed: bool) -> None:
        if is_closed:
            self._mode, self._is_operand = _CODE, True

    def _open(self, byte: int) -> None:
        """A quote: what opens depends on what stands right before it."""
        self._arrow = b""
        if self._habits.has_text_blocks and self._is_empty_string(len(self._text) - 1):
            self._mode, self._opened = _TEXT, len(self._text)
            return
        if not self._is_operand:
            self._primary = len(self._text) - 1
        self._quote, self._opened = byte, len(self._text)
        self._mode, self._in_class = _TEMPLATE if byte == 0x60 else _STRING, False

    def _is_empty_string(self, end: int) -> bool:
        """Whether the text up to ``end`` ends with an empty string, which a third quote makes a text block."""
        return self._opened == end - 1 and self._text.endswith(b'""', 0, end)

    # --- code

    def _code(self, byte: int) -> None:
        if self._word:
            if self._goes_on(byte):
                self._word += bytes((byte,))
                return
            if byte == _QUOTE and self._habits.has_preprocessor and self._word in _RAW_PREFIXES:
                self._mode, self._opened, self._word, self._arrow = _RAW, len(self._text), b"", b""
                return
            self._end_word()
        if is_identifier_byte(byte) or byte == 0x24:
            self._number = 0x30 <= byte <= 0x39
            self._kind_of_word = None if self._number else self._kind_here()
            if not self._arrow:
                self._primary = len(self._text) - 1
            self._word = bytes((byte,))
        elif byte in b" \t\r\n":
            return
        elif byte in b"'\"" or (byte == 0x60 and self._habits.is_script):
            self._open(byte)
        elif byte == _SLASH_BYTE:
            self._mode = _SLASH
        elif byte == _HASH and self._habits.has_preprocessor and self._is_fresh_line:
            self._mode = _LINE
        else:
            self._punctuation(byte)

    def _goes_on(self, byte: int) -> bool:
        if is_identifier_byte(byte) or byte == 0x24:
            return True
        return self._number and (byte == _DOT or (byte == 0x27 and self._habits.has_preprocessor))

    def _punctuation(self, byte: int) -> None:
        before, self._arrow = self._arrow, b""
        pair = bytes((self._last, byte))
        if pair == b".." and before:  # an ellipsis, as in ``String... args``
            self._is_operand = False
        elif byte == _DOT and self._is_operand:
            self._arrow, self._trigger = b".", self._position + 1
        elif pair in self._habits.arrows or (pair == b"?." and self._habits.is_script):
            self._arrow, self._trigger = pair, self._position + 1
        elif byte in b")]":
            self._is_operand = True
        elif byte == 0x21 and self._is_operand and self._habits.is_script:
            return  # ``x!`` is still x; what follows in ``x != y`` ends it
        else:
            self._mark(byte)

    def _mark(self, byte: int) -> None:
        if byte == 0x7B and self._fields:
            self._fields = (*self._fields[:-1], self._fields[-1] + 1)
        elif byte == 0x7D and self._fields:
            if self._fields[-1] == 0:
                self._fields = self._fields[:-1]
                self._mode, self._quote = _TEMPLATE, 0x60
                return
            self._fields = (*self._fields[:-1], self._fields[-1] - 1)
        if byte in b";{}":
            self._text, self._primary, self._first, self._opened = b"", 0, b"", 0
        self._is_operand = False
        self._word_before = b""

    def _end_word(self) -> None:
        word, self._word = self._word, b""
        self._arrow = b""
        if self._number:
            self._number, self._is_operand = False, True
            return
        self._is_operand = self._kind_of_word is SiteKind.MEMBER or word not in _OPERATOR_WORDS
        self._first = self._first or word
        self._word_before = word
