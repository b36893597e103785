"""Monitors for Python: ``python(project=".")``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from structgen.errors import MonitorError
from structgen.monitors.analysis import Analysis
from structgen.monitors.arguments import ArgumentRule
from structgen.monitors.classes import ClassRule
from structgen.monitors.engines.choose import OnFailure, check_on_failure, choose_engine, first_installed
from structgen.monitors.engines.profiles import PREFERRED, Profile
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
        analysis,
        habitually_incomplete=profile is not None and profile.habitually_incomplete,
        hides_submodules=profile is not None and profile.hides_submodules,
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
    on_failure: OnFailure = "error",
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
    on_failure : ``"error"``, or ``"continue"``: where the engine is missing, does not come up or
        talks nonsense, or the file before the cursor is no Python, generate without the
        monitor, with a warning and a note in the result's record

    Raises
    ------
    MonitorError : no such project, engine or rule, the engine is not installed, or the text
        before the cursor is no Python; the first query raises it where the server does not come up
    """
    check_on_failure(on_failure)
    root = Path(project)
    if not root.is_dir():
        raise MonitorError(f"no project at {project}", engine="python", hint="pass the folder of the project")
    built, profile = build_engine(engine, root, file, time_limit=time_limit, on_failure=on_failure)
    scanner = PythonScanner()
    why = scanner.feed(prefix.encode()).error
    if why:
        return _idle(f"the text before the cursor is no Python: {why}", built, scanner, on_failure)
    analysis = Analysis(built, prefix, suffix)
    wanted = tuple(dict.fromkeys(rules))
    if "arguments" in wanted and built.name == "jedi":
        raise MonitorError(
            "arguments cannot be held to jedi's signatures: they leave out overloads and the bound self",
            engine="jedi",
            hint="use another engine (pip install zuban, or pyrefly), or leave the rule out",
        )
    chosen = [make_rule(name, analysis, profile) for name in wanted]
    chosen += [TypestateRule(states, prefix=prefix.encode()) for states in typestates]
    return TextMonitor("python", scanner, chosen, prefix=prefix.encode(), engine=built)


def _idle(why: str, engine: Engine, scanner: PythonScanner, on_failure: OnFailure) -> TextMonitor:
    """A monitor that constrains nothing and says why, if the caller asked for that."""
    if on_failure == "error":
        raise MonitorError(why, engine="python", hint="mend the file, or pass on_failure='continue'")
    warnings.warn(f"generating without the monitor: {why}", RuntimeWarning, stacklevel=3)
    return TextMonitor("python", scanner, [], engine=engine, idle_because=why)


def make_rule(name: str, analysis: Analysis, profile: Profile | None) -> Rule:
    if name not in _RULES:
        raise MonitorError(f"no rule is called {name!r}", engine="python", hint=f"one of: {', '.join(_RULES)}")
    return _RULES[name](analysis, profile)


def build_engine(
    engine: str | Profile | Engine | None,
    project: Path,
    file: str | Path,
    *,
    time_limit: float,
    on_failure: OnFailure = "error",
) -> tuple[Engine, Profile | None]:
    """The engine asked for, or the first that is installed; see ``choose_engine``."""
    chosen = first_installed(PREFERRED, on_failure=on_failure) if engine is None else engine
    return choose_engine(chosen, project, file, time_limit=time_limit, on_failure=on_failure)
