"""Fill in at a cursor: the model continues a file, a monitor knows the project.

    fill_in(model, "app/orders.py", line=41, column=15, project="app")

The model sees the file up to the cursor as plain text; static analysis sees the text after
the cursor as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from structgen.constraint import Constraint, regex
from structgen.errors import MonitorError
from structgen.monitored_constraint import MonitoredConstraint
from structgen.monitors.clike_monitor import clike
from structgen.monitors.clike_scanner import HABITS
from structgen.monitors.engines.choose import OnFailure
from structgen.monitors.files import Hole, hole_in
from structgen.monitors.protocol import Monitor
from structgen.monitors.python_monitor import DEFAULT_RULES, python
from structgen.monitors.records import MonitorRecord

__all__ = ["Filled", "fill_in", "monitor_at"]


Language = Literal["python", "typescript", "java", "cpp"]


@dataclass(frozen=True, slots=True)
class Filled:
    """What was filled in, and the file with it."""

    text: str
    prefix: str
    suffix: str
    samples: Any
    """The sampler's ``Samples``."""
    monitors: tuple[MonitorRecord, ...] = ()
    """What the monitor did."""

    @property
    def file_text(self) -> str:
        return self.prefix + self.text + self.suffix


def fill_in(
    model: Any,
    file: str | Path,
    line: int,
    column: int,
    *,
    project: str | Path = ".",
    monitor: Language | Monitor | None = "python",
    engine: str | None = None,
    rules: Iterable[str] | None = None,
    constraint: Constraint | None = None,
    until: Literal["line", "budget"] = "line",
    sampler: Any = None,
    n: int = 1,
    max_tokens: int = 64,
    prompt_characters: int = 6000,
    time_limit: float = 1.0,
    on_monitor_failure: OnFailure = "error",
    seed: int | None = None,
) -> Filled:
    """Let ``model`` write at a cursor, held to what static analysis knows there.

    Parameters
    ----------
    model : any ``LanguageModel``
    file, line, column : the cursor; both numbers from 1, columns in code points
    project : folder of the project; ``file`` may be relative to it
    monitor : a language (``"python"``, ``"typescript"``, ``"java"``, ``"cpp"``), a monitor of
        one's own, or None for the model alone
    engine, rules, time_limit : as for ``structgen.monitors.python``; rules are those of the language by default
    on_monitor_failure : ``"continue"`` fills in without the monitor where it cannot work; ``Filled.monitors`` says so
    constraint : what the filled text must match besides; by default see ``until``
    until : ``"line"`` stops at the end of the line, ``"budget"`` when the model ends or ``max_tokens`` are spent
    sampler : greedy masking by default
    n : how many texts to draw; ``Filled.text`` is the first, ``Filled.samples`` has all
    prompt_characters : how much of the text before the cursor the model sees

    Raises
    ------
    MonitorError : no such project, file, cursor or engine
    """
    hole = hole_in(file, line, column, project=project)
    watcher = (
        monitor_at(
            hole,
            monitor,
            project=project,
            engine=engine,
            rules=rules,
            time_limit=time_limit,
            on_failure=on_monitor_failure,
        )
        if isinstance(monitor, str)
        else monitor
    )
    target, seen = target_at(hole, watcher, constraint, until=until, prompt_characters=prompt_characters)
    if sampler is None:
        from structgen.samplers.masking import Masking

        sampler = Masking(temperature=0)
    prompt = None if seen is None else model.encode(seen)
    samples = sampler.sample(model, prompt, constraint=target, n=n, max_tokens=max_tokens, seed=seed)
    records = target.records() if isinstance(target, MonitoredConstraint) else ()
    return Filled(samples[0].text, hole.prefix, hole.suffix, samples, records)


def target_at(
    hole: Hole,
    watcher: Monitor | None,
    constraint: Constraint | None = None,
    *,
    until: Literal["line", "budget"] = "line",
    prompt_characters: int = 6000,
) -> tuple[Constraint | None, bytes | None]:
    """What a text at ``hole`` must fit, monitor included, and what the model sees; see ``fill_in``.

    The latter is bytes, which are raw text to a model: no chat template around a file.
    """
    if constraint is None and until == "line":
        constraint = regex(r"[^\r\n]*")
    target = constraint if watcher is None else MonitoredConstraint(constraint, (watcher,))
    return target, hole.prefix[-prompt_characters:].encode() or None


def monitor_at(
    hole: Hole,
    language: Language,
    *,
    project: str | Path = ".",
    engine: str | None = None,
    rules: Iterable[str] | None = None,
    time_limit: float = 1.0,
    on_failure: OnFailure = "error",
) -> Monitor:
    """The monitor of a language for a place in a file; parameters and errors are those of ``fill_in``."""
    if language == "python":
        return python(
            project,
            engine=engine,
            file=hole.file,
            prefix=hole.prefix,
            suffix=hole.suffix,
            rules=DEFAULT_RULES if rules is None else rules,
            time_limit=time_limit,
            on_failure=on_failure,
        )
    if language not in HABITS:
        known = ", ".join(("python", *HABITS))
        raise MonitorError(f"no monitor for {language!r}", engine=language, hint=f"one of: {known}")
    return clike(
        language,
        project,
        file=hole.file,
        engine=engine,
        prefix=hole.prefix,
        suffix=hole.suffix,
        rules=("members",) if rules is None else rules,  # type: ignore[arg-type]
        time_limit=time_limit,
        on_failure=on_failure,
    )
