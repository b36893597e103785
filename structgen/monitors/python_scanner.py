"""Python's lexical state, byte by byte, from any cut of the text to the next.

Python's own tokenizer wants whole lines; a generation stops in the middle of anything.
This is the part of it that decides whether a dot is a dereference: comments, all string
prefixes, triple quotes, f-strings with nested fields and format specs (PEP 701), numbers
(``1.`` takes the dot, ``1j.`` and ``0xF.`` do not), implicit and explicit line joining,
import statements, and whether an expression may turn out to be an assignment's target.
It is checked against ``tokenize`` on the standard library.

A text that cannot be Python (an unterminated string, a closing bracket too many) puts the
scanner in its error mode for good: no sites, so nothing is constrained.
"""

from __future__ import annotations

import keyword
from collections.abc import Hashable
from typing import Final, NamedTuple

from structgen.monitors.sites import Site, SiteKind, is_identifier_byte

__all__ = ["CallFrame", "PythonScanner"]

_CODE, _OPEN1, _OPEN2, _STRING, _SPEC, _COMMENT, _ERROR = range(7)
# What the last significant token was.
_START, _NAME, _KEYWORD, _OTHER, _DOT, _ODD_DOT, _COMMA, _OPEN, _EQUALS, _STAR = range(10)

_PREFIXES: Final = frozenset(b"r b u f t br rb fr rf tr rt".split())
_KEYWORDS: Final = frozenset(k.encode() for k in keyword.kwlist)
_VALUES: Final = frozenset((b"None", b"True", b"False"))
_COMPOUND: Final = frozenset(b"if elif else while for try except finally with def class async match case".split())
_CLOSER: Final = {0x28: 0x29, 0x5B: 0x5D, 0x7B: 0x7D}
_FIELD = 0x66  # an f-string's replacement field, among the bracket frames


_GROWING: Final = frozenset(
    word[:n]
    for word in (*map(str.encode, keyword.kwlist), b"match", b"case", *_PREFIXES)
    for n in range(1, len(word) + 1)
)
"""Words that are, or may still become, a keyword or a string's prefix."""
_ONE: Final = tuple(bytes((b,)) for b in range(256))


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


class PythonScanner:
    """See the module; ``PythonScanner()`` stands at the start of a file."""

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
        self._mode = _CODE
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
        self._previous = _START
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
    def is_code(self) -> bool:
        """Outside strings, comments and broken text."""
        return self._mode == _CODE and not self._escaped

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
        """Right behind the ``import`` of ``from x import``, before any blank."""
        return self._mode == _CODE and self._word == b"import" and self._phase == 1 and self._statement == b"from"

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
    def is_in_operand(self) -> bool:
        """A dot has been read and its name has not, or a number goes on."""
        return self._previous in (_DOT, _ODD_DOT) and not self._word

    @property
    def current_word(self) -> bytes:
        """The identifier being typed or just finished."""
        return self._word

    @property
    def ends_expression(self) -> bool:
        """Whether an operand just ended (so that an operator, not an operand, comes next)."""
        return self._mode == _CODE and (bool(self._word) or self._previous in (_NAME, _OTHER))

    @property
    def kind(self) -> SiteKind | None:
        """The kind of ``site()``, without making it."""
        if self._mode != _CODE or self._escaped or self._number:
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
        if self._mode != _CODE or self._escaped or self._number:
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
        if previous == _DOT:
            return SiteKind.MEMBER if self._phase != 1 else SiteKind.MODULE
        if self._phase == 2:
            return SiteKind.IMPORTED if previous in (_KEYWORD, _COMMA, _OPEN) and self._keyword == b"import" else None
        if self._phase or self._lambdas or self._statement in (b"def", b"class", b"global", b"nonlocal", b"import"):
            return None
        if self._frames and self._frames[-1].is_call and previous in (_OPEN, _COMMA):
            return SiteKind.ARGUMENT
        if self._is_target:
            return None
        if previous == _KEYWORD and self._keyword in (b"as", b"for", b"def", b"class", b"case", b"type"):
            return None
        if previous in (_KEYWORD, _OPEN, _COMMA, _EQUALS, _STAR):
            return SiteKind.LOAD
        return None

    # --- reading

    def feed(self, data: bytes) -> PythonScanner:
        """The state after ``data``; this one stays as it is."""
        state = self.copy()
        for byte in data:
            state.push(byte)
        return state

    def push(self, byte: int) -> None:
        """Read one byte in place; only on a ``copy()`` that nobody else has seen."""
        self._text += _ONE[byte]
        self._step(byte)
        self._position += 1

    def copy(self) -> PythonScanner:
        """A scanner of one's own at the same place. Spelled out: ``copy.copy`` takes ten times as long."""
        other = object.__new__(PythonScanner)
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

    def _step(self, byte: int) -> None:
        mode = self._mode
        if mode == _CODE:
            self._code(byte)
        elif mode in (_STRING, _SPEC):
            self._string_byte(byte)
        elif mode == _COMMENT:
            if byte in (0x0A, 0x0D):
                self._mode = _CODE
                self._code(byte)
        elif mode == _OPEN1:
            if byte == self._string[0]:
                self._mode = _OPEN2
            else:
                self._mode, self._run = _STRING, 0
                self._string_byte(byte)
        elif mode == _OPEN2:
            if byte == self._string[0]:
                self._string = (byte, True, *self._string[2:])
                self._mode, self._run = _STRING, 0
            else:  # it was the empty string
                self._close_string()
                self._code(byte)

    def _code(self, byte: int) -> None:
        if self._escaped:  # after a backslash, which joins lines
            if byte == 0x0A:
                self._escaped = False
            elif byte != 0x0D:
                self._broken("a backslash that does not end its line")
            return
        if self._word:
            if self._number:
                if self._number_goes_on(byte):
                    return
            elif is_identifier_byte(byte):
                self._word += bytes((byte,))
                return
            elif byte in b"'\"" and self._word.lower() in _PREFIXES:
                prefix, self._word = self._word.lower(), b""
                self._open_string(byte, raw=b"r" in prefix, fmt=b"f" in prefix or b"t" in prefix)
                return
            self._end_word()
        if is_identifier_byte(byte):
            self._start_word(byte)
        elif byte in b" \t\f":
            return
        elif byte in b"\n\r":
            if not self._frames:
                self._new_statement()
                self._lambdas = 0
                self._text, self._bracketed = self._text[self._position + 1 - self._bracketed :], self._position + 1
        elif byte in b"'\"":
            self._begin_operand()
            self._open_string(byte, raw=False, fmt=False)
        elif byte == 0x23:
            self._mode = _COMMENT
        elif byte == 0x5C:
            self._escaped = True
        elif byte == 0x2E:
            self._dot()
        elif byte in b"([{":
            self._open_bracket(byte)
        elif byte in b")]}":
            self._close_bracket(byte)
        else:
            self._operator(byte)

    # --- words and numbers

    def _begin_operand(self) -> None:
        """A token of an operand: note where the primary starts and that the argument is not blank."""
        if self._previous not in (_NAME, _OTHER, _DOT):
            self._primary = self._position - len(self._word)

    def _start_word(self, byte: int) -> None:
        if 0x30 <= byte <= 0x39:
            self._number = 1
            if self._previous == _ODD_DOT:  # ".5"
                self._number = 3
            self._site_kind = None
        else:
            self._number = 0
            if self._previous == _NAME and self._statement in (b"match", b"case"):
                self._is_target = False  # a soft keyword after all: patterns name values
            self._site_kind = self._kind_here()
            self._word_is_target = self._is_target
        if self._previous != _DOT:  # also after an operand: that was a soft keyword, or is an error
            self._primary = self._position
        self._word = bytes((byte,))

    def _number_goes_on(self, byte: int) -> bool:
        """Numbers: 1 decimal digits, 2 other base, 3 fraction, 4 exponent, 5 imaginary."""
        number, word = self._number, self._word
        if byte == 0x2E:
            if number != 1:
                return False
            self._number = 3
        elif byte in b"+-":
            if number != 4 or word[-1:] not in (b"e", b"E"):
                return False
        elif not is_identifier_byte(byte):
            return False
        elif number == 1 and word == b"0" and byte in b"xXoObB":
            self._number = 2
        elif number in (1, 3) and byte in b"eE":
            self._number = 4
        elif number != 2 and byte in b"jJ":
            self._number = 5
        self._word = word + bytes((byte,))
        return True

    def _end_word(self) -> None:
        word, self._word = self._word, b""
        if self._number:
            self._number = 0
            self._is_target = False
            self._touch_argument(lone=False)
            self._previous = _OTHER
            return
        if self._previous == _DOT or word not in _KEYWORDS or word in _VALUES:
            if self._previous == _START and word in (b"match", b"case"):
                self._statement, self._keyword = word, word
            else:
                self._touch_argument(lone=self._previous not in (_DOT, _NAME, _OTHER) and word not in _VALUES)
            self._previous = _NAME
            return
        self._end_keyword(word)

    def _end_keyword(self, word: bytes) -> None:
        if self._previous == _START:
            self._statement = word
            if word in (b"from", b"import"):
                self._phase = 1
        elif word == b"import" and self._phase == 1:
            self._phase = 2
            self._trigger = self._position + 1  # all names of the list are asked for at the first one's place
        elif self._statement == b"async":
            self._statement = word
        if word == b"lambda":
            self._lambdas += 1
        if word == b"for" or (word == b"as" and self._statement == b"with"):
            self._is_target = True
        elif word != b"async":
            self._is_target = False
        self._touch_argument(lone=False)
        self._keyword = word
        self._previous = _KEYWORD

    def _touch_argument(self, *, lone: bool) -> None:
        if self._frames and self._frames[-1].is_call:
            frame = self._frames[-1]
            if frame.is_blank or frame.has_lone_name:
                frame = frame._replace(is_blank=False, has_lone_name=lone and frame.is_blank)
                self._frames = (*self._frames[:-1], frame)

    # --- punctuation

    def _dot(self) -> None:
        if self._previous in (_NAME, _OTHER) or (self._phase == 1 and self._previous in (_KEYWORD, _DOT)):
            self._previous = _DOT
            self._trigger = self._position + 1
        else:  # the ellipsis or the start of a fraction
            self._previous = _ODD_DOT
            self._is_target = False
        self._touch_argument(lone=False)

    def _open_bracket(self, byte: int) -> None:
        is_applied = self._previous in (_NAME, _OTHER)
        is_call = byte == 0x28 and is_applied and self._statement not in (b"def", b"class", b"from")
        callee = self._text[self._primary - self._bracketed : self._position - self._bracketed] if is_call else b""
        if not is_applied:
            self._begin_operand()
        self._touch_argument(lone=False)
        outer = (self._is_target, self._primary, self._mode, self._string)
        self._frames = (*self._frames, CallFrame(byte, self._position + 1, is_call, callee, outer))
        self._is_target = self._is_target and not is_applied and byte != 0x7B
        self._previous = _OPEN

    def _close_bracket(self, byte: int) -> None:
        if not self._frames:
            self._broken("a closing bracket without its opening one")
            return
        frame = self._frames[-1]
        if frame.kind == _FIELD and byte == 0x7D:
            self._close_field(frame)
            return
        if _CLOSER.get(frame.kind) != byte:
            self._broken("a closing bracket of another kind")
            return
        self._frames = self._frames[:-1]
        self._is_target, self._primary = frame.outer[0], frame.outer[1]
        self._previous = _OTHER

    def _operator(self, byte: int) -> None:
        in_call = bool(self._frames) and self._frames[-1].is_call
        if byte == 0x2C:  # ,
            if in_call and not self._lambdas:
                frame = self._frames[-1]
                done = frame.arguments + (0 if frame.is_blank else 1)
                frame = frame._replace(arguments=done, is_blank=True, has_lone_name=False, is_keyword=False)
                self._frames = (*self._frames[:-1], frame)
            self._previous = _COMMA
            return
        if byte == 0x2A:  # *
            if in_call and self._frames[-1].is_blank:
                self._frames = (*self._frames[:-1], self._frames[-1]._replace(is_starred=True))
            self._previous = _STAR
            return
        self._is_target = False
        if byte == 0x3D:  # =
            self._equals(in_call)
            return
        if byte == 0x3A:  # :
            self._colon()
            return
        if byte == 0x3B:  # ;
            if not self._frames:
                self._new_statement()
            return
        self._touch_argument(lone=False)
        self._previous = _EQUALS

    def _equals(self, in_call: bool) -> None:
        if in_call and self._frames[-1].has_lone_name:
            # Keyword or comparison is settled by the byte after; until then it counts as keyword.
            frame = self._frames[-1]
            start = self._text[self._primary - self._bracketed : self._position - self._bracketed].strip()
            frame = frame._replace(is_keyword=True, has_lone_name=False, keywords=frame.keywords | {start})
            self._frames = (*self._frames[:-1], frame)
        elif in_call and self._frames[-1].is_keyword and self._text[self._position - 1 - self._bracketed] == 0x3D:
            frame = self._frames[-1]
            name = self._text[self._primary - self._bracketed : self._position - 1 - self._bracketed].strip()
            self._frames = (*self._frames[:-1], frame._replace(is_keyword=False, keywords=frame.keywords - {name}))
        self._previous = _EQUALS

    def _colon(self) -> None:
        if self._lambdas:
            self._lambdas -= 1
        elif self._frames and self._frames[-1].kind == _FIELD:
            self._mode, self._run = _SPEC, 0
            return
        elif not self._frames and self._statement in _COMPOUND:
            self._new_statement()
            return
        self._touch_argument(lone=False)
        self._previous = _EQUALS

    # --- strings

    def _open_string(self, quote: int, *, raw: bool, fmt: bool) -> None:
        self._string = (quote, False, raw, fmt)
        self._mode = _OPEN1
        self._escaped = False

    def _close_string(self) -> None:
        self._mode, self._run = _CODE, 0
        self._is_target = False
        self._touch_argument(lone=False)
        self._previous = _OTHER

    def _string_byte(self, byte: int) -> None:
        quote, triple, raw, fmt = self._string
        if self._escaped:
            # A raw string's backslash keeps the quote after it from closing, like any other's.
            self._escaped = False
            if not (fmt and raw and byte in b"{}"):
                return
        if self._run < 0:  # an opening brace is pending
            self._run = 0
            if byte != 0x7B:
                self._open_field()
                self._code(byte)
            return
        if byte == quote and self._mode == _STRING:
            self._run += 1
            if not triple or self._run == 3:
                self._close_string()
            return
        self._run = 0
        if byte == 0x5C and not (raw and fmt and self._mode == _SPEC):
            self._escaped = True
        elif byte in (0x0A, 0x0D) and not triple:
            self._broken("a string that is not closed on its line")
        elif fmt and byte == 0x7B:
            if self._mode == _SPEC:
                self._open_field()
            else:
                self._run = -1
        elif self._mode == _SPEC and byte == 0x7D:
            self._close_field(self._frames[-1])

    def _open_field(self) -> None:
        outer = (self._is_target, self._primary, self._mode, self._string)
        self._frames = (*self._frames, CallFrame(_FIELD, self._position, False, b"", outer))
        self._mode, self._run = _CODE, 0
        self._is_target = False
        self._previous = _OPEN

    def _close_field(self, frame: CallFrame) -> None:
        self._frames = self._frames[:-1]
        self._is_target, self._primary, self._mode, self._string = frame.outer
        self._run = 0
        self._word = b""

    def _broken(self, why: str) -> None:
        self.error = why
        self._mode = _ERROR
        self._word = b""
