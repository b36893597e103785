"""Vocabularies on disk, by content hash.

Reading a 9 MB ``tokenizer.json``, mapping its pieces and building the trie costs half a
second or more; the arrays themselves load in a few milliseconds. One uncompressed
``.npz`` per vocabulary (its CRC finds damage; nothing is pickled), written beside its
final name and moved there in one step, so readers never see half a file. Whatever is
wrong with a saved file, it is rebuilt and replaced.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from structgen.dtypes import freeze
from structgen.kernels.tables import TrieTables
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["cache_dir", "key_of", "load", "save"]

_FORMAT = 2
_DTYPES = {"byte": np.uint8, "subtree_end": np.int32, "depth": np.int32, "token_start": np.int32, "token_ids": np.int32}


def cache_dir() -> Path:
    """Where structgen keeps what it can rebuild: ``STRUCTGEN_CACHE_DIR``, else the platform's place."""
    named = os.environ.get("STRUCTGEN_CACHE_DIR")
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "structgen" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "structgen"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "structgen"


def key_of(source: bytes, *details: Any) -> str:
    """The name under which the vocabulary made from ``source`` with ``details`` is saved."""
    digest = hashlib.sha256(source)
    digest.update(json.dumps([_FORMAT, *details], sort_keys=True).encode())
    return digest.hexdigest()[:40]


def path_of(key: str) -> Path:
    return cache_dir() / "vocabularies" / f"{key}.npz"


def load(key: str) -> Vocabulary | None:
    """The saved vocabulary; None where there is none, or it is damaged."""
    try:
        with np.load(path_of(key), allow_pickle=False) as arrays:
            meta = json.loads(arrays["meta"].tobytes())
            trie = TrieTables(**{name: freeze(arrays[name], dtype) for name, dtype in _DTYPES.items()})
            return Vocabulary(
                freeze(arrays["data"], np.uint8),
                freeze(arrays["offsets"], np.int64),
                eos_ids=tuple(meta["eos_ids"]),
                special_texts={int(token_id): text for token_id, text in meta["special_texts"]},
                trie=trie,
                content_hash=meta["content_hash"],
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def save(key: str, vocabulary: Vocabulary) -> bool:
    """Write the vocabulary; False where the disk does not let us (the next process builds again)."""
    path = path_of(key)
    meta = {
        "eos_ids": list(vocabulary.eos_ids),
        "special_texts": sorted(vocabulary.special_texts.items()),
        "content_hash": vocabulary.content_hash,
    }
    arrays: dict[str, Any] = {name: getattr(vocabulary.trie, name) for name in _DTYPES}
    arrays["data"] = vocabulary.data
    arrays["offsets"] = vocabulary.offsets
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".partial")
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)
        os.replace(temporary, path)
    except OSError:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        return False
    return True
