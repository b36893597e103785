"""Compiled grammars kept: a few in the process, more on disk by content hash.

Compiling is reading, checking and building tables; all of it depends on the grammar's text
alone. What took long is written to the cache folder, under a hash of everything it depends
on, and the least recently written files go when there are too many. Whatever is wrong with
a file, the grammar is compiled again and the file replaced.

Building makes some hundred thousand small objects of which none is garbage yet; the
collector's passes over them took half of the time. So it rests meanwhile.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import re
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

from structgen.automata.grammar.choose import ChosenParser, choose_parser
from structgen.automata.grammar.packed import FORMAT, pack, unpack
from structgen.ir.grammar import Grammar
from structgen.vocab.store import cache_dir

__all__ = ["compiled"]

MOST_IN_PROCESS = 16
MOST_FILES = 200
WORTH_KEEPING = 0.005
"""Seconds of compiling from which a file pays: it loads in one, or a few."""

_recent: dict[str, ChosenParser] = {}
_lock = Lock()


def compiled(
    notation: str, text: str, details: list[str], parser: str, read: Callable[[], Grammar], *, keep: bool
) -> ChosenParser:
    """The parser of a grammar, compiled unless it is known.

    Parameters
    ----------
    notation, text, details, parser : all that the result depends on, but for imported files
    read : reads the grammar
    keep : whether to look for it, and to keep it; never done where the text imports files
    """
    if not keep or _imports_files(text):
        return _compile(text, parser, read)
    key = _key(notation, text, details, parser)
    with _lock:
        found = _recent.get(key)
    if found is None:
        found = _load(key)
        if found is None:
            begin = time.process_time()
            found = _compile(text, parser, read)
            if time.process_time() - begin > WORTH_KEEPING:
                _save(key, found)
    with _lock:
        _recent.pop(key, None)
        _recent[key] = found
        while len(_recent) > MOST_IN_PROCESS:
            _recent.pop(next(iter(_recent)))
    return found


def _compile(text: str, parser: str, read: Callable[[], Grammar]) -> ChosenParser:
    with _collector_resting():
        return choose_parser(read(), parser, text)


@contextmanager
def _collector_resting() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _imports_files(text: str) -> bool:
    """Whether the grammar reads other files than Lark's ``common``."""
    return re.search(r"%import\s+(?!common\b)", text) is not None


def _key(notation: str, text: str, details: list[str], parser: str) -> str:
    version = [FORMAT, _sources(), sys.version, unicodedata.unidata_version]
    version.append(_lark_version() if notation == "lark" else "")
    written = json.dumps([version, notation, text, details, parser])
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()[:40]


@cache
def _sources() -> str:
    """A digest of names, sizes and times of the files that compile grammars; other files make other tables."""
    found = []
    for part in ("automata", "automata/grammar", "frontends", "frontends/lark", "ir", "kernels"):
        with suppress(OSError), os.scandir(Path(__file__).parent / part) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    found.append((entry.name, status.st_size, status.st_mtime_ns))
    return hashlib.sha256(repr(sorted(found)).encode()).hexdigest()


def _lark_version() -> str:
    """What tells releases of Lark apart, without importing it."""
    spec = find_spec("lark")
    if spec is None or spec.origin is None:
        return ""
    found = re.search(r"__version__[^\n]*", Path(spec.origin).read_text(encoding="utf-8"))
    return found.group() if found else ""


def _folder() -> Path:
    return cache_dir() / "grammars"


def _load(key: str) -> ChosenParser | None:
    try:
        data = (_folder() / f"{key}.grammar").read_bytes()
        with _collector_resting():
            return unpack(data)
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None


def _save(key: str, chosen: ChosenParser) -> None:
    """Write the file in one step, and drop old ones; a disk that does not let us is no error."""
    folder, temporary = _folder(), None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, suffix=".partial")
        with os.fdopen(handle, "wb") as file:
            file.write(pack(chosen))
        os.replace(temporary, folder / f"{key}.grammar")
        files = sorted(folder.glob("*.grammar"), key=lambda path: path.stat().st_mtime)
        for path in files[: max(0, len(files) - MOST_FILES)]:
            path.unlink()
    except OSError:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
