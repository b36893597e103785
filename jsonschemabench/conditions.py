"""Under which conditions figures were measured: they mean little without."""

from __future__ import annotations

import datetime
import hashlib
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["conditions", "file_hash", "own_version"]

_PACKAGES = (
    "structgen",
    "llguidance",
    "xgrammar",
    "outlines-core",
    "lm-format-enforcer",
    "numpy",
    "numba",
    "tokenizers",
)


def file_hash(path: Path) -> str:
    """The first 16 hexadecimal digits of a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def conditions() -> dict[str, Any]:
    """Machine, date and versions, as a row can hold them."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load": _load(),
        "system": f"{platform.system()} {platform.release()}",
        "python": sys.version.split()[0],
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def own_version() -> str:
    """structgen's version, with the commit where it runs from a checkout."""
    commit = _commit()
    return (_version("structgen") or "source") + (f"+{commit}" if commit else "")


def _commit() -> str | None:
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(root), "rev-parse", "--short", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _load() -> float | None:
    """The one-minute load average: above the number of cores, wall times are not to be trusted."""
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return None
