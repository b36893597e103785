"""The process that holds engines: takes one task a line on stdin, answers in lines.

It is started fresh for each engine, with one thread, and killed without ceremony when a
schema takes too long or too much. Standard output belongs to the protocol alone, so file
descriptor 1 is pointed at stderr before any engine is imported (some print).
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from jsonschemabench.engines.base import Engine, EngineVocabulary
from jsonschemabench.tokens import Tokenizer

__all__ = ["Bench", "main"]

Send = Callable[[dict[str, Any]], None]


class Bench:
    """What a task works with: the engines by name, the tokenizer and a way to tell the parent."""

    def __init__(self, engines: dict[str, Engine], tokenizer: Tokenizer, send: Send) -> None:
        self.engines = engines
        self.tokenizer = tokenizer
        self.send = send

    @property
    def vocabulary(self) -> EngineVocabulary:
        return self.tokenizer.vocabulary

    @property
    def engine(self) -> Engine:
        """The only engine of a worker that has one."""
        (engine,) = self.engines.values()
        return engine


def _task(name: str) -> Callable[[Bench, dict[str, Any]], dict[str, Any]]:
    import importlib

    module, _, function = name.partition(":")
    task: Callable[[Bench, dict[str, Any]], dict[str, Any]] = getattr(importlib.import_module(module), function)
    return task


def _serve(bench: Bench, requests: Iterator[str]) -> None:
    for line in requests:
        request = json.loads(line)
        task = _task(request["task"])
        try:
            answer = task(bench, request)
        except Exception as error:  # a fault of the task itself still becomes a row
            answer = {"status": "error", "error": f"{type(error).__name__}: {error}"[:2000]}
        bench.send({"event": "done", "row": answer})
        del answer
        gc.collect()


def _start(names: list[str], tokenizer: Tokenizer) -> dict[str, Engine]:
    from jsonschemabench.engines import load

    return {name: load(name, tokenizer.vocabulary) for name in names}


def _private_stdout() -> TextIO:
    """The protocol's stream; whatever prints from now on goes to stderr."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return stream


def _die_with_parent() -> None:
    """Ask Linux to end this process when its parent is killed; elsewhere it ends at the next task."""
    if not sys.platform.startswith("linux"):
        return
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def main() -> int:
    _die_with_parent()
    configuration = json.loads(sys.argv[1])
    stream = _private_stdout()

    def send(message: dict[str, Any]) -> None:
        stream.write(json.dumps(message) + "\n")
        stream.flush()

    began = time.perf_counter()
    try:
        tokenizer = Tokenizer(Path(configuration["tokenizer"]), tuple(configuration.get("eos", ())))
        engines = _start(configuration["engines"], tokenizer)
    except BaseException as error:  # whatever stops the start is reported by the parent
        send({"event": "unable", "error": f"{type(error).__name__}: {error}"[:2000]})
        return 1
    gc.collect()
    gc.freeze()
    versions = {name: engine.version for name, engine in engines.items()}
    send({"event": "ready", "versions": versions, "seconds": time.perf_counter() - began})
    _serve(Bench(engines, tokenizer, send), iter(sys.stdin.readline, ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
