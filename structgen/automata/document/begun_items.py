"""Objects and arrays that are being read, and whether they may come to equal others.

Members that are done are compared. What has been read is taken apart once, from where it was taken apart before,
and held against each value at the price of comparing its members as texts. Names that come again replace what stood
under them, as readers have it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from structgen.automata.document.comparing import begun_of
from structgen.automata.document.judge import canonical, parsed, value_of

__all__ = ["NOTHING_READ", "BegunItem", "may_equal", "read_on", "strings_that_equal"]

MOST_TEXTS = 4096
"""Canonical texts of which the members are remembered."""
_LEXEME = re.compile(rb'[ \t\r\n,:]*(?:("(?:[^"\\]|\\.)*")|([\[{])|([\]}])|([^"\[\]{} \t\r\n,:]+))', re.DOTALL)
_BLANKS = b" \t\r\n,:"
_WORDS = (b"true", b"false", b"null")
Members = dict[Any, str]
"""Canonical texts, by name or by number."""
_NONE: Members = {}


class Level(NamedTuple):
    """An open object or array."""

    is_object: bool
    done: Members
    """Members that are done; not written to once the level is handed on."""
    name: str | None
    """The name of the member at hand, where it has come."""


class BegunItem(NamedTuple):
    """An item as far as it has been read."""

    read: bytes
    """What ``levels`` tell of."""
    levels: tuple[Level, ...]
    """Open containers, the outermost first; none before the first bracket."""
    tail: bytes
    """A string, number or word behind them that is not done, and nothing where there is none."""


NOTHING_READ = BegunItem(b"", (), b"")


def read_on(begun: BegunItem, item: bytes) -> BegunItem:
    """``item`` taken apart; ``begun`` is what was made of a beginning of it, or else saves nothing."""
    if not item.startswith(begun.read):
        begun = NOTHING_READ
    at = len(begun.read)
    levels = [Level(level.is_object, dict(level.done), level.name) for level in begun.levels]
    while True:
        match = _LEXEME.match(item, at)
        if match is None or (match[4] and match.end() == len(item) and match[4] not in _WORDS):
            return BegunItem(item[:at], tuple(levels), item[at:].lstrip(_BLANKS))
        at = match.end()
        if match[2]:
            levels.append(Level(match[2] == b"{", {}, None))
        elif match[3]:
            done = levels.pop()
            text = _container(done)
            if not levels:
                return BegunItem(item[:at], (done,), b"")
            _add(levels, text)
        elif match[1] and levels[-1].is_object and levels[-1].name is None:
            name: str = json.loads(match[1])
            levels[-1].done.pop(name, None)
            levels[-1] = levels[-1]._replace(name=name)
        else:
            _add(levels, canonical(parsed(match[0].lstrip(_BLANKS))))


def _add(levels: list[Level], text: str) -> None:
    """A member of the innermost container is done."""
    level = levels[-1]
    level.done[level.name if level.is_object else len(level.done)] = text
    levels[-1] = level._replace(name=None)


def _container(level: Level) -> str:
    """The canonical text of a container that is done."""
    if not level.is_object:
        return f"[{', '.join(level.done.values())}]"
    members = (f"{json.dumps(name)}: {text}" for name, text in sorted(level.done.items()))
    return f'{{"o": {{{", ".join(members)}}}}}'


@lru_cache(maxsize=MOST_TEXTS)
def _members(text: str) -> Members:
    """The members of an object or array, by its canonical text; not to be written to."""
    value = value_of(text)
    pairs = value.items() if type(value) is dict else enumerate(value)
    return {name: canonical(inner) for name, inner in pairs}


def _at_hand(begun: BegunItem, text: str) -> tuple[Members, str | None] | None:
    """Where ``begun`` stands if the item is to equal a canonical text; None where it cannot.

    That is the members of the innermost open container, and what is to stand at hand there: none where a name is due,
    or where there is no further item.
    """
    members, following = _NONE, text
    for level in begun.levels:
        if not following.startswith('{"o"' if level.is_object else "["):
            return None
        members = _members(following)
        if not level.done.items() <= members.items():
            return None
        found = members.get(level.name if level.is_object else len(level.done))
        if found is None:
            # Only of the innermost container the next member need not have begun.
            is_open = level is begun.levels[-1] and level.name is None and (level.is_object or not begun.tail)
            return (members, None) if is_open else None
        following = found
    return members, following


def strings_that_equal(begun: BegunItem, text: str) -> Iterator[tuple[bytes, bool]]:
    """What a string at hand may come to if the item is to equal a canonical text; of a name, what some member has.

    Each with whether nothing but brackets is missing then.
    """
    found = _at_hand(begun, text)
    if found is None:
        return
    members, following = found
    if following is None:
        yield from ((name.encode(), False) for name in members if type(name) is str)
    elif following.startswith('"'):
        content: str = value_of(following)
        yield content.encode(), _is_last(begun, text)


def _is_last(begun: BegunItem, text: str) -> bool:
    """Whether all members but those at hand are done."""
    for level in begun.levels:
        members = _members(text)
        if len(level.done) + 1 < len(members):
            return False
        text = members[level.name if level.is_object else len(level.done)]
    return True


def may_equal(begun: BegunItem, text: str) -> bool:
    """Whether the item may come to equal a canonical text; False is sure, and True is not."""
    if begun.tail.startswith(b'"'):
        string = begun_of(begun.tail[1:])
        return string is not None and any(own.startswith(string.content) for own, _ in strings_that_equal(begun, text))
    return _at_hand(begun, text) is not None
