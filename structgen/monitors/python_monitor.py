"""Monitors for Python: ``python(project=".")``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from structgen.errors import MonitorError
from structgen.monitors.analysis import Analysis
from structgen.monitors.arguments import ArgumentRule
from structgen.monitors.classes import ClassRule
from structgen.monitors.engines.lazy import LazyEngine
from structgen.monitors.engines.profiles import PREFERRED, PROFILES, Profile, find_command, profile_named
from structgen.monitors.engines.protocol import Engine
from structgen.monitors.enums import EnumRule
from structgen.monitors.imports import ImportRule
from structgen.monitors.members import MemberRule
from structgen.monitors.python_scanner import PythonScanner
from structgen.monitors.scope import ScopeRule
from structgen.monitors.text import Rule, TextMonitor
from structgen.monitors.typestate import Typestate, TypestateRule

__all__ = ["DEFAULT_RULES", "build_engine", "make_rule", "python"]

DEFAULT_RULES = ("members", "imports")
"""Rules that are sound on ordinary code; the others are chosen by name."""

_RULES: dict[str, Callable[[Analysis, Profile | None], Rule]] = {
    "members": lambda analysis, profile: MemberRule(
        analysis,
        habitually_incomplete=profile is not None and profile.habitually_incomplete,
    ),
    "imports": lambda analysis, profile: ImportRule(
        analysis, habitually_incomplete=profile is not None and profile.habitually_incomplete
    ),
    "arguments": lambda analysis, profile: ArgumentRule(analysis),
    "enums": lambda analysis, profile: EnumRule(analysis),
    "classes": lambda analysis, profile: ClassRule(analysis),
    "scope": lambda analysis, profile: ScopeRule(
        analysis, habitually_incomplete=profile is not None and profile.habitually_incomplete
    ),
}


def python(
    project: str | Path = ".",
    *,
    engine: str | Profile | Engine | None = None,
    file: str | Path = "generated.py",
    prefix: str = "",
    suffix: str = "",
    rules: Iterable[str] = DEFAULT_RULES,
    typestates: Iterable[Typestate] = (),
    time_limit: float = 1.0,
    optional: bool = False,
) -> TextMonitor:
    """A monitor of Python code: only names that static analysis knows, where it knows.

    Parameters
    ----------
    project : folder whose modules the code may use
    engine : ``"zuban"``, ``"pyrefly"``, ``"jedi"``, …, a ``Profile``, or an engine already
        running; None takes the first that is installed, in measured order
    file : the file that is written, relative to ``project``; it need not exist
    prefix, suffix : its text before and after the generated text
    rules : of ``members``, ``imports``, ``arguments``, ``enums``, ``classes``, ``scope``
    typestates : protocols of method calls to keep besides
    time_limit : seconds a query may take; then it is UNKNOWN and constrains nothing
    optional : generate without the monitor, with a warning, if the engine does not come up

    Raises
    ------
    MonitorError : no such project, engine or rule, or the engine is not installed; the
        first query raises it where the server does not come up
    """
    root = Path(project)
    if not root.is_dir():
        raise MonitorError(f"no project at {project}", engine="python", hint="pass the folder of the project")
    built, profile = build_engine(engine, root, file, time_limit=time_limit, optional=optional)
    scanner = PythonScanner()
    if scanner.feed(prefix.encode()).error:
        why = scanner.feed(prefix.encode()).error
        raise MonitorError(f"the text before the cursor is no Python: {why}", engine="python", hint="mend the file")
    analysis = Analysis(built, prefix, suffix)
    chosen = [make_rule(name, analysis, profile) for name in dict.fromkeys(rules)]
    chosen += [TypestateRule(states, prefix=prefix.encode()) for states in typestates]
    return TextMonitor("python", scanner, chosen, prefix=prefix.encode())


def make_rule(name: str, analysis: Analysis, profile: Profile | None) -> Rule:
    if name not in _RULES:
        raise MonitorError(f"no rule is called {name!r}", engine="python", hint=f"one of: {', '.join(_RULES)}")
    return _RULES[name](analysis, profile)


def build_engine(
    engine: str | Profile | Engine | None, project: Path, file: str | Path, *, time_limit: float, optional: bool
) -> tuple[Engine, Profile | None]:
    """The engine asked for, not started yet, and its profile (None for jedi and for engines handed in)."""
    if engine is None:
        engine = _first_installed(optional)
    if isinstance(engine, str) and engine == "jedi":

        def build_jedi() -> Engine:
            from structgen.monitors.engines.jedi_engine import JediEngine

            return JediEngine(project, file, limit=time_limit)

        return LazyEngine("jedi", build_jedi, optional=optional), None
    if isinstance(engine, str):
        engine = profile_named(engine)
    if not isinstance(engine, Profile):
        return engine, None
    profile = engine
    if not optional:
        find_command(profile)

    def build_server() -> Engine:
        from structgen.monitors.engines.lsp import LspEngine

        return LspEngine(profile, project, file, limit=time_limit)

    return LazyEngine(profile.name, build_server, optional=optional), profile


def _first_installed(optional: bool) -> str:
    from importlib.util import find_spec

    for name in PREFERRED:
        if name == "jedi":
            if find_spec("jedi") is not None:
                return name
            continue
        try:
            find_command(PROFILES[name])
            return name
        except MonitorError:
            continue
    if optional:
        return PREFERRED[0]
    raise MonitorError(
        "no static analysis engine for Python is installed",
        engine=PREFERRED[0],
        hint=f"{PROFILES[PREFERRED[0]].install} (or one of: {', '.join(PREFERRED[1:])})",
    )
