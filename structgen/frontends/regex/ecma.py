"""ECMA-262 regular expressions with the meaning of the ``u`` flag.

JSON Schema says patterns are ECMA-262 and should be read as Unicode. Real schemas also hold what
``u`` forbids but everyone understands: ``\\-``, ``\\_``, a lone ``]``. Those are read as Annex B of the
standard reads them; so are Python's ``(?P<name>``, ``(?i)`` at the front, ``\\A`` and ``\\Z``, whose meaning is
plain. ``strict=True`` takes none of this and is what the ``regex`` format asserts. What other engines
would read differently (``\\a``, ``[[:alpha:]]``, possessive quantifiers) is refused.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from structgen.errors import LimitError, RegexSyntaxError
from structgen.frontends.regex import classes
from structgen.frontends.regex.ecma_characters import WORD_IGNORING_CASE, CharacterReader, Flags, is_digits
from structgen.ir.regex import (
    ANY,
    END,
    EPSILON,
    EVERYTHING,
    START,
    Node,
    alternate,
    char,
    concat,
    look,
    repeat,
)

__all__ = ["is_hopeless_ecma", "is_valid_ecma", "parse_ecma"]

_MAX_DEPTH = 200
_ENDS_RUN = frozenset("^$\\.*+?()[{|")
_ENDS_RUN_STRICTLY = _ENDS_RUN | frozenset("]}")


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
    reader = _Reader(pattern, strict, Flags("i" in flags, "m" in flags, "s" in flags))
    node = reader.whole()
    return concat(EVERYTHING, node, EVERYTHING) if search else node


def is_valid_ecma(pattern: str) -> bool:
    """Whether ``pattern`` is one that the ``u`` flag of ECMA-262 allows, backreferences included."""
    try:
        reader = _Reader(pattern, True, Flags(), judge_only=True)
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
        _Reader(text, True, Flags(), judge_only=True).whole()
    except RegexSyntaxError as error:
        return any(mistake in error.message for mistake in _CERTAIN)
    except LimitError:
        return False
    return False


class _Reader(CharacterReader):
    """Recursive descent over the pattern."""

    def __init__(self, pattern: str, strict: bool, flags: Flags, *, judge_only: bool = False) -> None:
        super().__init__(pattern, strict, flags)
        self.depth = 0
        self.names: set[str] = set()
        self.n_groups = 0
        self.references: list[str] = []
        self.judge_only = judge_only

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
        if not is_digits(low) or (high and not is_digits(high)):
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
            elif not self.strict and self.eat(">"):
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

    def escape_term(self) -> Node:
        begin = self.at
        c = self.text[begin + 1 : begin + 2]
        word = WORD_IGNORING_CASE if self.flags.ignore_case else classes.ASCII_WORD
        anchors = {"b": classes.word_boundary, "B": classes.not_word_boundary}
        if c in anchors and c:
            self.at += 2
            return self.assertion(anchors[c](word), begin)
        if c and c in "AZz" and not self.strict:
            self.at += 2
            return self.assertion(START if c == "A" else END, begin)
        if c and c in "123456789":
            self.at += 2
            while self.peek() and is_digits(self.peek()):
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
