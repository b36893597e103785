"""ECMA-262 regular expressions with the meaning of the ``u`` flag.

JSON Schema says patterns are ECMA-262 and should be read as Unicode. Real schemas also hold what
``u`` forbids but everyone understands: ``\\-``, ``\\_``, a lone ``]``. Those are read as Annex B of the
standard reads them; so are Python's ``(?P<name>``, ``(?i)`` at the front, ``\\A`` and ``\\Z``, whose meaning is
plain. ``strict=True`` takes none of this and is what the ``regex`` format asserts. What other engines
would read differently (``\\a``, ``[[:alpha:]]``, possessive quantifiers) is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NoReturn

from structgen.errors import LimitError, RegexSyntaxError, UnsupportedError
from structgen.frontends.regex import classes
from structgen.frontends.regex.properties import property_set
from structgen.ir.regex import (
    ANY,
    END,
    EPSILON,
    EVERYTHING,
    START,
    CharSet,
    Node,
    alternate,
    char,
    char_set,
    concat,
    look,
    negate_set,
    repeat,
    set_union,
)

__all__ = ["is_hopeless_ecma", "is_valid_ecma", "parse_ecma"]

_MAX_DEPTH = 200
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
_ENDS_RUN = frozenset("^$\\.*+?()[{|")
_ENDS_RUN_STRICTLY = _ENDS_RUN | frozenset("]}")
_WORD_I = classes.fold_case(classes.ASCII_WORD)


@dataclass(frozen=True, slots=True)
class _Flags:
    ignore_case: bool = False
    multiline: bool = False
    dot_all: bool = False


@lru_cache(maxsize=2048)
def parse_ecma(pattern: str, *, search: bool = False, strict: bool = False, flags: str = "") -> Node:
    """The texts that ``pattern`` matches as a whole; with ``search``, in which it is found.

    Parameters
    ----------
    pattern : the source between the slashes
    search : unanchored, as JSON Schema's ``pattern`` wants it
    strict : only what the ``u`` flag allows, no Annex B and no borrowings from Python
    flags : any of ``i``, ``m`` and ``s``; ``u`` is always on

    Raises
    ------
    RegexSyntaxError : ``span`` covers what is wrong
    UnsupportedError : ``keyword`` is ``"backreference"``, ``"atomic group"`` or ``"possessive quantifier"``
    LimitError : the pattern is nested too deeply
    """
    reader = _Reader(pattern, strict, _Flags("i" in flags, "m" in flags, "s" in flags))
    node = reader.whole()
    return concat(EVERYTHING, node, EVERYTHING) if search else node


def is_valid_ecma(pattern: str) -> bool:
    """Whether ``pattern`` is one that the ``u`` flag of ECMA-262 allows, backreferences included."""
    try:
        reader = _Reader(pattern, True, _Flags(), judge_only=True)
        reader.whole()
    except (RegexSyntaxError, LimitError):
        return False
    groups = {str(k + 1) for k in range(reader.n_groups)}
    return all(name in (groups if name.isdigit() else reader.names) for name in reader.references)


_CERTAIN = (
    "range out of order",
    "a class cannot bound a range",
    "numbers out of order",
    "duplicate group name",
    "unknown Unicode property",
    "an assertion cannot be repeated",
    "unmatched ')'",
)


def is_hopeless_ecma(text: str) -> bool:
    """Whether no pattern that the ``u`` flag allows begins with ``text``, as far as its first mistake tells."""
    if re.search(r"\\u[dD][89abAB][0-9A-Fa-f]{2}$", text) is not None:
        return False  # half of a surrogate pair
    try:
        _Reader(text, True, _Flags(), judge_only=True).whole()
    except RegexSyntaxError as error:
        return any(mistake in error.message for mistake in _CERTAIN)
    except LimitError:
        return False
    return False


class _Reader:
    """Recursive descent over the pattern; ``at`` is the next character."""

    def __init__(self, pattern: str, strict: bool, flags: _Flags, *, judge_only: bool = False) -> None:
        self.text = pattern
        self.strict = strict
        self.flags = flags
        self.at = 0
        self.depth = 0
        self.names: set[str] = set()
        self.n_groups = 0
        self.references: list[str] = []
        self.judge_only = judge_only

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

    # ------------------------------------------------------------------ structure

    def whole(self) -> Node:
        node = self.disjunction()
        if self.at < len(self.text):
            self.fail("unmatched ')'")
        return node

    def disjunction(self) -> Node:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise LimitError(
                f"the pattern nests more than {_MAX_DEPTH} groups", what="depth", given=self.depth, limit=_MAX_DEPTH
            )
        options = [self.alternative()]
        while self.eat("|"):
            options.append(self.alternative())
        self.depth -= 1
        return options[0] if len(options) == 1 else alternate(*options)

    def alternative(self) -> Node:
        parts: list[Node] = []
        text, n = self.text, len(self.text)
        special = _ENDS_RUN_STRICTLY if self.strict else _ENDS_RUN
        while self.at < n:
            c = text[self.at]
            if c in special:
                if c in "|)":
                    break
                parts.append(self.term())
                continue
            self.at += 1  # most of a pattern is characters that stand for themselves
            node: Node = char(ord(c)) if not self.flags.ignore_case else self.cased(char(ord(c)))
            if self.at < n and text[self.at] in "*+?{":
                node = self.quantified(node, self.at - 1)
            parts.append(node)
        return concat(*parts)

    def term(self) -> Node:
        """What a character that does not stand for itself begins."""
        begin = self.at
        c = self.text[begin]
        if c in "]}":
            self.fail(f"lone {c!r}")
        if c == "^":
            self.at += 1
            return self.assertion(classes.ECMA_LINE_START if self.flags.multiline else START, begin)
        if c == "$":
            self.at += 1
            return self.assertion(classes.ECMA_LINE_END if self.flags.multiline else END, begin)
        if c == "[":
            return self.quantified(self.char_class(), begin)
        if c == ".":
            self.at += 1
            return self.quantified(ANY if self.flags.dot_all else classes.ECMA_DOT, begin)
        if c == "(":
            return self.group()
        if c == "\\":
            return self.escape_term()
        if c == "{" and not self.strict and self.braces() is None:
            self.at += 1
            return self.quantified(char(0x7B), begin)
        return self.fail("nothing to repeat")

    def assertion(self, node: Node, begin: int) -> Node:
        """An assertion takes no quantifier in the standard; harmless ones are read outside strict mode."""
        following = self.peek()
        if (following and following in "*+?") or (following == "{" and self.braces() is not None):
            if self.strict:
                self.fail("an assertion cannot be repeated", begin)
            return self.quantified(node, begin)
        return node

    def quantified(self, node: Node, begin: int) -> Node:
        text = self.text
        c = text[self.at] if self.at < len(text) else "|"
        if c not in "*+?{":
            return node
        if c == "{":
            bounds = self.braces()
            if bounds is None:
                if self.strict:
                    self.fail("incomplete quantifier")
                return node
            least, most, self.at = bounds
            if most is not None and most < least:
                self.fail("numbers out of order in quantifier", begin)
        else:
            self.at += 1
            least, most = (0, None) if c == "*" else (1, None) if c == "+" else (0, 1)
        if not self.eat("?") and self.peek() == "+" and not self.strict:
            self.refuse("possessive quantifier", self.at)
        following = self.peek()
        if following and (following in "*+?" or (following == "{" and self.braces() is not None)):
            self.fail("nothing to repeat")
        return repeat(node, least, most)

    def braces(self) -> tuple[int, int | None, int] | None:
        """``{m}``, ``{m,}`` or ``{m,n}`` here: the bounds and where it ends; else None."""
        end = self.text.find("}", self.at)
        if end < 0:
            return None
        low, comma, high = self.text[self.at + 1 : end].partition(",")
        if not _digits(low) or (high and not _digits(high)):
            return None
        if len(low) > 9 or len(high) > 9:
            raise LimitError("a repetition counts beyond a billion", what="repetition", limit=10**9)
        most = int(low) if not comma else int(high) if high else None
        return int(low), most, end + 1

    def group(self) -> Node:
        begin = self.at
        self.at += 1
        outer = self.flags
        direction: tuple[bool, bool] | None = None
        if self.eat("?"):
            if self.eat(":"):
                pass
            elif self.eat("=") or self.eat("!"):
                direction = (False, self.text[self.at - 1] == "!")
            elif self.eat("<=") or self.eat("<!"):
                direction = (True, self.text[self.at - 1] == "!")
            elif self.eat("<") or (not self.strict and self.eat("P<")):
                self.group_name(begin)
            elif self.eat(">"):
                self.refuse("atomic group", begin)
            elif not self.strict and self.eat("#"):
                self.at = self.text.find(")", self.at) + 1 or self.fail("unterminated comment", begin)
                return EPSILON
            elif self.inline_flags(begin):
                return EPSILON
        else:
            self.n_groups += 1
        node = self.disjunction()
        if not self.eat(")"):
            self.fail("unterminated group", begin)
        self.flags = outer
        if direction is None:
            return self.quantified(node, begin)
        found = look(node, behind=direction[0], negative=direction[1])
        return self.assertion(found, begin)

    def group_name(self, begin: int) -> None:
        end = self.text.find(">", self.at)
        name = self.text[self.at : end] if end > 0 else ""
        if not name.replace("$", "_").isidentifier():
            self.fail("wrong group name", begin)
        self.at = end + 1
        self.n_groups += 1
        if name in self.names and self.strict:
            self.fail("duplicate group name", begin)
        self.names.add(name)

    def inline_flags(self, begin: int) -> bool:
        """``(?ims-ims:`` changes the flags of its group; True for ``(?i)``, which changes the rest."""
        end = self.at
        while end < len(self.text) and self.text[end] in "imsu-":
            end += 1
        on, _, off = self.text[self.at : end].partition("-")
        closing = self.text[end : end + 1]
        if end == self.at or closing not in (":", ")") or (closing == ")" and (self.strict or begin != 0 or off)):
            self.at = end
            self.fail("unknown kind of group", begin)
        for letter, field in (("i", "ignore_case"), ("m", "multiline"), ("s", "dot_all")):
            if letter in on or letter in off:
                self.flags = replace(self.flags, **{field: letter in on})
        self.at = end + 1
        return closing == ")"

    # ------------------------------------------------------------------ escapes

    def escape_term(self) -> Node:
        begin = self.at
        c = self.text[begin + 1 : begin + 2]
        word = _WORD_I if self.flags.ignore_case else classes.ASCII_WORD
        anchors = {"b": classes.word_boundary, "B": classes.not_word_boundary}
        if c in anchors and c:
            self.at += 2
            return self.assertion(anchors[c](word), begin)
        if c and c in "AZz" and not self.strict:
            self.at += 2
            return self.assertion(START if c == "A" else END, begin)
        if c and c in "123456789":
            self.at += 2
            while self.peek() and _digits(self.peek()):
                self.at += 1
            return self.backreference(self.text[begin + 1 : self.at], begin)
        if c == "k" and self.text[begin + 2 : begin + 3] == "<":
            self.at = self.text.find(">", begin) + 1 or len(self.text)
            return self.backreference(self.text[begin + 3 : self.at - 1], begin)
        found = self.escape(in_class=False)
        node = self.cased(char(found)) if isinstance(found, int) else found
        return self.quantified(node, begin)

    def backreference(self, name: str, begin: int) -> Node:
        """Not a language by itself: refused, unless only the syntax is asked for."""
        if not self.judge_only:
            self.refuse("backreference", begin)
        self.references.append(name)
        return self.quantified(EPSILON, begin)

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
                return _WORD_I if c == "w" else negate_set(_WORD_I)
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
        if c == "0" and not _digits(self.peek()):
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

    # ------------------------------------------------------------------ classes

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


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
