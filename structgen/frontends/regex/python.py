"""Python's ``re`` syntax, by way of Python's own parser.

``re._parser`` is private, but it has kept its tree for twenty years (as ``sre_parse`` before), and a
second reader of the same syntax would be wrong in corners that users know. Tests compare the
languages with ``re`` itself.
"""

from __future__ import annotations

import re
import sys
import warnings
from functools import lru_cache
from typing import Any

from structgen.errors import LimitError, RegexSyntaxError, UnsupportedError
from structgen.frontends.regex.classes import (
    ASCII_DIGIT,
    ASCII_SPACE,
    ASCII_WORD,
    DOT,
    LINE_END,
    LINE_START,
    PYTHON_END,
    fold_case,
    not_word_boundary,
    python_class,
    word_boundary,
)
from structgen.ir.regex import (
    ANY,
    END,
    EVERYTHING,
    NOTHING,
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

__all__ = ["parse_python"]

_EMPTY_HAS_NO_BOUNDARY = sys.version_info < (3, 14)
"""``\\B`` did not match in the empty text before Python 3.14."""
_ASCII_CLASSES = {"d": ASCII_DIGIT, "s": ASCII_SPACE, "w": ASCII_WORD}
_REFUSED = {
    "GROUPREF": ("backreference", r"\\[1-9]|\(\?P="),
    "GROUPREF_EXISTS": ("conditional", r"\(\?\("),
    "ATOMIC_GROUP": ("atomic group", r"\(\?>"),
    "POSSESSIVE_REPEAT": ("possessive quantifier", r"[*+?}]\+"),
}


@lru_cache(maxsize=2048)
def parse_python(pattern: str, flags: int = 0, *, search: bool = False) -> Node:
    """The texts that ``re.fullmatch(pattern, text, flags)`` matches; with ``search``, ``re.search``.

    Raises
    ------
    RegexSyntaxError : ``re`` cannot read the pattern; ``span`` is where it stopped
    UnsupportedError : ``keyword`` is ``"backreference"``, ``"conditional"``, ``"atomic group"`` or
        ``"possessive quantifier"``
    LimitError : the pattern is nested too deeply
    """
    from re import _parser  # type: ignore[attr-defined]

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            tree = _parser.parse(pattern, int(flags))
        node = _Reader(pattern).sequence(tree, tree.state.flags)
    except re.error as error:
        at = min(error.pos or 0, len(pattern))
        message = f"wrong regular expression: {error.msg}"
        raise RegexSyntaxError(message, source=pattern, span=(at, min(at + 1, len(pattern)))) from error
    except (ValueError, OverflowError) as error:
        raise RegexSyntaxError(f"wrong regular expression: {error}", source=pattern) from error
    except RecursionError as error:
        raise LimitError("the pattern is nested too deeply", what="depth", given=len(pattern)) from error
    return concat(EVERYTHING, node, EVERYTHING) if search else node


class _Reader:
    """Translates ``re``'s tree; flags change on the way down."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def sequence(self, tree: Any, flags: int) -> Node:
        return concat(*[self.item(str(op), value, flags) for op, value in tree])

    def item(self, op: str, value: Any, flags: int) -> Node:
        if op == "LITERAL":
            return _cased(char(value), flags)
        if op in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, body = value
            return repeat(self.sequence(body, flags), least, None if str(most) == "MAXREPEAT" else int(most))
        if op == "IN":
            return self.char_class(value, flags)
        if op == "SUBPATTERN":
            _, on, off, body = value
            return self.sequence(body, _switched(flags, on, off))
        if op == "BRANCH":
            return alternate(*[self.sequence(branch, flags) for branch in value[1]])
        if op == "NOT_LITERAL":
            return negate_set(_cased(char(value), flags))
        if op == "ANY":
            return ANY if flags & re.DOTALL else DOT
        if op == "AT":
            return self.position(str(value), flags)
        if op in ("ASSERT", "ASSERT_NOT"):
            direction, body = value
            return look(self.sequence(body, flags), behind=direction < 0, negative=op == "ASSERT_NOT")
        if op == "FAILURE":
            return NOTHING
        raise self.refusal(op)

    def position(self, at: str, flags: int) -> Node:
        word = ASCII_WORD if flags & re.ASCII else python_class("w")
        if at == "AT_BEGINNING":
            return LINE_START if flags & re.MULTILINE else START
        if at == "AT_END":
            return LINE_END if flags & re.MULTILINE else alternate(END, PYTHON_END)
        if at == "AT_BEGINNING_STRING":
            return START
        if at == "AT_END_STRING":
            return END
        if at == "AT_BOUNDARY":
            return word_boundary(word)
        if at == "AT_NON_BOUNDARY":
            return not_word_boundary(word, matches_empty_text=not _EMPTY_HAS_NO_BOUNDARY)
        raise self.refusal(at)

    def char_class(self, items: Any, flags: int) -> CharSet:
        negated = False
        ranges: list[tuple[int, int]] = []
        named: list[CharSet] = []
        for op, value in items:
            kind = str(op)
            if kind == "NEGATE":
                negated = True
            elif kind == "LITERAL":
                ranges.append((value, value))
            elif kind == "RANGE":
                ranges.append(value)
            else:
                named.append(_category(str(value), flags))
        found = _cased(char_set(ranges), flags)
        if named:
            found = set_union(found, *named)
        return negate_set(found) if negated else found

    def refusal(self, op: str) -> UnsupportedError:
        keyword, shape = _REFUSED.get(op.replace("GROUPREF_IGNORE", "GROUPREF"), (op.lower(), ""))
        found = re.search(shape, self.pattern) if shape else None
        return UnsupportedError(
            f"a {keyword} has no automaton",
            keyword=keyword,
            source=self.pattern,
            span=found.span() if found else None,
            hint="write out what it can match, or check it after generation",
        )


def _switched(flags: int, on: int, off: int) -> int:
    if on & (re.ASCII | re.UNICODE):
        flags &= ~(re.ASCII | re.UNICODE)
    return (flags | on) & ~off


def _cased(node: CharSet, flags: int) -> CharSet:
    return fold_case(node, bool(flags & re.ASCII)) if flags & re.IGNORECASE else node


def _category(name: str, flags: int) -> CharSet:
    letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}[name.rsplit("_", 1)[1]]
    found = _ASCII_CLASSES[letter] if flags & re.ASCII else python_class(letter)
    return negate_set(found) if "_NOT_" in name else found
