"""What a monitor allows next, as sets of bytes that a trie walk can follow.

A gate is the ``mask`` of monitor-guided decoding in byte form: after the current text,
which byte may come. Two shapes are enough. Where an identifier is due, the names
themselves are the identifier terminal (``NamesGate``); elsewhere a set of bytes
(``BytesGate``), such as "no closing parenthesis while an argument is missing".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from structgen.dtypes import WORD, TokenMask, freeze
from structgen.monitors.sites import IDENTIFIER_BYTES, is_identifier_byte
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["BytesGate", "Gate", "NameSet", "NamesGate"]

MOST_TABLES = 8
"""Vocabularies whose tables are kept."""
MOST_ROWS = 64
"""Masks kept per set of names, 16 KiB each for a vocabulary of 128k."""

_BEYOND = b"\xff"  # above every byte of UTF-8 text


def _is_identifier() -> npt.NDArray[np.bool_]:
    table = np.zeros(256, dtype=np.bool_)
    table[list(IDENTIFIER_BYTES)] = True
    table.flags.writeable = False
    return table


_IS_IDENTIFIER = _is_identifier()
_IS_IDENTIFIER_BYTE = _IS_IDENTIFIER.tolist()


@lru_cache(maxsize=64)
def _before(blanks: bytes, lifts: bytes) -> npt.NDArray[np.uint8]:
    """What a byte ahead of a name means: 1 the name is still to come, 2 the constraint is lifted."""
    table = np.zeros(256, dtype=np.uint8)
    table[list(blanks)] = 1
    table[list(lifts)] = 2
    table.flags.writeable = False
    return table


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

    def fill(self, vocabulary: Vocabulary, node: int, row: TokenMask) -> None:
        """Set in ``row`` the bits of tokens below trie ``node`` whose further bytes are allowed.

        Only this gate is asked: what a token does beyond the terminal is judged by the caller.
        """
        ...

    def shortest(self) -> bytes:
        """Fewest bytes after which the text may end."""
        ...


class NameSet:
    """Identifiers as sorted byte strings; made once per analysis, narrowed as a name is typed."""

    __slots__ = ("_rests", "_rows", "names")

    def __init__(self, names: Iterable[str]) -> None:
        # Code points and their UTF-8 bytes sort alike, and no name has a zero byte in it.
        text = sorted(set(names))
        self.names: list[bytes] = "\0".join(text).encode().split(b"\0") if text else []
        self._rests: dict[bytes, tuple[npt.NDArray[np.uint8], int]] = {}
        self._rows: dict[tuple[str, int, bytes, bytes, bytes, bool], TokenMask] = {}

    def span(self, typed: bytes) -> tuple[int, int]:
        """The range of names that start with ``typed``."""
        return bisect_left(self.names, typed), bisect_left(self.names, typed + _BEYOND)

    def rests_of(self, typed: bytes) -> list[bytes]:
        """What remains of the names that start with ``typed``, in order; what is complete already is left out."""
        if not typed:
            return self.names
        low, high = self.span(typed)
        return [name[len(typed) :] for name in self.names[low:high] if len(name) > len(typed)]

    def rests(self, typed: bytes) -> tuple[npt.NDArray[np.uint8], int]:
        """The same as ``name_walk`` reads them, and how many. ``boundary_row`` has what may follow a complete name."""
        found = self._rests.get(typed)
        if found is None:
            names = self.rests_of(typed)
            found = self._rests[typed] = np.frombuffer(b"\0".join(names) + b"\0", dtype=np.uint8), len(names)
        return found

    def row(
        self, vocabulary: Vocabulary, node: int, typed: bytes, *, blanks: bytes, lifts: bytes, past_only: bool = False
    ) -> TokenMask:
        """Tokens below ``node`` that the names allow (see ``kernels.names``); remembered, do not write to it."""
        key = (vocabulary.content_hash, node, typed, blanks, lifts, past_only)
        found = self._rows.get(key)
        if found is None:
            from structgen.kernels.names import name_walk

            found = np.zeros(vocabulary.n_words, dtype=WORD)
            name_walk(
                *_tables(vocabulary), node, *self.rests(typed), _IS_IDENTIFIER, _before(blanks, lifts), past_only, found
            )
            if node == 0 and typed in self:
                found |= boundary_row(vocabulary)
            if len(self._rows) >= MOST_ROWS:
                self._rows.clear()
            self._rows[key] = found
        return found

    def __contains__(self, name: bytes) -> bool:
        low = bisect_left(self.names, name)
        return low < len(self.names) and self.names[low] == name

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"NameSet({len(self.names)} names)"


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
        if byte in self.blanks or byte in self.lifts:
            return True
        low, high = self.names.span(self.typed + bytes((byte,)))
        return low < high or (not is_identifier_byte(byte) and self.typed in self.names)

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
        low, high = self.names.span(word)
        return (at - start) * (low < high)  # a mark behind half a name is left to the next gate

    def fill(self, vocabulary: Vocabulary, node: int, row: TokenMask) -> None:
        row |= self.names.row(vocabulary, node, self.typed, blanks=self.blanks, lifts=self.lifts)

    def within(self, accepts: Callable[[bytes], bool], is_allowed: npt.NDArray[np.bool_] | None = None) -> NamesGate:
        """The gate with only those names whose rest ``accepts`` takes (a grammar beside, say).

        ``is_allowed`` says of some rests that they are; the others are asked for one by one.
        """
        rests = self.names.rests_of(self.typed)
        known = [False] * len(rests) if is_allowed is None else is_allowed.tolist()
        refused = {rest for rest, fine in zip(rests, known, strict=True) if not fine and not accepts(rest)}
        if not refused:
            return self
        kept = [self.typed + rest for rest in rests if rest not in refused]
        if self.typed and self.typed in self.names:
            kept.append(self.typed)
        return NamesGate(NameSet(n.decode() for n in kept), self.typed, blanks=self.blanks, lifts=self.lifts)

    def allowed_in(self, vocabulary: Vocabulary, node: int, row: TokenMask) -> npt.NDArray[np.bool_]:
        """Of each rest of a name, whether it is one token below ``node`` that ``row`` allows."""
        from structgen.kernels.names import find_allowed

        first, children, child_byte, _, token_start, token_ids, _ = _tables(vocabulary)
        data, n_names = self.names.rests(self.typed)
        found = np.zeros(n_names, dtype=np.bool_)
        find_allowed(first, children, child_byte, token_start, token_ids, node, data, n_names, row, found)
        return found

    def shortest(self) -> bytes:
        low, high = self.names.span(self.typed)
        return min(self.names.names[low:high], key=len)[len(self.typed) :] if low < high else b""

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

    def fill(self, vocabulary: Vocabulary, node: int, row: TokenMask) -> None:
        row |= ~self.names.row(vocabulary, node, self.typed, blanks=b"", lifts=b"", past_only=True)

    def shortest(self) -> bytes:
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

    def fill(self, vocabulary: Vocabulary, node: int, row: TokenMask) -> None:
        trie = vocabulary.trie
        child, end = node + 1, int(trie.subtree_end[node])
        while child < end:
            after = int(trie.subtree_end[child])
            if int(trie.byte[child]) in self.allowed:
                ids = trie.token_ids[trie.token_start[child] : trie.token_start[after]].astype(np.int64)
                np.bitwise_or.at(row, ids >> 5, (np.uint32(1) << (ids & 31).astype(np.uint32)))
            child = after

    def shortest(self) -> bytes:
        return b"" if self.may_end else bytes(sorted(self.allowed)[:1])

    def __repr__(self) -> str:
        return f"BytesGate({bytes(sorted(self.allowed))!r})"


_BOUNDARIES: dict[str, TokenMask] = {}
_TABLES: dict[str, tuple[Any, ...]] = {}


def boundary_row(vocabulary: Vocabulary) -> TokenMask:
    """Tokens whose first byte cannot continue an identifier; made once per vocabulary."""
    row = _BOUNDARIES.get(vocabulary.content_hash)
    if row is None:
        row = np.zeros(vocabulary.n_words, dtype=WORD)
        BytesGate(b for b in range(256) if not _IS_IDENTIFIER[b]).fill(vocabulary, 0, row)
        row.flags.writeable = False
        _BOUNDARIES[vocabulary.content_hash] = row
    return row


def _tables(vocabulary: Vocabulary) -> tuple[Any, ...]:
    """The trie as ``name_walk`` reads it; made once per vocabulary."""
    tables = _TABLES.get(vocabulary.content_hash)
    if tables is None:
        from structgen.kernels.names import fill_children

        trie = vocabulary.trie
        first = np.zeros(trie.n_nodes + 1, dtype=np.int32)
        children = np.zeros(max(0, trie.n_nodes - 1), dtype=np.int32)
        fill_children(trie.subtree_end, first, children)
        listed = freeze(first, np.int32), freeze(children, np.int32), freeze(trie.byte[children], np.uint8)
        tables = (*listed, trie.subtree_end, trie.token_start, trie.token_ids, trie.max_depth)
        while len(_TABLES) >= MOST_TABLES:
            _TABLES.pop(next(iter(_TABLES)), None)
        _TABLES[vocabulary.content_hash] = tables
    return tables
