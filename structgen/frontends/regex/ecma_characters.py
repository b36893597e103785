"""Single characters and sets of them in ECMA-262 patterns: escapes and classes.

The part of the notation below terms, and the place in the text that both read from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from structgen.errors import RegexSyntaxError, UnsupportedError
from structgen.frontends.regex import classes
from structgen.frontends.regex.properties import property_set
from structgen.ir.regex import CharSet, char_set, negate_set, set_union

__all__ = ["WORD_IGNORING_CASE", "CharacterReader", "Flags", "is_digits"]

_CONTROL = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D}
_CLASSES = {
    "d": classes.ASCII_DIGIT,
    "w": classes.ASCII_WORD,
    "s": classes.ECMA_SPACE,
    "D": negate_set(classes.ASCII_DIGIT),
    "W": negate_set(classes.ASCII_WORD),
    "S": negate_set(classes.ECMA_SPACE),
}
_SYNTAX = frozenset("^$\\.*+?()[]{}|/")
WORD_IGNORING_CASE = classes.fold_case(classes.ASCII_WORD)


@dataclass(frozen=True, slots=True)
class Flags:
    ignore_case: bool = False
    multiline: bool = False
    dot_all: bool = False


class CharacterReader:
    """Reads from ``text``; ``at`` is the next character."""

    def __init__(self, text: str, strict: bool, flags: Flags) -> None:
        self.text = text
        self.strict = strict
        self.flags = flags
        self.at = 0

    def fail(self, message: str, begin: int | None = None) -> NoReturn:
        first = self.at if begin is None else begin
        first = min(first, len(self.text))
        span = (first, max(min(self.at, len(self.text)), min(first + 1, len(self.text))))
        raise RegexSyntaxError(f"wrong regular expression: {message}", source=self.text, span=span)

    def refuse(self, keyword: str, begin: int) -> NoReturn:
        raise UnsupportedError(
            f"a {keyword} has no automaton",
            keyword=keyword,
            source=self.text,
            span=(begin, max(self.at, begin + 1)),
            hint="write out what it can match, or check it after generation",
        )

    def eat(self, text: str) -> bool:
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def escape(self, in_class: bool) -> int | CharSet:
        """The escape at ``at``: a code point, or a set of them."""
        begin = self.at
        self.at += 1
        if self.at >= len(self.text):
            self.fail("\\ at the end of the pattern", begin)
        c = self.text[self.at]
        self.at += 1
        if c in _CLASSES:
            found = _CLASSES[c]
            if c in "wW" and self.flags.ignore_case:
                return WORD_IGNORING_CASE if c == "w" else negate_set(WORD_IGNORING_CASE)
            return found
        if c in _CONTROL:
            return _CONTROL[c]
        if c in "pP":
            return self.property(begin, c == "P")
        if c == "u":
            return self.unicode_escape(begin)
        if c == "x":
            return self.hex_digits(2, begin)
        if c == "c":
            letter = self.peek()
            if not (letter.isascii() and letter.isalpha()):
                self.fail("\\c needs a letter", begin)
            self.at += 1
            return ord(letter) % 32
        if c == "0" and not is_digits(self.peek()):
            return 0
        if in_class and c == "b":
            return 0x08
        if c in _SYNTAX or (c == "-" and in_class):
            return ord(c)
        if self.strict or (c.isascii() and c.isalnum()):
            self.fail(f"unknown escape \\{c}", begin)
        return ord(c)

    def hex_digits(self, count: int, begin: int) -> int:
        digits = self.text[self.at : self.at + count]
        if len(digits) != count or not all(d in "0123456789abcdefABCDEF" for d in digits):
            self.fail(f"expected {count} hexadecimal digits", begin)
        self.at += count
        return int(digits, 16)

    def unicode_escape(self, begin: int) -> int:
        if self.eat("{"):
            end = self.text.find("}", self.at)
            digits = self.text[self.at : end] if end > 0 else ""
            if not digits or not all(d in "0123456789abcdefABCDEF" for d in digits) or int(digits, 16) > 0x10FFFF:
                self.fail("wrong code point escape", begin)
            self.at = end + 1
            return int(digits, 16)
        lead = self.hex_digits(4, begin)
        if (
            0xD800 <= lead < 0xDC00
            and self.text.startswith("\\u", self.at)
            and self.text[self.at + 2 : self.at + 3] != "{"
        ):
            after = self.at
            self.at += 2
            trail = self.hex_digits(4, after)
            if 0xDC00 <= trail < 0xE000:
                return 0x10000 + ((lead - 0xD800) << 10) + (trail - 0xDC00)
            self.at = after
        return lead

    def property(self, begin: int, negated: bool) -> CharSet:
        end = self.text.find("}", self.at)
        if self.peek() != "{" or end < 0:
            self.fail("expected {name} after \\p", begin)
        name = self.text[self.at + 1 : end]
        self.at = end + 1
        found = property_set(name, lenient=not self.strict)
        if found is None:
            self.fail(f"unknown Unicode property {name!r}", begin)
        # Folding comes before the complement: \P{Lu} with i is everything (ECMA-262, 22.2.2.9).
        if self.flags.ignore_case:
            return classes.fold_case(negate_set(found) if negated else found)
        return negate_set(found) if negated else found

    def cased(self, node: CharSet) -> CharSet:
        return classes.fold_case(node) if self.flags.ignore_case else node

    def char_class(self) -> CharSet:
        begin = self.at
        self.at += 1
        negated = self.eat("^")
        ranges: list[tuple[int, int]] = []
        named: list[CharSet] = []
        text = self.text
        while not text.startswith("]", self.at):
            first_at = self.at
            if first_at >= len(text):
                self.fail("unterminated character class", begin)
            if (
                text[first_at] == "["
                and not self.strict
                and text.startswith("[:", first_at)
                and ":]" in text[first_at:]
            ):
                self.fail("POSIX classes are not ECMA-262")
            first = self.class_atom()
            if text.startswith("-", self.at) and text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                last = self.class_atom()
                if isinstance(first, int) and isinstance(last, int):
                    if first > last:
                        self.fail("range out of order", first_at)
                    ranges.append((first, last))
                    continue
                if self.strict:
                    self.fail("a class cannot bound a range", first_at)
                ranges.append((0x2D, 0x2D))
                for atom in (first, last):
                    ranges += [(atom, atom)] if isinstance(atom, int) else atom.ranges
            elif isinstance(first, int):
                ranges.append((first, first))
            else:
                named.append(first)
        self.at += 1
        found = self.cased(char_set(ranges))
        if named:
            found = set_union(found, *named)
        return negate_set(found) if negated else found

    def class_atom(self) -> int | CharSet:
        at = self.at
        if at >= len(self.text):
            self.fail("unterminated character class")
        c = self.text[at]
        if c == "\\":
            return self.escape(in_class=True)
        self.at = at + 1
        return ord(c)


def is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
