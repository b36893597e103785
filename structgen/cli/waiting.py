"""Long work: a bar on stderr while it lasts, and an end to it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

import typer

__all__ = ["deadline", "progress"]

T = TypeVar("T")

FEWEST = 3
"""Items below which a bar would only flicker."""


def progress(items: Sequence[T], doing: str) -> Iterator[T]:
    """The items, with a bar on stderr where that is a terminal and there are several."""
    if len(items) < FEWEST or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, doing, console=Console(stderr=True), transient=True)


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """End the block with ``LimitError`` after ``seconds``; None lets it run.

    By the alarm signal, since compiling runs in Python and cannot be left from outside; a
    kernel that runs meanwhile ends first.

    Raises
    ------
    BadParameter : there is no such signal here, or this is not the main thread
    """
    if seconds is None:
        yield
        return
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        raise typer.BadParameter("--timeout does not work on this platform")
    from structgen.errors import LimitError

    def ring(number: int, frame: FrameType | None) -> None:
        raise LimitError(
            f"checking took longer than {seconds:g} seconds", what="seconds", limit=seconds, hint="raise --timeout"
        )

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
