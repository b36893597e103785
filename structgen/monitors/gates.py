"""What a monitor allows next, as sets of bytes that a trie walk can follow.

A gate is the ``mask`` of monitor-guided decoding in byte form: after the current text,
which byte may come. Two shapes are enough. Where an identifier is due, the names
themselves are the identifier terminal (``NamesGate``); elsewhere a set of bytes
(``BytesGate``), such as "no closing parenthesis while an argument is missing".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from structgen.dtypes import WORD, TokenMask
from structgen.monitors.name_tables import IS_IDENTIFIER, NOT_IDENTIFIER, NameSet, NameTables, as_array
from structgen.monitors.sites import is_identifier_byte

__all__ = ["BytesGate", "ExceptGate", "Gate", "NameSet", "NamesGate"]


_IS_IDENTIFIER_BYTE = IS_IDENTIFIER.tolist()


@lru_cache(maxsize=64)
def _is_lifted(lifts: bytes) -> npt.NDArray[np.bool_]:
    table = np.zeros(256, dtype=np.bool_)
    table[list(lifts)] = True
    table.flags.writeable = False
    return table


_ANY_BYTE = frozenset(range(256))


class Gate(Protocol):
    """The bytes that may come next; immutable."""

    @property
    def may_end(self) -> bool:
        """Whether the text may stop here."""
        ...

    def allows(self, byte: int) -> bool: ...

    def reads(self, data: bytes, start: int) -> int:
        """Bytes of ``data`` from ``start`` on that this gate has judged and lets pass; 0 where it refuses one.

        At least the first is judged. A name is judged to its end, so that a gate need not
        be made anew for each of its bytes.
        """
        ...

    def cut(self, tables: NameTables, node: int, others: TokenMask, row: TokenMask) -> None:
        """Clear in ``row`` all but ``others`` and the tokens below trie ``node`` whose further bytes are allowed.

        Only this gate is asked: what a token does beyond the terminal is judged by the caller.
        """
        ...

    def shortest(self) -> bytes:
        """Fewest bytes after which the text may end."""
        ...


class NamesGate:
    """``blanks* name boundary``, of which ``typed`` is there already.

    Parameters
    ----------
    names : the identifiers that may stand here
    typed : the part of the identifier that the text has; some name must start with it
    blanks : bytes that may come first while nothing is typed
    lifts : bytes that lift the constraint while nothing is typed (a comment's ``#``, or an
        underscore where private names are not listed)
    """

    __slots__ = ("blanks", "lifts", "names", "typed")

    def __init__(self, names: NameSet, typed: bytes = b"", *, blanks: bytes = b"", lifts: bytes = b"") -> None:
        self.names = names
        self.typed = typed
        self.blanks = b"" if typed else blanks
        self.lifts = b"" if typed else lifts

    @property
    def may_end(self) -> bool:
        return self.typed in self.names

    def allows(self, byte: int) -> bool:
        if byte in self.blanks or byte in self.lifts or self.names.has_prefix(self.typed + bytes((byte,))):
            return True
        return not is_identifier_byte(byte) and self.typed in self.names

    def reads(self, data: bytes, start: int) -> int:
        """See ``Gate``: the blanks, the rest of the name, and the byte behind it."""
        at, end = start, len(data)
        while at < end and data[at] in self.blanks:
            at += 1
        name = at
        if at < end and data[at] in self.lifts:
            return at + 1 - start
        while at < end and _IS_IDENTIFIER_BYTE[data[at]]:
            at += 1
        if at == name:
            # A mark: it ends what is typed, or belongs to names that are more than identifiers.
            return (at - start) if at == end else (at + 1 - start) * self.allows(data[at])
        word = self.typed + data[name:at]
        if at < end and word in self.names:
            return at + 1 - start
        return (at - start) * self.names.has_prefix(word)  # a mark behind half a name is left to the next gate

    def cut(self, tables: NameTables, node: int, others: TokenMask, row: TokenMask) -> None:
        """See ``Gate``."""
        typed, names = self.typed, self.names
        starts, base = tables.before(node, self.blanks, self.lifts, is_complete=typed in names)
        lifted = _is_lifted(self.lifts)
        tables.cut_names(tables.trie, starts, names.data, as_array(typed), IS_IDENTIFIER, lifted, base, others, row)

    def single_tokens(self, tables: NameTables, node: int, row: TokenMask) -> npt.NDArray[np.bool_]:
        """Of each name, whether the rest of it is one token below ``node`` that ``row`` allows."""
        found = np.zeros(len(self.names), dtype=np.bool_)
        tables.find_allowed(tables.trie, int(tables.place[node]), self.names.data, as_array(self.typed), row, found)
        return found

    def within(self, accepts: Callable[[bytes], bool], is_known: npt.NDArray[np.bool_] | None = None) -> NamesGate:
        """The gate with only those names whose rest ``accepts`` takes (a grammar beside, say).

        ``is_known`` says of some names that they are taken; the others are asked for one by one.
        """
        n_typed, kept, refused = len(self.typed), [], False
        known = [False] * len(self.names) if is_known is None else is_known.tolist()
        for name, fine in zip(self.names.names, known, strict=True):
            if not name.startswith(self.typed):
                continue
            if fine or len(name) == n_typed or accepts(name[n_typed:]):
                kept.append(name)
            else:
                refused = True
        if not refused:
            return self
        return NamesGate(NameSet(name.decode() for name in kept), self.typed, blanks=self.blanks, lifts=self.lifts)

    def shortest(self) -> bytes:
        """See ``Gate``."""
        rests = [name[len(self.typed) :] for name in self.names.names if name.startswith(self.typed)]
        return min(rests, key=lambda rest: (len(rest), rest), default=b"")

    def __repr__(self) -> str:
        return f"NamesGate({len(self.names)} names, typed {self.typed!r})"


class ExceptGate:
    """Any identifier but these; ``typed`` is there already."""

    __slots__ = ("names", "typed")

    def __init__(self, names: NameSet, typed: bytes = b"") -> None:
        self.names = names
        self.typed = typed

    @property
    def may_end(self) -> bool:
        return self.typed not in self.names

    def allows(self, byte: int) -> bool:
        return is_identifier_byte(byte) or self.typed not in self.names

    def reads(self, data: bytes, start: int) -> int:
        """See ``Gate``."""
        return int(self.allows(data[start]))

    def cut(self, tables: NameTables, node: int, others: TokenMask, row: TokenMask) -> None:
        """See ``Gate``."""
        banned = np.zeros(len(row), dtype=WORD)
        starts, _ = tables.before(node, b"", b"", is_complete=False)
        tables.add_names(
            tables.trie, starts, self.names.data, as_array(self.typed), IS_IDENTIFIER, _is_lifted(b""), True, banned
        )
        if self.typed in self.names:
            banned |= tables.after(node, NOT_IDENTIFIER)
        row &= others | (tables.after(node, _ANY_BYTE) & ~banned)

    def shortest(self) -> bytes:
        """See ``Gate``."""
        return b"" if self.may_end else b"_"

    def __repr__(self) -> str:
        return f"ExceptGate({len(self.names)} names, typed {self.typed!r})"


class BytesGate:
    """The next byte is one of ``allowed``."""

    __slots__ = ("allowed", "may_end")

    def __init__(self, allowed: Iterable[int], *, may_end: bool = True) -> None:
        self.allowed = frozenset(allowed)
        self.may_end = may_end

    def allows(self, byte: int) -> bool:
        return byte in self.allowed

    def reads(self, data: bytes, start: int) -> int:
        """See ``Gate``."""
        return int(data[start] in self.allowed)

    def cut(self, tables: NameTables, node: int, others: TokenMask, row: TokenMask) -> None:
        """See ``Gate``."""
        row &= others | tables.after(node, self.allowed)

    def shortest(self) -> bytes:
        """See ``Gate``."""
        return b"" if self.may_end else bytes(sorted(self.allowed)[:1])

    def __repr__(self) -> str:
        return f"BytesGate({bytes(sorted(self.allowed))!r})"
