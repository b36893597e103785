"""What a monitor allows next, as sets of bytes that a trie walk can follow.

A gate is the ``mask`` of monitor-guided decoding in byte form: after the current text,
which byte may come. Two shapes are enough. Where an identifier is due, the names
themselves are the identifier terminal (``NamesGate``); elsewhere a set of bytes
(``BytesGate``), such as "no closing parenthesis while an argument is missing".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from structgen.dtypes import WORD, TokenMask, freeze
from structgen.monitors.sites import IDENTIFIER_BYTES, is_identifier_byte
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["BytesGate", "Gate", "NameSet", "NamesGate"]

_BEYOND = b"\xff"  # above every byte of UTF-8 text


def _is_identifier() -> npt.NDArray[np.bool_]:
    table = np.zeros(256, dtype=np.bool_)
    table[list(IDENTIFIER_BYTES)] = True
    table.flags.writeable = False
    return table


_IS_IDENTIFIER = _is_identifier()
_NO_BEFORE = freeze(np.zeros(256, dtype=np.uint8), np.uint8)


class Gate(Protocol):
    """The bytes that may come next; immutable."""

    @property
    def may_end(self) -> bool:
        """Whether the text may stop here."""
        ...

    def allows(self, byte: int) -> bool: ...

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

    __slots__ = ("_arrays", "names")

    def __init__(self, names: Iterable[str | bytes]) -> None:
        self.names: list[bytes] = sorted({n.encode() if isinstance(n, str) else n for n in names})
        self._arrays: dict[bytes, tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]] = {}

    def span(self, typed: bytes) -> tuple[int, int]:
        """The range of names that start with ``typed``."""
        return bisect_left(self.names, typed), bisect_left(self.names, typed + _BEYOND)

    def arrays(self, typed: bytes) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """What remains of the names that start with ``typed``, end to end, and their offsets."""
        found = self._arrays.get(typed)
        if found is None:
            low, high = self.span(typed)
            rest = [name[len(typed) :] for name in self.names[low:high]]
            offsets = np.zeros(len(rest) + 1, dtype=np.int64)
            np.cumsum([len(name) for name in rest], out=offsets[1:])
            data = freeze(np.frombuffer(b"".join(rest) or b"\0", dtype=np.uint8), np.uint8)
            found = self._arrays[typed] = data, freeze(offsets, np.int64)
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
        if not is_identifier_byte(byte):
            return self.typed in self.names
        longer = self.typed + bytes((byte,))
        low, high = self.names.span(longer)
        return low < high

    def fill(self, vocabulary: Vocabulary, node: int, row: TokenMask) -> None:
        from structgen.kernels.names import name_walk

        before = _NO_BEFORE
        if self.blanks or self.lifts:
            before = np.zeros(256, dtype=np.uint8)
            before[list(self.blanks)] = 1
            before[list(self.lifts)] = 2
            before.flags.writeable = False
        trie = vocabulary.trie
        data, offsets = self.names.arrays(self.typed)
        name_walk(
            trie.byte,
            trie.subtree_end,
            trie.token_start,
            trie.token_ids,
            max_depth(vocabulary),
            node,
            data,
            offsets,
            _IS_IDENTIFIER,
            before,
            False,
            row,
        )

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

    def fill(self, vocabulary: Vocabulary, node: int, row: TokenMask) -> None:
        from structgen.kernels.names import name_walk

        trie = vocabulary.trie
        data, offsets = self.names.arrays(self.typed)
        banned = np.zeros(vocabulary.n_words, dtype=WORD)
        name_walk(
            trie.byte,
            trie.subtree_end,
            trie.token_start,
            trie.token_ids,
            max_depth(vocabulary),
            node,
            data,
            offsets,
            _IS_IDENTIFIER,
            _NO_BEFORE,
            True,
            banned,
        )
        row |= ~banned

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


_DEPTHS: dict[str, int] = {}


def max_depth(vocabulary: Vocabulary) -> int:
    """Bytes of the longest token; the trie computes it anew at each call, so it is kept here."""
    depth = _DEPTHS.get(vocabulary.content_hash)
    if depth is None:
        depth = _DEPTHS[vocabulary.content_hash] = vocabulary.trie.max_depth
    return depth
