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
from structgen.monitored import MonitoredConstraint
from structgen.monitors.files import hole_in
from structgen.monitors.protocol import Monitor
from structgen.monitors.python_monitor import DEFAULT_RULES, python

__all__ = ["Filled", "fill_in"]


@dataclass(frozen=True, slots=True)
class Filled:
    """What was filled in, and the file with it."""

    text: str
    prefix: str
    suffix: str
    samples: Any
    """The sampler's ``Samples``."""

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
    monitor: Literal["python"] | Monitor | None = "python",
    engine: str | None = None,
    rules: Iterable[str] = DEFAULT_RULES,
    constraint: Constraint | None = None,
    until: Literal["line", "budget"] = "line",
    sampler: Any = None,
    max_tokens: int = 64,
    prompt_characters: int = 6000,
    time_limit: float = 1.0,
    optional: bool = False,
    seed: int | None = None,
) -> Filled:
    """Let ``model`` write at a cursor, held to what static analysis knows there.

    Parameters
    ----------
    model : any ``LanguageModel``
    file, line, column : the cursor; both numbers from 1, columns in code points
    project : folder of the project; ``file`` may be relative to it
    monitor : ``"python"``, a monitor of one's own, or None for the model alone
    engine, rules, time_limit, optional : as for ``structgen.monitors.python``
    constraint : what the filled text must match besides; by default see ``until``
    until : ``"line"`` stops at the end of the line, ``"budget"`` when the model ends or ``max_tokens`` are spent
    sampler : greedy masking by default
    prompt_characters : how much of the text before the cursor the model sees

    Raises
    ------
    MonitorError : no such project, file, cursor or engine
    """
    hole = hole_in(file, line, column, project=project)
    watcher = monitor
    if monitor == "python":
        watcher = python(
            project,
            engine=engine,
            file=hole.file,
            prefix=hole.prefix,
            suffix=hole.suffix,
            rules=rules,
            time_limit=time_limit,
            optional=optional,
        )
    if constraint is None and until == "line":
        constraint = regex(r"[^\r\n]*")
    target: Constraint | None = constraint
    if watcher is not None:
        target = MonitoredConstraint(constraint, (watcher,))  # type: ignore[arg-type]
    if sampler is None:
        from structgen.samplers.masking import Masking

        sampler = Masking(temperature=0)
    # Bytes are raw text to a model: no chat template around a file.
    seen = hole.prefix[-prompt_characters:].encode()
    prompt = model.encode(seen) if seen else None
    samples = sampler.sample(model, prompt, constraint=target, max_tokens=max_tokens, seed=seed)
    return Filled(samples[0].text, hole.prefix, hole.suffix, samples)
