"""Whether the beginning of a regular expression can still become one.

What an automaton leaves to its judge would otherwise come out at the closing quote, when nothing can be mended: a
range that runs backwards, a group that is never named. So the beginning is judged wherever such a thing may have
happened, and ``kind_of`` and ``doubtful`` say where it may, so that a mask need not try every token: a kind is
a set of bits, and after a text only the tokens of its doubtful kinds are tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from structgen.frontends.regex import is_hopeless_ecma, properties_from
from structgen.ir.beginnings import FIRST

__all__ = ["RegexBeginnings"]

_ALWAYS = 16
_PROPERTY = re.compile(r"(?:^|[^\\])(?:\\\\)*\\[pP]\{([A-Za-z0-9_=]*)$")
_REPEATED = re.compile(r"(?:[$^]|\\[bB])[*+?{]")
_LOOK = re.compile(r"\(\?<?[=!]")
_BOUNDS = re.compile(r"(?=(.)-(.))", re.DOTALL)
_LONGEST_ESCAPE = 16
"""Characters of two escapes that may stand for one, and some more."""
_RANGE, _BRACE, _NAME, _QUANTIFIER = 1, 2, 4, 8


class RegexBeginnings:
    """The beginnings of regular expressions: a range or count out of order, or an unknown property, is final."""

    def __call__(self, text: str) -> bool:
        """Whether ``text`` has no mistake that nothing behind it mends."""
        named = _PROPERTY.search(text)
        if named is not None and next(properties_from(named[1]), None) is None:
            return False
        return not is_hopeless_ecma(text)

    def kind_of(self, token: str) -> int:
        """Whether ``token`` may end one of the things that can be wrong."""
        kind = FIRST
        for character, bit in (("-", _RANGE), ("}", _BRACE), (">", _NAME), ("*", _QUANTIFIER), ("+", _QUANTIFIER),
                               ("?", _QUANTIFIER), (")", _QUANTIFIER)):  # fmt: skip
            if character in token:
                kind |= bit
        if ("[" in token and "-" in token) or ("{" in token and "}" in token) or "(?" in token:
            kind |= _ALWAYS
        return kind

    def doubtful(self, text: str) -> int:
        """What is open at the end of ``text``, roughly."""
        if _PROPERTY.search(text) is not None:
            return -1
        kinds = _ALWAYS
        opened = text.rfind("[")
        if opened >= 0 and "]" not in text[opened + 2 :]:
            kinds |= _RANGE
            if re.search(r"-(?:\\[^\]]{0,9})?$", text) is not None:
                kinds |= FIRST
        if "{" in text:
            kinds |= _BRACE
        if "(?<" in text:
            kinds |= _NAME
        if text.count("(") > 2 or "(?" in text or ")" in text:
            kinds |= _QUANTIFIER
        return kinds

    def may_spoil(self, text: str, piece: str) -> bool:
        """Whether ``piece`` may bring a mistake about: what brings each about is looked for, not read."""
        both = text + piece
        if "\\p" in both or "\\P" in both:
            return True
        if ("}" in piece and "{" in both) or (">" in piece and "(?<" in both):
            return True
        near = text[-_LONGEST_ESCAPE:] + piece
        if "-" in near:
            if "\\" in piece or "\\" in text[text.rfind("[") :]:
                return True
            if any(low > high for low, high in _BOUNDS.findall(text[-2:] + piece)):
                return True
        if _REPEATED.search(text[-2:] + piece) is not None or _LOOK.search(both) is not None:
            return True
        return ")" in piece and _may_close_too_many(both)

    def endings(self, text: str) -> Iterator[str]:
        """Ways to close what is open."""
        groups = ")" * text.count("(")
        named, referred = _PROPERTY.search(text), re.search(r"\\k(?:<([^>]*))?$", text)
        if named is not None:
            for name in properties_from(named[1]):
                for bracket in ("", "]"):
                    yield from (name[len(named[1]) :] + "}" + bracket + groups[:n] for n in range(len(groups) + 1))
                break
        if referred is not None:
            name = referred[1] or "a"
            ending = ("<a>" if referred[1] is None else "a>" if not referred[1] else ">") + f"(?<{name}>)"
            yield from (ending + groups[:n] for n in range(len(groups) + 1))
        for name in re.findall(r"\\k<([^>]+)>", text):
            if f"(?<{name}>" not in text:
                yield from (f"(?<{name}>)" + groups[:n] for n in range(len(groups) + 1))
        for last in ("", "a", "0", "0}", "}", ">a)", "\\"):
            for bracket in ("", "]"):
                for n in range(1 + text.count("(")):
                    yield last + bracket + ")" * n


def _may_close_too_many(text: str) -> bool:
    """Whether a bracket may close no group; any may, where brackets can be characters."""
    if "\\" in text or "[" in text:
        return True
    n_open = 0
    for bracket in text:
        n_open += (bracket == "(") - (bracket == ")")
        if n_open < 0:
            return True
    return False
