"""Host names read byte by byte, so that a beginning without an end is told at once.

``kernels.hosts`` holds the rules and the registers. It leaves two questions open, and here the judge of the format
answers them: what an ``xn--`` label decodes to once its dot comes, and whether there is a way out where hardly any room
is left. A character that has begun is good if one that begins so may stand there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from structgen.automata.document.texts import decoded
from structgen.ir.beginnings import Beginnings, HostBeginnings
from structgen.kernels import host_rules as H
from structgen.kernels import hosts as K

__all__ = ["HostReader", "HostState", "host_reader"]

MOST_STATES = 1 << 14
"""States remembered by text before the memory is emptied."""
_CONTINUATIONS = range(0x80, 0xC0)


class HostState(NamedTuple):
    """What has been read: registers, and the characters of the label at hand."""

    row: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]


class HostReader:
    """Judges beginnings of one format's names, as they stand in a document."""

    def __init__(self, judge: HostBeginnings) -> None:
        self._judge = judge
        traits = np.frombuffer(judge.traits(), np.int32)
        unstable = np.array([first << 32 | second for first, second in judge.unstable_pairs()], np.int64)
        self.tables = traits, unstable
        self.international = judge.international
        start = np.zeros(H.WIDTH, np.int64)
        start[H.BORN] = -1
        self._states: dict[bytes, HostState | None] = {b"": HostState(start, np.zeros(0, np.int64))}

    def state_of(self, raw: bytes) -> HostState | None:
        """What has been read with ``raw``; None where no name begins so, an unfinished character apart."""
        states = self._states
        if raw in states:
            return states[raw]
        if len(states) >= MOST_STATES:
            start = states[b""]
            states.clear()
            states[b""] = start
        read = next(n for n in (len(raw) - 1, 0) if raw[:n] in states)
        before = states[raw[:read]]
        found = states[raw] = None if before is None else self._read(before, raw, read)
        return found

    def may_go_on(self, raw: bytes) -> bool:
        """Whether some name begins with ``raw``."""
        state = self.state_of(raw)
        if state is None:
            return False
        if not K.is_open(state.row):
            return True
        row, label, tail = self.writable(state, len(raw) + 1)
        status = K.may_follow(row, row.copy(), label, *self.tables, tail, self.spare(), self.international)
        return bool(status == K.LIVE or (status == K.ASKED and self._has_character(state, raw)))

    def writable(
        self, state: HostState, n_more: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """A copy of ``state`` that has room for ``n_more`` characters, and the kernel's scratch."""
        label = np.zeros(len(state.label) + n_more, np.int64)
        label[: len(state.label)] = state.label
        return state.row.copy(), label, np.full(K.MOST_LABEL + 1, -1, np.int64)

    @staticmethod
    def spare() -> npt.NDArray[np.int64]:
        """Scratch of the kernels."""
        return np.zeros((5, 128), np.int64)

    def _has_character(self, state: HostState, raw: bytes) -> bool:
        """The same where each character has to be tried."""
        row = state.row
        following = b"\\" if not (row[H.ESCAPE] or row[H.LEFT]) else b"u" if row[H.ESCAPE] == 1 else b"0123456789abcdef"
        return any(self.may_go_on(raw + bytes([byte])) for byte in (_CONTINUATIONS if row[H.LEFT] else following))

    def _read(self, before: HostState, raw: bytes, at: int) -> HostState | None:
        row, label, tail = self.writable(before, len(raw) - at)
        data = np.frombuffer(raw, np.uint8)
        while at < len(data):
            row[H.BORN] = -1
            status, at = K.read(row, data, at, label, *self.tables, tail, self.spare(), self.international)
            at += 1
            if status == K.DEAD or (status == K.ASKED and not self._answer(row, label, raw[:at])):
                return None
        start = int(row[H.START])
        found = label[start : start + int(row[H.N])].copy()
        row[H.START] = 0
        row[H.BORN] = len(found) if row[H.WIDE] else -1
        return HostState(row, found)

    def _answer(self, row: npt.NDArray[np.int64], label: npt.NDArray[np.int64], raw: bytes) -> bool:
        """Decide what the kernel left open; ``row`` is then behind ``raw``."""
        text = decoded(raw)
        if text is None or not self._judge(text.decode()):
            return False
        n = int(row[H.N])
        if row[H.PUNYCODE] and text[-1:] != chr(label[row[H.START] + n - 1]).encode():
            start = int(row[H.START])
            facts = self._judge.complete("".join(map(chr, label[start : start + n].tolist())))
            return facts is not None and K.close_label(row, n, *facts) != K.DEAD
        return True


_readers: dict[Beginnings, HostReader | None] = {}


def host_reader(judge: Beginnings) -> HostReader | None:
    """The reader of a format's names; None where ``judge`` is not one of host names. There are as many as formats."""
    if judge not in _readers:  # asking for a protocol takes longer than reading a name
        _readers[judge] = HostReader(judge) if isinstance(judge, HostBeginnings) else None
    return _readers[judge]
