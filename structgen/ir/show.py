"""Canonical text of an expression, for messages, ``explain`` and golden tests.

Close to the notation people know, with ``&`` for intersection and ``~(...)`` for complement. It
is for reading, not for parsing back: nothing is escaped twice, and looks print as their shortest name.
"""

from __future__ import annotations

from structgen.ir.regex import (
    ANY,
    END,
    START,
    Alternate,
    CharSet,
    Complement,
    Concat,
    Epsilon,
    Intersect,
    Look,
    Node,
    Repeat,
    negate_set,
)

__all__ = ["show"]

_SPECIAL = frozenset("\\^$.|?*+()[]{}&~-")
_CHOICE, _BOTH, _SEQUENCE, _ATOM = range(4)


def show(node: Node) -> str:
    """The text of ``node``.

    Examples
    --------
    >>> from structgen.ir.regex import char_set, concat, literal, repeat
    >>> show(concat(literal("v"), repeat(char_set([(0x30, 0x39)]), 1, 3)))
    'v[0-9]{1,3}'
    """
    return _show(node, _CHOICE)


def _show(node: Node, binding: int) -> str:
    """``node`` in brackets if it binds less than its surroundings ask."""
    text, own = _text(node)
    return f"({text})" if own < binding else text


def _text(node: Node) -> tuple[str, int]:
    if isinstance(node, Epsilon):
        return "()", _ATOM
    if isinstance(node, CharSet):
        return _set_text(node), _ATOM
    if isinstance(node, Concat):
        return "".join(_show(p, _SEQUENCE) for p in node.parts), _SEQUENCE
    if isinstance(node, Alternate):
        return "|".join(_show(p, _BOTH) for p in node.options), _CHOICE
    if isinstance(node, Intersect):
        return "&".join(_show(p, _SEQUENCE) for p in node.parts), _BOTH
    if isinstance(node, Complement):
        return f"~({_show(node.node, _CHOICE)})", _ATOM
    if isinstance(node, Repeat):
        return _show(node.node, _ATOM) + _count(node), _SEQUENCE
    return _look_text(node), _ATOM


def _count(node: Repeat) -> str:
    if node.max is None:
        return {0: "*", 1: "+"}.get(node.min, f"{{{node.min},}}")
    if (node.min, node.max) == (0, 1):
        return "?"
    return f"{{{node.min}}}" if node.min == node.max else f"{{{node.min},{node.max}}}"


def _look_text(node: Look) -> str:
    if node == START:
        return "^"
    if node == END:
        return "$"
    return f"(?{'<' if node.behind else ''}{'!' if node.negative else '='}{_show(node.node, _CHOICE)})"


def _set_text(node: CharSet) -> str:
    if node == ANY:
        return "."
    if not node.ranges:
        return "[]"
    if len(node.ranges) == 1 and node.ranges[0][0] == node.ranges[0][1]:
        return _char_text(node.ranges[0][0])
    inverse = negate_set(node)
    shown, sign = (inverse, "^") if len(inverse.ranges) < len(node.ranges) else (node, "")
    parts = [_char_text(lo) if lo == hi else f"{_char_text(lo)}-{_char_text(hi)}" for lo, hi in shown.ranges]
    return f"[{sign}{''.join(parts)}]"


def _char_text(code: int) -> str:
    c = chr(code)
    if c in _SPECIAL:
        return f"\\{c}"
    return c if 0x20 < code < 0x7F or (code > 0xA0 and c.isprintable()) else f"\\u{{{code:X}}}"
