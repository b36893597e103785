"""Free text with constrained parts: a machine around other machines.

Text is free until it contains one of the *begin* strings; then that tag's constraint
holds, until its text is complete and the tag's *end* string follows; then text is free
again. Free text is read by one automaton over all begin strings (Aho and Corasick 1975).

A configuration is a set of places, since a tag's text may be complete and yet go on: each
place is (tags finished, state of the free text), or (tags finished, tag, the inner
machine's configuration), or (tags finished, tag, bytes of the end string read). The mask
of a place is the inner machine's, or that of free text without begin strings; tokens that
cross from one to the other are few and tried one by one.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from structgen.automata.dfa import Dfa
from structgen.dtypes import TokenMask, n_words
from structgen.errors import DeadEndError
from structgen.masks.cache import MaskCache
from structgen.masks.dfa_machine import DfaMachine
from structgen.masks.machine import TokenMachine
from structgen.masks.mask import allowed_ids
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["BoundTag", "TagMachine"]

FREE, INSIDE, ENDING = 0, 1, 2
Place = tuple[int, int, int, Any]
"""(finished tags, FREE | INSIDE | ENDING, tag, state | configuration | bytes of the end read)."""
Places = tuple[Place, ...]


@dataclass(frozen=True)
class BoundTag:
    """A tag whose constraint is bound."""

    begin: bytes
    machine: TokenMachine
    end: bytes


class TagMachine:
    """``TokenMachine`` over free text and tags; safe to share between threads."""

    def __init__(self, tags: tuple[BoundTag, ...], vocabulary: Vocabulary, at_least: int, at_most: int | None) -> None:
        self.tags = tags
        self._vocabulary = vocabulary
        self.at_least, self.at_most = at_least, at_most
        self._goto, self._found, self._paths = _scanner([tag.begin for tag in tags])
        self._free = DfaMachine(_free_text(self._goto, self._found), vocabulary)
        self._rows = MaskCache()
        self._crossing: dict[int, list[int]] = {}
        self._whole: dict[int, bytes] = {}
        self._lock = threading.RLock()

    @property
    def vocabulary(self) -> Vocabulary:
        return self._vocabulary

    def start(self) -> Places:
        """The configuration before any byte: free text."""
        return ((0, FREE, 0, 0),)

    def advance_bytes(self, config: Any, data: bytes) -> Places | None:
        """The configuration after ``data``, or None."""
        places = list(config)
        for byte in data:
            found: dict[Place, None] = {}
            for place in places:
                found.update(dict.fromkeys(self._step(place, byte)))
            places = list(found)
            if not places:
                return None
        return tuple(sorted(places, key=repr)) if len(places) > 1 else tuple(places)

    def _step(self, place: Place, byte: int) -> list[Place]:
        count, kind, tag, state = place
        if kind == FREE:
            after = self._goto[state][byte]
            begun = self._found[after]
            if begun < 0:
                return [(count, FREE, 0, after)]
            if self.at_most is not None and count >= self.at_most:
                return []
            return self._enter(count, begun)
        if kind == ENDING:
            end = self.tags[tag].end
            return self._ended(count, tag, state + 1) if end[state] == byte else []
        machine, end = self.tags[tag].machine, self.tags[tag].end
        found: list[Place] = []
        inner = machine.advance_bytes(state, bytes([byte]))
        if inner is not None:
            found.append((count, INSIDE, tag, inner))
        if end[0] == byte and machine.is_accepting(state):
            found += self._ended(count, tag, 1)
        return found

    def _enter(self, count: int, tag: int) -> list[Place]:
        return [(count, INSIDE, tag, self.tags[tag].machine.start())]

    def _ended(self, count: int, tag: int, read: int) -> list[Place]:
        if read < len(self.tags[tag].end):
            return [(count, ENDING, tag, read)]
        most = max(self.at_least, (self.at_most or 0))
        return [(min(count + 1, most), FREE, 0, 0)]

    def advance(self, config: Any, token_id: int) -> Places | None:
        """The configuration after a token, or None."""
        vocabulary = self._vocabulary
        if token_id in vocabulary.special_ids or token_id in vocabulary.eos_ids:
            return None
        if len(config) == 1 and config[0][1] == INSIDE:
            count, _, tag, state = config[0]
            inner_machine = self.tags[tag].machine
            if self.tags[tag].end[0] not in vocabulary.token_bytes(token_id):
                inner = inner_machine.advance(state, token_id)
                return None if inner is None else ((count, INSIDE, tag, inner),)
        data = vocabulary.token_bytes(token_id)
        return self.advance_bytes(config, data) if data else None

    def fill_mask(self, config: Any, row: TokenMask) -> None:
        """Overwrite ``row``; see ``TokenMachine.fill_mask``."""
        found = self._rows.get(config)
        if found is None:
            with self._lock:
                found = self._rows.put(config, self._mask(config))
        row[:] = found

    def _mask(self, config: Places) -> TokenMask:
        vocabulary = self._vocabulary
        row = np.zeros(n_words(vocabulary.n_tokens), dtype=np.uint32)
        part = np.zeros_like(row)
        tried: set[int] = set()
        for _, kind, tag, state in config:
            if kind == FREE:
                self._free_mask(state, part)
                row |= part
                tried.update(self._crossing_free(state))
            elif kind == INSIDE:
                self.tags[tag].machine.fill_mask(state, part)
                row |= part
                tried.update(self._holding(self.tags[tag].end[0]))
            else:
                tried.update(self._holding(self.tags[tag].end[state]))
        for token in vocabulary.eos_ids:
            row[token >> 5] &= np.uint32(~(1 << (token & 31)) & 0xFFFFFFFF)
        for token in tried:
            bit = np.uint32(1 << (token & 31))
            if not row[token >> 5] & bit and self.advance_bytes(config, vocabulary.token_bytes(token)):
                row[token >> 5] |= bit
        if self.is_accepting(config):
            for token in vocabulary.eos_ids:
                row[token >> 5] |= np.uint32(1 << (token & 31))
        return row

    def _free_mask(self, state: int, row: TokenMask) -> None:
        """Tokens that stay in free text, from a scanner state."""
        config = self._free.advance_bytes(self._free.start(), self._paths[state])
        if config is None:
            row[:] = 0
        else:
            self._free.fill_mask(config, row)

    def _crossing_free(self, state: int) -> list[int]:
        """Tokens in which a begin string is completed, from a scanner state."""
        known = self._crossing.get(state)
        if known is None:
            part = np.zeros(n_words(self._vocabulary.n_tokens), dtype=np.uint32)
            self._free_mask(state, part)
            rest = allowed_ids(~part, self._vocabulary.n_tokens).tolist()
            known = self._crossing[state] = [t for t in rest if self._is_plain(t)]
        return known

    def _is_plain(self, token: int) -> bool:
        vocabulary = self._vocabulary
        special = token in vocabulary.special_ids or token in vocabulary.eos_ids
        return not special and bool(vocabulary.token_bytes(token))

    def _holding(self, byte: int) -> list[int]:
        """Plain tokens that contain ``byte``."""
        key = -1 - byte
        known = self._crossing.get(key)
        if known is None:
            vocabulary = self._vocabulary
            tokens = range(vocabulary.n_tokens)
            known = [t for t in tokens if byte in vocabulary.token_bytes(t) and self._is_plain(t)]
            self._crossing[key] = known
        return known

    def is_accepting(self, config: Any) -> bool:
        """Free text, with enough tags finished."""
        return any(kind == FREE and count >= self.at_least for count, kind, _, _ in config)

    def forced_bytes(self, config: Any, limit: int = 256) -> bytes:
        """What every completion starts with: the end of an end string, or what is forced inside."""
        if len(config) != 1:
            return b""
        _, kind, tag, state = config[0]
        if kind == ENDING:
            return bytes(self.tags[tag].end[state : state + limit])
        if kind == INSIDE and not self.tags[tag].machine.is_accepting(state):
            return bytes(self.tags[tag].machine.forced_bytes(state, limit))
        return b""

    def shortest_completion(self, config: Any) -> bytes:
        """A short completion: the present tag's, then the least tags still wanted."""
        found = [word for place in config if (word := self._completion(place)) is not None]
        if not found:
            raise DeadEndError("no completion exists")
        return min(found, key=len)

    def _completion(self, place: Place) -> bytes | None:
        count, kind, tag, state = place
        word = b""
        if kind == INSIDE:
            word = self.tags[tag].machine.shortest_completion(state) + self.tags[tag].end
        elif kind == ENDING:
            word = self.tags[tag].end[state:]
        missing = self.at_least - count - (kind != FREE)
        if missing <= 0:
            return word
        first = self._whole_tag(state if kind == FREE else 0)
        return word + first + self._whole_tag(0) * (missing - 1)

    def _whole_tag(self, state: int) -> bytes:
        """The shortest text that begins and ends a tag, from a scanner state: it may stand within a begin string."""
        known = self._whole.get(state)
        if known is None:
            found = [
                path + tag.machine.shortest_completion(tag.machine.start()) + tag.end
                for path, tag in ((path, self.tags[self._found[end]]) for end, path in self._ways(state))
            ]
            known = self._whole[state] = min(found, key=len)
        return known

    def _ways(self, state: int) -> list[tuple[int, bytes]]:
        """(scanner state, shortest path) for the ends of begin strings reached from ``state``, breadth-first."""
        paths = {state: b""}
        todo = deque(paths)
        found = []
        while todo:
            at = todo.popleft()
            if self._found[at] >= 0:
                found.append((at, paths[at]))
                continue
            for byte, target in enumerate(self._goto[at]):
                if target not in paths:
                    paths[target] = paths[at] + bytes([byte])
                    todo.append(target)
        return found


def _scanner(words: list[bytes]) -> tuple[list[list[int]], list[int], list[bytes]]:
    """Aho and Corasick's automaton: rows of 256 successors; the word found on entering a state, or -1; its path."""
    goto: list[dict[int, int]] = [{}]
    found, paths = [-1], [b""]
    for index, word in enumerate(words):
        at = 0
        for byte in word:
            if byte not in goto[at]:
                goto[at][byte] = len(goto)
                goto.append({})
                found.append(-1)
                paths.append(paths[at] + bytes([byte]))
            at = goto[at][byte]
        found[at] = index
    rows = [[0] * 256 for _ in goto]
    fail = [0] * len(goto)
    order = [0]
    for at in order:
        for byte in range(256):
            target = goto[at].get(byte)
            if target is None:
                rows[at][byte] = rows[fail[at]][byte] if at else 0
            else:
                fail[target] = rows[fail[at]][byte] if at else 0
                if found[target] < 0:
                    found[target] = found[fail[target]]
                rows[at][byte] = target
                order.append(target)
    return rows, found, paths


def _free_text(rows: list[list[int]], found: list[int]) -> Dfa:
    """Free text without any begin string, as an automaton; scanner state s is state s + 1."""
    n = len(rows)
    transitions = np.zeros((n + 1, 256), dtype=np.int32)
    for state, row in enumerate(rows):
        if found[state] < 0:
            transitions[state + 1] = [0 if found[target] >= 0 else target + 1 for target in row]
    accepting = np.zeros(n + 1, dtype=np.bool_)
    accepting[1:] = np.array(found) < 0
    return Dfa(np.arange(256, dtype=np.uint8), transitions, accepting, 1)
