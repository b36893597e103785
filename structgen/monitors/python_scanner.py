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
import re
from typing import Final

from structgen.monitors.python_state import (
    CODE,
    COMMA,
    COMMENT,
    DOT,
    EQUALS,
    ERROR,
    FIELD,
    KEYWORD,
    NAME,
    ODD_DOT,
    OPEN,
    OPEN1,
    OPEN2,
    OTHER,
    PREFIXES,
    SPEC,
    STAR,
    START,
    STRING,
    CallFrame,
    PythonState,
)
from structgen.monitors.sites import is_identifier_byte

__all__ = ["CallFrame", "PythonScanner"]

_KEYWORDS: Final = frozenset(k.encode() for k in keyword.kwlist)
_VALUES: Final = frozenset((b"None", b"True", b"False"))
_COMPOUND: Final = frozenset(b"if elif else while for try except finally with def class async match case".split())
_CLOSER: Final = {0x28: 0x29, 0x5B: 0x5D, 0x7B: 0x7D}
_NAME_RUN: Final = re.compile(rb"[0-9A-Za-z_\x80-\xff]*")
_BLANK_RUN: Final = re.compile(rb"[ \t\f]*")
_RUNS: Final = {
    STRING: re.compile(rb"[^'\"\\{}\r\n]*"),
    COMMENT: re.compile(rb"[^\r\n]*"),
    ERROR: re.compile(rb"[\s\S]*"),
}
_ONE: Final = tuple(bytes((b,)) for b in range(256))


class PythonScanner(PythonState):
    """See the module; ``PythonScanner()`` stands at the start of a file."""

    __slots__ = ()

    def feed(self, data: bytes) -> PythonScanner:
        """The state after ``data``; this one stays as it is."""
        state = self.copy()
        at, end = 0, len(data)
        while at < end:
            n = state.run(data, at)
            if n:
                state.skip(data[at : at + n])
                at += n
            else:
                state.push(data[at])
                at += 1
        return state

    def run(self, data: bytes, at: int) -> int:
        """See ``Scanner``: the rest of a name, of a comment, of plain text in a string; blanks."""
        if self._escaped:
            return 0
        mode = self._mode
        pattern: re.Pattern[bytes] | None = _BLANK_RUN
        if mode != CODE:
            pattern = None if mode == STRING and self._run else _RUNS.get(mode)
        elif self._word:
            # In a module's path the end of the word ``import`` is a place of its own.
            pattern = None if self._number or self._phase == 1 else _NAME_RUN
        found = pattern.match(data, at) if pattern is not None else None
        return 0 if found is None else found.end() - at

    def skip(self, data: bytes) -> None:
        """See ``Scanner``."""
        self._text += data
        self._position += len(data)
        if self._mode == CODE and self._word:
            self._word += data

    def push(self, byte: int) -> None:
        """Read one byte in place; only on a ``copy()`` that nobody else has seen."""
        self._text += _ONE[byte]
        self._step(byte)
        self._position += 1

    def _step(self, byte: int) -> None:
        mode = self._mode
        if mode == CODE:
            self._code(byte)
        elif mode in (STRING, SPEC):
            self._string_byte(byte)
        elif mode == COMMENT:
            if byte in (0x0A, 0x0D):
                self._mode = CODE
                self._code(byte)
        elif mode == OPEN1:
            if byte == self._string[0]:
                self._mode = OPEN2
            else:
                self._mode, self._run = STRING, 0
                self._string_byte(byte)
        elif mode == OPEN2:
            if byte == self._string[0]:
                self._string = (byte, True, *self._string[2:])
                self._mode, self._run = STRING, 0
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
            elif byte in b"'\"" and self._word.lower() in PREFIXES:
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
            self._mode = COMMENT
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
        if self._previous not in (NAME, OTHER, DOT):
            self._primary = self._position - len(self._word)

    def _start_word(self, byte: int) -> None:
        if 0x30 <= byte <= 0x39:
            self._number = 1
            if self._previous == ODD_DOT:  # ".5"
                self._number = 3
            self._site_kind = None
        else:
            self._number = 0
            if self._previous == NAME and self._statement in (b"match", b"case"):
                self._is_target = False  # a soft keyword after all: patterns name values
            self._site_kind = self._kind_here()
            self._word_is_target = self._is_target
        if self._previous != DOT:  # also after an operand: that was a soft keyword, or is an error
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
            self._previous = OTHER
            return
        if self._previous == DOT or word not in _KEYWORDS or word in _VALUES:
            if self._previous == START and word in (b"match", b"case"):
                self._statement, self._keyword = word, word
            else:
                self._touch_argument(lone=self._previous not in (DOT, NAME, OTHER) and word not in _VALUES)
            self._previous = NAME
            return
        self._end_keyword(word)

    def _end_keyword(self, word: bytes) -> None:
        if self._previous == START:
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
        self._previous = KEYWORD

    def _touch_argument(self, *, lone: bool) -> None:
        if self._frames and self._frames[-1].is_call:
            frame = self._frames[-1]
            if frame.is_blank or frame.has_lone_name:
                frame = frame._replace(is_blank=False, has_lone_name=lone and frame.is_blank)
                self._frames = (*self._frames[:-1], frame)

    # --- punctuation

    def _dot(self) -> None:
        if self._previous in (NAME, OTHER) or (self._phase == 1 and self._previous in (KEYWORD, DOT)):
            self._previous = DOT
            self._trigger = self._position + 1
        else:  # the ellipsis or the start of a fraction
            self._previous = ODD_DOT
            self._is_target = False
        self._touch_argument(lone=False)

    def _open_bracket(self, byte: int) -> None:
        is_applied = self._previous in (NAME, OTHER)
        is_call = byte == 0x28 and is_applied and self._statement not in (b"def", b"class", b"from")
        callee = self._text[self._primary - self._bracketed : self._position - self._bracketed] if is_call else b""
        if not is_applied:
            self._begin_operand()
        self._touch_argument(lone=False)
        outer = (self._is_target, self._primary, self._mode, self._string)
        self._frames = (*self._frames, CallFrame(byte, self._position + 1, is_call, callee, outer))
        self._is_target = self._is_target and not is_applied and byte != 0x7B
        self._previous = OPEN

    def _close_bracket(self, byte: int) -> None:
        if not self._frames:
            self._broken("a closing bracket without its opening one")
            return
        frame = self._frames[-1]
        if frame.kind == FIELD and byte == 0x7D:
            self._close_field(frame)
            return
        if _CLOSER.get(frame.kind) != byte:
            self._broken("a closing bracket of another kind")
            return
        self._frames = self._frames[:-1]
        self._is_target, self._primary = frame.outer[0], frame.outer[1]
        self._previous = OTHER

    def _operator(self, byte: int) -> None:
        in_call = bool(self._frames) and self._frames[-1].is_call
        if byte == 0x2C:  # ,
            # Between ``for`` and ``in`` a comma separates targets.
            if in_call and not self._lambdas and self._keyword != b"for":
                frame = self._frames[-1]
                done = frame.arguments + (0 if frame.is_blank else 1)
                frame = frame._replace(arguments=done, is_blank=True, has_lone_name=False, is_keyword=False)
                self._frames = (*self._frames[:-1], frame)
            self._previous = COMMA
            return
        if byte == 0x2A:  # *
            if in_call and self._frames[-1].is_blank:
                self._frames = (*self._frames[:-1], self._frames[-1]._replace(is_starred=True))
            self._previous = STAR
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
        self._previous = EQUALS

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
        self._previous = EQUALS

    def _colon(self) -> None:
        if self._lambdas:
            self._lambdas -= 1
        elif self._frames and self._frames[-1].kind == FIELD:
            self._mode, self._run = SPEC, 0
            return
        elif not self._frames and self._statement in _COMPOUND:
            self._new_statement()
            return
        self._touch_argument(lone=False)
        self._previous = EQUALS

    # --- strings

    def _open_string(self, quote: int, *, raw: bool, fmt: bool) -> None:
        self._string = (quote, False, raw, fmt)
        self._mode = OPEN1
        self._escaped = False

    def _close_string(self) -> None:
        self._mode, self._run = CODE, 0
        self._is_target = False
        self._touch_argument(lone=False)
        self._previous = OTHER

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
        if byte == quote and self._mode == STRING:
            self._run += 1
            if not triple or self._run == 3:
                self._close_string()
            return
        self._run = 0
        if byte == 0x5C and not (raw and fmt and self._mode == SPEC):
            self._escaped = True
        elif byte in (0x0A, 0x0D) and not triple:
            self._broken("a string that is not closed on its line")
        elif fmt and byte == 0x7B:
            if self._mode == SPEC:
                self._open_field()
            else:
                self._run = -1
        elif self._mode == SPEC and byte == 0x7D:
            self._close_field(self._frames[-1])

    def _open_field(self) -> None:
        outer = (self._is_target, self._primary, self._mode, self._string)
        self._frames = (*self._frames, CallFrame(FIELD, self._position, False, b"", outer))
        self._mode, self._run = CODE, 0
        self._is_target = False
        self._previous = OPEN

    def _close_field(self, frame: CallFrame) -> None:
        self._frames = self._frames[:-1]
        self._is_target, self._primary, self._mode, self._string = frame.outer
        self._run = 0
        self._word = b""

    def _broken(self, why: str) -> None:
        self.error = why
        self._mode = ERROR
        self._word = b""
