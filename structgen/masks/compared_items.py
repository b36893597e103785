"""Masks inside arrays that compare their items: those of an array that compares none, corrected.

The text of the items so far stands in the configuration, so no mask of such an array is another's. But what a token
can do wrong by repeating an item is little: it may end the string at hand where it equals one that has come, hold a
whole item, or go on along one that has come where only that is left to end it (``automata.document.comparing``). So
the mask is taken from the place in an array without the comparison, which many places share, and those few tokens
are decided: by what they spell, or, where they hold several items, by reading them.

Objects and arrays that are items are asked to differ as a goal, or, where that would be many schemas, compared when
they end: as long as what has been read of one differs from them all, which its first members mostly tell, nothing is to
be corrected. Left to a walk are arrays that ask more of their items than one goal and a number of them, strings of few
texts (they are asked to differ as a goal), and items of which hardly another value is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from structgen.automata.document.begun_items import NOTHING_READ, BegunItem, may_equal, read_on, strings_that_equal
from structgen.automata.document.comparing import Begun, begun_of, strings_of
from structgen.dtypes import IntArray, TokenMask
from structgen.kernels import document as K
from structgen.masks.compared_constants import ComparedConstants
from structgen.masks.item_tokens import Holding, item_tokens
from structgen.masks.mask import is_allowed

if TYPE_CHECKING:
    from structgen.automata.document.automaton import Config
    from structgen.masks.document_machine import DocumentMachine

__all__ = ["ComparedItems"]

MOST_PLACES = 1 << 14
"""Frames and stack cells of which something is remembered."""
MOST_KEPT = 256
"""Frames of which it is remembered what has come."""
_STRUCTURAL = (K.M_VALUE, K.M_FIRST_ITEM, K.M_AFTER)
_TEXT = (K.M_FREE, K.M_CONTENT, K.M_LITERAL)
_NOWHERE = -1
_NONE: IntArray = np.empty(0, np.int32)
_CONTENT = re.compile(rb'(?:[^"\\]|\\.)*\\?', re.DOTALL)
_SHORT = {b"\b": b"b", b"\f": b"f", b"\n": b"n", b"\r": b"r", b"\t": b"t", b'"': b'"', b"\\": b"\\", b"/": b"/"}
"""What stands behind the backslash in short escapes."""


def _is_whole(content: bytes) -> bool:
    """Whether a text ends between characters."""
    return content[-1:] < b"\x80" or content.decode("utf-8", "ignore").encode("utf-8") == content


class _Place(NamedTuple):
    """What is known of an array between two items, or within a string that is one."""

    plain: tuple[int, int] | None
    """The frame of an array that compares none with the next items, and its register."""
    spec: int
    """How a string is read that is compared as this module does; else 0."""
    is_told: bool
    """Whether nothing else is compared."""
    strings: tuple[bytes, ...]
    """Those that have come."""
    n_left: IntArray
    """Where strings are constants, how many are left before each; else empty."""
    holding: tuple[int, ...]
    """Tokens that close a string and hold or begin another, and must be read whatever the string is."""
    others: tuple[Holding, ...]
    """The others that do."""


class ComparedItems:
    """Masks of one machine where arrays are open that compare their items."""

    def __init__(self, machine: DocumentMachine) -> None:
        self._machine = machine
        self._automaton = machine.automaton
        self._comparing = machine.automaton.arrays.comparing
        self._trie = machine.vocabulary.trie
        self._body = machine.strings.body
        self._tokens = item_tokens(machine.vocabulary)
        self._constants = ComparedConstants(self._comparing, self._tokens, self._body, machine.vocabulary.tokens)
        self._places: dict[int, _Place] = {}
        self._cells: dict[int, int] = {}
        self._doubts: dict[int, list[int]] = {}
        self._rooms: dict[int, bool] = {}
        self._judged_in: dict[int, tuple[str, ...]] = {}
        self._begun_in: dict[int, BegunItem] = {}

    def fill(self, config: Config, row: TokenMask) -> bool:
        """Fill ``row``; False where a walk must do it."""
        if not self._automaton.keeps_items(config[K.R_FRAME]):
            return self._fill_inside(config, row)
        mode, place = config[K.R_MODE], self._place(config[K.R_FRAME])
        in_text = mode in _TEXT
        if place.plain is None or not (place.spec if in_text else place.is_told and mode in _STRUCTURAL):
            return False
        self._machine.fill_mask((*config[: K.R_FRAME], *place.plain, *config[K.R_CELL : -1]), row)
        doubtful = self._in_text(config, place, row) if in_text else self._between(config[K.R_FRAME], place, row)
        for token in doubtful:
            if is_allowed(row, token) and self._machine.advance(config, token) is None:
                _forbid(row, token)
        return True

    def _place(self, frame: int) -> _Place:
        found = self._places.get(frame)
        if found is None:
            if len(self._places) >= MOST_KEPT:
                self._places.clear()
            found = self._places[frame] = self._new_place(frame)
        return found

    def _new_place(self, frame: int) -> _Place:
        state = self._automaton.arrays.states[frame]
        strings, spec = strings_of(state.kept), self._comparing.spec(state)
        n_judged = len(state.kept) - len(self._comparing.asked(state))
        is_told = not n_judged or (spec != 0 and n_judged == len(strings))
        is_constant = self._automaton.tables.specs[spec, K.SPEC_KIND] == K.CLOSED_SET
        n_left = self._constants.n_left(spec, strings) if is_constant else _NONE
        come, holding, others = sorted(strings), list[int](), list[Holding]()
        for held in self._tokens.within:
            if held.escapes and is_constant:
                continue  # so many constants are left that one is not empty
            if held.holds_some(come):
                holding.append(held.token)
            else:
                others.append(held)
        plain = self._comparing.plain(state)
        return _Place(plain, spec, is_told, strings, n_left, tuple(holding), tuple(others))

    def _fill_inside(self, config: Config, row: TokenMask) -> bool:
        """The same within an object or array that is an item, or part of one."""
        place = self._cell(config[K.R_CELL])
        if place == _NOWHERE:
            return False
        found, reach = self._machine.row((*config[: K.R_CELL], place))
        tables, keepers = self._automaton.tables, list(config[K.CONFIG_WIDTH :])
        in_string = config[K.R_MODE] in _TEXT
        cell, depth, doubtful = config[K.R_CELL], 1, list[int]()
        while cell and depth < reach:
            frame, _, cell = tables.cell_list[cell]
            if self._automaton.keeps_items(frame):
                item = keepers.pop()
                if not self._has_others(frame):
                    return False
                if self._may_repeat(frame, item):
                    if not in_string or config[K.R_ESC] or not _is_whole(item):
                        return False
                    doubtful += self._repeating(frame, item, found)
                doubtful += _allowed(found, self._tokens.behind_item[in_string])
            depth += 1
        row[:] = found
        for token in doubtful:
            if self._machine.advance(config, token) is None:
                _forbid(row, token)
        return True

    def _repeating(self, frame: int, item: bytes, row: TokenMask) -> Iterator[int]:
        """Allowed tokens that end a string and then perhaps the item around it, which may then be one before."""
        begun = self._begun(frame, item)
        string = begun_of(begun.tail[1:])
        assert string is not None, "it has been read"
        known = dict[bytes, bool]()
        for judged in self._judged(frame):
            for text, is_last in strings_that_equal(begun, judged):
                known[text] = is_last or known.get(text, False)
        for text, is_last in known.items():
            if text.startswith(string.content):
                ending, going_on = self._tokens.closing_item.get(text[len(string.content) :], ((), ()))
                yield from (token for token in (*going_on, *ending * is_last) if is_allowed(row, token))

    def ends_differ(self, config: Config) -> bool:
        """Whether it hangs on its text if the item at hand may end there, beyond what the automaton knows."""
        automaton = self._automaton
        frame, cell = config[K.R_FRAME], config[K.R_CELL]
        if automaton.keeps_items(frame):
            return self._comparing.spec(automaton.arrays.states[frame]) != 0
        keepers = [keeper for keeper in config[K.CONFIG_WIDTH :] if type(keeper) is bytes]
        while cell:
            frame, _, cell = automaton.tables.cell_list[cell]
            if automaton.keeps_items(frame) and self._may_repeat(frame, keepers.pop()):
                return True
        return False

    def _may_repeat(self, frame: int, item: bytes) -> bool:
        """Whether an object or array may come to equal one before that it was not asked to differ from."""
        judged = self._judged(frame)
        if not judged:
            return False
        begun = self._begun(frame, item)
        return any(may_equal(begun, text) for text in judged)

    def _judged(self, frame: int) -> tuple[str, ...]:
        """The objects and arrays before that the item at hand was not asked to differ from."""
        found = self._judged_in.get(frame)
        if found is None:
            state = self._automaton.arrays.states[frame]
            judged = set(state.kept).difference(self._comparing.asked(state))
            if len(self._judged_in) >= MOST_PLACES:
                self._judged_in.clear()
            found = self._judged_in[frame] = tuple(text for text in judged if not text.startswith('"'))
        return found

    def _begun(self, frame: int, item: bytes) -> BegunItem:
        """An item taken apart, mostly from where the token before has left it."""
        known = self._begun_in.get(frame, NOTHING_READ)
        if len(self._begun_in) >= MOST_PLACES:
            self._begun_in.clear()
        found = self._begun_in[frame] = read_on(known, item)
        return found

    def _has_others(self, frame: int) -> bool:
        """Whether, whatever the item at hand comes to, enough other values are left for the next ones."""
        found = self._rooms.get(frame)
        if found is None:
            if len(self._rooms) >= MOST_PLACES:
                self._rooms.clear()
            found = self._rooms[frame] = self._comparing.has_others(self._automaton.arrays.states[frame])
        return found

    # -- the place without comparisons -----------------------------------------------------------

    def _cell(self, cell: int) -> int:
        """The stack cell of the same containers, comparing nothing; ``_NOWHERE`` where there is none."""
        if not cell:
            return 0
        found = self._cells.get(cell)
        if found is None:
            tables = self._automaton.tables
            frame, count, parent = tables.cell_list[cell]
            below, place = self._cell(parent), (frame, count)
            if self._automaton.keeps_items(frame):
                place = self._comparing.plain(self._automaton.arrays.states[frame]) or (_NOWHERE, 0)
            found = _NOWHERE if _NOWHERE in (below, place[0]) else tables.cell(*place, below)
            if len(self._cells) >= MOST_PLACES:
                self._cells.clear()
            self._cells[cell] = found
        return found

    # -- between lexemes -------------------------------------------------------------------------

    def _between(self, frame: int, place: _Place, row: TokenMask) -> list[int]:
        """Tokens that must be read between items, or before one."""
        spec, tokens = place.spec, self._tokens
        if not spec:
            return _allowed(row, tokens.further)
        is_constant = len(place.n_left) > 0
        if is_constant:
            self._constants.forbid_begun(spec, place.n_left, row)
        found = self._doubts.get(frame)
        if found is None:
            kept = place.strings
            found = [token for token in tokens.unclear if not (is_constant and token in tokens.escaping)]
            found += (token for text in kept for token in tokens.by_string.get(text, ()))
            found += self._constants.begun(spec, place.n_left) if is_constant else self._begun_badly(spec, kept)
            if len(self._doubts) >= MOST_PLACES:
                self._doubts.clear()
            self._doubts[frame] = found
        return found

    def _begun_badly(self, spec: int, kept: tuple[bytes, ...]) -> Iterator[int]:
        """Tokens that begin a string which can only be one that has come."""
        columns = self._automaton.tables.specs[spec].tolist()
        if columns[K.SPEC_KIND] == K.FREE_TEXT and not columns[K.SPEC_COUNTS]:
            return
        by_begun = self._tokens.by_begun
        for text in kept:
            rows = self._rows(columns[K.SPEC_START], text)
            for n in range(len(rows) - 1, 0, -1):
                if text[:n] in by_begun:
                    if self._comparing.may_differ(spec, rows[n], Begun(text[:n], b""), kept):
                        break
                    yield from by_begun[text[:n]]

    def _rows(self, row: int, text: bytes) -> list[int]:
        """The rows of an automaton before each byte of a text and behind it, as far as it reads it; of free text, 0."""
        arena, found = self._automaton.tables.arena, [row]
        for at in range(len(text)):
            row = arena.follow(row, text[at : at + 1]) if row else 0
            if found[0] and not row:
                break
            found.append(row)
        return found

    # -- within a string -------------------------------------------------------------------------

    def _in_text(self, config: Config, place: _Place, row: TokenMask) -> list[int]:
        """Forbid, within a string, what can only repeat one that has come; returns the tokens that must be read."""
        item, kept = config[-1], place.strings
        raw = item[item.index(b'"') + 1 :]
        begun = begun_of(raw)
        assert begun is not None, "it has been read"
        is_between = not begun.escape and _is_whole(begun.content)
        if is_between and len(place.n_left):
            unclear = self._constants.forbid(place.spec, begun.content, place.n_left, row)
            return [*unclear, *self._holding(place, begun.content)]
        near = [text[len(begun.content) :] for text in kept if text.startswith(begun.content)]
        if not is_between:
            return [*self._tokens.mixed, *self._in_character(raw, begun.escape, near, kept)]
        for rest in near:
            if rest:
                for token in self._tokens.closing.get(rest, ()):
                    _forbid(row, token)
            else:
                np.bitwise_and(row, self._body.not_closing_at_once, out=row)
        if near:
            self._forbid_only(config, begun.content, near, kept, row)
        return self._holding(place, begun.content)

    @staticmethod
    def _holding(place: _Place, content: bytes) -> list[int]:
        """Tokens that close the string at hand, and then hold or begin one that may have come."""
        return [*place.holding, *(held.token for held in place.others if held.repeats(content + held.before))]

    def _forbid_only(
        self, config: Config, content: bytes, near: list[bytes], kept: tuple[bytes, ...], row: TokenMask
    ) -> None:
        """Forbid content after which only texts are left that have come, ``near`` ends of which are known."""
        tables = self._automaton.tables
        spec = int(tables.values[config[K.R_VALUE], K.T_STRING])
        is_free = config[K.R_MODE] == K.M_FREE
        if is_free and not tables.specs[spec, K.SPEC_COUNTS]:
            return
        may_differ, escapes = self._comparing.may_differ, self._tokens.escapes
        for rest in near:
            rows = self._rows(0 if is_free else config[K.R_A], rest)
            n = len(rows)
            while n > 1 and not may_differ(spec, rows[n - 1], Begun(content + rest[: n - 1], b""), kept):
                n -= 1
            for token in self._spelling(rest[: len(rows) - 1], n):
                _forbid(row, token)
            for length in range(len(rows)):
                for token, escape in escapes.get(rest[:length], ()):
                    if not may_differ(spec, rows[length], Begun(content + rest[:length], escape), kept):
                        _forbid(row, token)

    def _spelling(self, text: bytes, least: int) -> Iterator[int]:
        """Tokens that spell beginnings of ``text`` of at least so many bytes."""
        trie = self._trie
        node = 0
        for n, byte in enumerate(text, 1):
            if byte < 32 or byte == 34 or byte == 92:
                return
            node = self._child(node, byte)
            if not node:
                return
            if n >= least:
                yield from trie.token_ids[trie.token_start[node] : trie.token_start[node + 1]].tolist()

    def _child(self, node: int, byte: int) -> int:
        """The node of the vocabulary's trie below another by a byte; 0 where there is none."""
        if not node:
            return int(self._body.roots[byte])
        trie = self._trie
        child, end = node + 1, int(trie.subtree_end[node])
        while child < end and trie.byte[child] < byte:
            child = int(trie.subtree_end[child])
        return child if child < end and trie.byte[child] == byte else 0

    # -- within a character ------------------------------------------------------------------------

    def _in_character(self, raw: bytes, escape: bytes, near: Iterable[bytes], kept: tuple[bytes, ...]) -> Iterator[int]:
        """Tokens that end the character begun as a text goes on that has come, and then are that text so far."""
        for rest in near:
            for spelled in _spelled(escape, rest):
                for token in self._on(spelled):
                    text = raw + self._machine.vocabulary.tokens[token]
                    content = _CONTENT.match(text)[0]  # type: ignore[index]
                    begun = begun_of(content)
                    if begun is None:
                        continue
                    closed = len(content) < len(text)
                    if begun.content in kept if closed else any(t.startswith(begun.content) for t in kept):
                        yield token

    def _on(self, spelled: bytes) -> Iterator[int]:
        """Tokens that are the beginning of some bytes, or begin with them; hexadecimal digits in any case."""
        trie, nodes = self._trie, [0]
        for byte in spelled:
            both = {byte, *bytes([byte]).upper()} if byte in b"abcdef" else {byte}
            nodes = [child for node in nodes for other in both if (child := self._child(node, other))]
            for node in nodes:
                yield from trie.token_ids[trie.token_start[node] : trie.token_start[node + 1]].tolist()
        for node in nodes:
            yield from trie.token_ids[trie.token_start[node + 1] : trie.token_start[trie.subtree_end[node]]].tolist()


def _spelled(escape: bytes, rest: bytes) -> Iterator[bytes]:
    """How the character begun ends if it is the first of ``rest``: lower case digits, where it is an escape."""
    if not escape:
        n = next((at for at, byte in enumerate(rest) if byte & 0xC0 != 0x80), len(rest))
        if n:
            yield rest[:n]
        return
    first = rest.decode("utf-8", "ignore")[:1]
    units = first.encode("utf-16-be").hex()
    spelled = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)).encode()
    if first and spelled.startswith(escape.lower()):
        yield spelled[len(escape) :]
    short = _SHORT.get(first.encode())
    if escape == b"\\" and short:
        yield short


def _forbid(row: TokenMask, token: int) -> None:
    row[token >> 5] &= ~np.uint32(1 << (token & 31))


def _allowed(row: TokenMask, tokens: IntArray) -> list[int]:
    """The allowed ones of some tokens."""
    return tokens[(row[tokens >> 5] >> (tokens & 31).astype(np.uint32)) & 1 != 0].tolist()  # type: ignore[no-any-return]
