"""What compiled code was made from: a kernel's file and every file of this package that it imports.

Numba keeps machine code on disk together with a digest of the kernel's own file, but that code contains the kernels
it calls, also those of other files. Where only such a file changes (a new version installed over an old one, an edit),
the digest still fits and the old code runs on. So the digest is taken over all files that the kernel's file imports,
however far down.

Imports are found by their spelling at the beginning of a line, which is how they are written here: parsing sixty files
takes a quarter of a second, this takes milliseconds. A test holds the two against each other.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

__all__ = ["imported_files", "stamp"]

_IMPORT = re.compile(r"^(?:from|import) (structgen(?:\.\w+)*)(?: import (\([^)]*\)|.*))?", re.MULTILINE)
_ROOT = Path(__file__).parents[2]


def stamp(file: str, root: Path = _ROOT) -> bytes:
    """The SHA-256 of the digests of a Python file and of all files below ``root`` that it imports, 32 bytes.

    :raises OSError: where a file cannot be read.
    """
    read: dict[str, tuple[bytes, frozenset[str]]] = {}
    waiting = [file]
    while waiting:
        path = waiting.pop()
        if path not in read:
            read[path] = _read(path, root)
            waiting += read[path][1]
    return hashlib.sha256(b"".join(sorted(digest for digest, _ in read.values()))).digest()


def imported_files(file: str, root: Path = _ROOT) -> frozenset[str]:
    """The files below ``root`` that a file itself imports at the beginning of a line; packages' own are left out."""
    return _read(file, root)[1]


@cache
def _read(file: str, root: Path) -> tuple[bytes, frozenset[str]]:
    """A file's digest, and the files that it imports itself."""
    content = Path(file).read_bytes()
    found = set()
    for module, names in _IMPORT.findall(content.decode()):
        place = root.joinpath(*module.split("."))
        found.add(place.with_suffix(".py"))
        if place.is_dir():
            found.update(place / f"{name}.py" for name in re.findall(r"\w+", names))
    return hashlib.sha256(content).digest(), frozenset(str(path) for path in found if path.exists())
