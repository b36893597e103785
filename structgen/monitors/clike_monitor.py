"""Monitors for languages with C's lexical habits: TypeScript, JavaScript, Java, C and C++.

Member access and constructor names are monitored; the rest is free. Constructor names in
Java are not: its server lists after ``new`` only what fits the type that is expected there.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from structgen.errors import MonitorError
from structgen.monitors.analysis import Analysis
from structgen.monitors.classes import ClassRule
from structgen.monitors.clike_scanner import HABITS, ClikeScanner
from structgen.monitors.engines.choose import OnFailure, check_on_failure, choose_engine
from structgen.monitors.engines.profiles import Profile
from structgen.monitors.engines.protocol import Engine
from structgen.monitors.members import MemberRule
from structgen.monitors.text import Rule, TextMonitor

__all__ = ["clike"]


def clike(
    language: Literal["typescript", "java", "cpp"],
    project: str | Path = ".",
    *,
    file: str | Path,
    engine: str | Profile | Engine | None = None,
    prefix: str = "",
    suffix: str = "",
    rules: Iterable[Literal["members", "classes"]] = ("members",),
    time_limit: float = 1.0,
    on_failure: OnFailure = "error",
) -> TextMonitor:
    """A monitor of TypeScript, Java or C++ through its language server.

    Parameters and errors are those of ``python``; ``engine`` defaults to ``tsc``, ``jdtls``
    or ``clangd``.

    Raises
    ------
    MonitorError : no such project, language or engine, or the engine is not installed
    """
    if language not in HABITS:
        raise MonitorError(f"no monitor for {language!r}", engine="clike", hint=f"one of: {', '.join(HABITS)}")
    habits = HABITS[language]
    root = Path(project)
    if not root.is_dir():
        raise MonitorError(f"no project at {project}", engine=habits.profile, hint="pass the folder of the project")
    check_on_failure(on_failure)
    server, _ = choose_engine(engine or habits.profile, root, file, time_limit=time_limit, on_failure=on_failure)
    analysis = Analysis(server, prefix, suffix)
    chosen: list[Rule] = []
    for name in dict.fromkeys(rules):
        if name == "members":
            chosen.append(MemberRule(analysis, private=True, always=habits.words))
        elif name == "classes":
            chosen.append(ClassRule(analysis, always=habits.after_new))
        else:
            raise MonitorError(f"no rule for {language} is called {name!r}", engine="clike", hint="members or classes")
    return TextMonitor(language, ClikeScanner(habits), chosen, prefix=prefix.encode(), engine=server)
