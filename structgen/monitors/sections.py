"""A monitor for some parts of a text: the code in an answer that thinks or explains first.

    inside(python(project="."), begin="```python\\n", end="```")
    inside(python(project="."), begin="</think>")

Before ``begin`` nothing is held back. Each part is a text of its own to the monitor inside,
with its own prefix before it; the end mark belongs to the part until its last byte is there.
What a token says behind the mark that opens a part is read and not judged: no mask looks
for marks.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

from structgen.monitors.gates import Gate
from structgen.monitors.protocol import Monitor

__all__ = ["Inside", "inside"]


def inside(monitor: Monitor, begin: str, end: str | None = None) -> Inside:
    """``monitor`` for what stands between two marks; elsewhere nothing is constrained.

    Parameters
    ----------
    monitor : of the text inside, from ``structgen.monitors``
    begin : what opens a part, such as a fence or the end of the thoughts
    end : what closes it, after which another may open; None where the first goes on to the end

    Raises
    ------
    ValueError : a mark is empty
    """
    if not begin or end == "":
        raise ValueError("the marks of a part cannot be empty")
    return Inside(monitor, begin.encode(), None if end is None else end.encode())


class _State(NamedTuple):
    """The end of the text, as much of it as a mark may still use, and the inner state inside a part."""

    tail: bytes
    part: Any = None


class Inside:
    """See ``inside``."""

    def __init__(self, monitor: Monitor, begin: bytes, end: bytes | None) -> None:
        self.monitor = monitor
        self.begin = begin
        self.end = end
        self.name = f"{monitor.name} inside {begin.decode(errors='replace')!r}"
        self.triggers = monitor.triggers
        self.is_dense = monitor.is_dense

    @property
    def engine(self) -> Any:
        """The engine behind it, for records."""
        return getattr(self.monitor, "engine", None)

    @property
    def idle_because(self) -> str:
        """Why it constrains nothing at all; empty while it works."""
        return getattr(self.monitor, "idle_because", "")

    def start(self) -> _State:
        return _State(b"")

    def feed(self, state: _State, data: bytes) -> _State:
        after = self._read(state, data, judge=False)
        assert after is not None
        return after

    def advance(self, state: _State, data: bytes) -> _State | None:
        return self._read(state, data, judge=True)

    def _read(self, state: _State, data: bytes, *, judge: bool) -> _State | None:
        while data:
            mark = self.begin if state.part is None else self.end
            n, opens = (len(data), False) if mark is None else _until(state.tail, data, mark)
            part = state.part
            if part is not None:
                part = self.monitor.advance(part, data[:n]) if judge else self.monitor.feed(part, data[:n])
                if part is None:
                    return None
            if opens:
                state, judge = _State(b"", self.monitor.start() if state.part is None else None), False
            else:
                state = _State(b"" if mark is None else (state.tail + data)[-len(mark) :], part)
            data = data[n:]
        return state

    def live_triggers(self, state: _State) -> bytes:
        """See ``Monitor``."""
        return b"" if state.part is None else self.monitor.live_triggers(state.part)

    def may_open(self, state: _State) -> bool:
        """See ``Monitor``."""
        return state.part is not None and self.monitor.may_open(state.part)

    def lexical_key(self, state: _State) -> Hashable:
        """See ``Monitor``."""
        return state.tail, None if state.part is None else self.monitor.lexical_key(state.part)

    def pre(self, state: _State) -> bool:
        """See ``Monitor``."""
        return state.part is not None and self.monitor.pre(state.part)

    def gates(self, state: _State) -> tuple[Gate, ...]:
        """See ``Monitor``."""
        return () if state.part is None else self.monitor.gates(state.part)

    def __repr__(self) -> str:
        return f"inside({self.monitor!r}, {self.begin!r}, {self.end!r})"


def _until(tail: bytes, data: bytes, mark: bytes) -> tuple[int, bool]:
    """Bytes of ``data`` up to the end of the first ``mark``, which may begin in ``tail``, and whether it is there."""
    found = (tail[1 - len(mark) :] + data if len(mark) > 1 else data).find(mark)
    if found < 0:
        return len(data), False
    return found + len(mark) - min(len(tail), len(mark) - 1), True
