"""Texts that are regular expressions, as nearly as a small automaton can say.

Whether brackets balance is not regular. But down to a depth it is: the expression here follows
nesting to ``_DEPTH`` groups and lets everything pass below that. It holds every regular expression; what it
accepts is wrong only beyond that depth, or in what order and names decide (``{3,2}``, ``[z-a]``, properties,
backreferences, a quantified lookahead). Those few the check refuses; without this expression a
model could write ``*`` first and never be able to finish.

Following the order of ranges too was tried: 95 times the states, and past the time limit.
"""

from __future__ import annotations

from structgen.frontends.regex import parse_ecma
from structgen.ir.regex import EVERYTHING, Node, alternate, concat, literal, optional, star

__all__ = ["plain_regex", "regex"]

_DEPTH = 3
_HEX = "[0-9A-Fa-f]"
_CODE = rf"u(?:{_HEX}{{4}}|\{{{_HEX}+\}})|x{_HEX}{{2}}|c[A-Za-z]|[tnvfr0]"
_SYNTAX = r"[\^$\\.*+?()\[\]{}|/]"
_CLASS_ESCAPE = r"\\(?:[dDwWsS]|[pP]\{[A-Za-z0-9_=]+\})"
_QUANTIFIER = r"(?:[*+?]|\{\d+(?:,\d*)?\})\??"
_OPENING = r"\((?:\?(?::|<?[=!]|<[^=!>][^>]*>|[imsu\-]+:))?"


def regex() -> Node:
    """What ECMA-262 with the ``u`` flag allows, and a little more."""
    levels = [_sequence(None)]
    for _ in range(_DEPTH):
        levels.append(_sequence(levels[-1]))
    # One more group, and all is accepted.
    deep: Node = EVERYTHING
    for level in levels:
        deep = concat(level, parse_ecma(_OPENING), deep)
    return alternate(levels[-1], deep)


def plain_regex() -> Node:
    """Expressions that surely are right: no counts but plain ones, no ranges but of one kind, no groups by name."""
    levels = [_plain_sequence(None)]
    for _ in range(_DEPTH):
        levels.append(_plain_sequence(levels[-1]))
    return levels[-1]


def _plain_sequence(inner: Node | None) -> Node:
    atoms: list[Node] = [
        parse_ecma(rf"[^\^$\\.*+?()\[\]{{}}|]|\.|\\(?:[dDwWsStnvfr]|{_SYNTAX})"),
        _plain_class(),
    ]
    if inner is not None:
        atoms.append(concat(parse_ecma(r"\((?:\?:)?"), inner, literal(")")))
    counts = "|".join(rf"{low}(?:,[{low}-9]?)?" for low in range(10))
    quantified = concat(alternate(*atoms), optional(parse_ecma(rf"(?:[*+?]|\{{(?:{counts})\}})\??")))
    return star(alternate(parse_ecma(r"[\^$|]|\\[bB]"), quantified))


def _plain_class() -> Node:
    """``[...]`` of letters, digits, some signs, classes, and ranges within digits, capitals or small letters."""
    ranges = [
        f"{chr(low)}-[{chr(low)}-{end}]" for first, end in ("09", "AZ", "az") for low in range(ord(first), ord(end) + 1)
    ]
    single = r"[0-9A-Za-z_ .,:;!@#%&*+=~<>?\/(){}|'$]|\\[dDwWsStnvfr]|\\" + _SYNTAX
    return parse_ecma(rf"\[\^?(?:{'|'.join(ranges)}|{single})*-?\]")


def _sequence(inner: Node | None) -> Node:
    """A disjunction whose groups hold ``inner``."""
    atoms: list[Node] = [
        parse_ecma(rf"[^\^$\\.*+?()\[\]{{}}|]|\.|{_CLASS_ESCAPE}|\\(?:{_CODE}|{_SYNTAX}|[1-9]\d*|k<[^>]+>)"),
        _char_class(),
    ]
    if inner is not None:
        atoms.append(concat(parse_ecma(_OPENING), inner, literal(")")))
    quantified = concat(alternate(*atoms), optional(parse_ecma(_QUANTIFIER)))
    return star(alternate(parse_ecma(r"[\^$|]|\\[bB]"), quantified))


def _char_class() -> Node:
    """``[...]``; what a class escape leaves open, ``[\\d-z]``, is the check's."""
    return parse_ecma(rf"\[\^?(?:[^\\\]]|{_CLASS_ESCAPE}|\\(?:{_CODE}|{_SYNTAX}|[b\-]))*\]")
