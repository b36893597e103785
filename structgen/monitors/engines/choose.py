"""From what a caller says about an engine to an engine that starts when it is first asked."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

from structgen.errors import MonitorError
from structgen.monitors.engines.lazy import LazyEngine
from structgen.monitors.engines.profiles import PROFILES, Profile, find_command, profile_named
from structgen.monitors.engines.protocol import Engine

__all__ = ["OnFailure", "check_on_failure", "choose_engine", "first_installed"]

OnFailure = Literal["error", "continue"]
"""What becomes of a generation whose monitor cannot work: it fails, or goes on without it."""


def check_on_failure(value: str) -> None:
    """Refuse any other word."""
    if value not in get_args(OnFailure):
        raise ValueError(f"on_failure is 'error' or 'continue', not {value!r}")


def choose_engine(
    engine: str | Profile | Engine, project: Path, file: str | Path, *, time_limit: float, on_failure: OnFailure
) -> tuple[Engine, Profile | None]:
    """The engine asked for, not started yet, and its profile (None for jedi and for engines handed in).

    Raises
    ------
    MonitorError : there is none of that name; or its program is missing, unless ``on_failure`` is "continue"
    """
    goes_on = on_failure == "continue"
    if engine == "jedi":

        def build_jedi() -> Engine:
            from structgen.monitors.engines.jedi_engine import JediEngine

            return JediEngine(project, file, limit=time_limit)

        if not goes_on and find_spec("jedi") is None:
            raise MonitorError("jedi is not installed", engine="jedi", hint="pip install jedi")
        return LazyEngine("jedi", build_jedi, optional=goes_on), None
    if isinstance(engine, str):
        engine = profile_named(engine)
    if not isinstance(engine, Profile):
        return engine, None
    profile = engine
    if not goes_on:
        find_command(profile)

    def build_server() -> Engine:
        from structgen.monitors.engines.lsp import LspEngine

        return LspEngine(profile, project, file, limit=time_limit)

    return LazyEngine(profile.name, build_server, optional=goes_on), profile


def first_installed(preferred: Sequence[str], *, on_failure: OnFailure) -> str:
    """The first engine of ``preferred`` that is here; the first of all where none is and the caller goes on without.

    Raises
    ------
    MonitorError : none is installed
    """
    for name in preferred:
        if name == "jedi":
            if find_spec("jedi") is not None:
                return name
            continue
        try:
            find_command(PROFILES[name])
            return name
        except MonitorError:
            continue
    if on_failure == "continue":
        return preferred[0]
    raise MonitorError(
        "no static analysis engine for Python is installed",
        engine=preferred[0],
        hint=f"pip install structgen[monitors], or one of: {', '.join(preferred)}",
    )
