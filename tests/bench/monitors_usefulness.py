"""What a small model gains from the member monitor: see ``monitors.py``.

At dereference points of installed packages, where the monitor knows the members, the
model writes the rest of the line greedily, with and without the monitor, from the text
before the point alone. The papers' metrics: does the identifier exist (in the engine's own
list, and by another type checker's word), is it the true one (next-identifier match).
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from structgen.monitors.analysis import Analysis
from structgen.monitors.engines.protocol import UNKNOWN
from structgen.monitors.machine import FreeMachine, MonitoredMachine
from structgen.monitors.members import MemberRule
from structgen.monitors.python_monitor import build_engine
from structgen.monitors.python_scanner import PythonScanner
from structgen.monitors.rules import member_names
from structgen.monitors.text import TextMonitor

_IDENTIFIER = re.compile(r"[ \t]*([^\W\d]\w*)")
CONTEXT = 1200
"""Characters before the point that the model sees."""


@dataclass
class Point:
    """One dereference point and what was written there."""

    file: str
    offset: int
    true_name: str
    offered: int
    plain: str = ""
    monitored: str = ""
    plain_exists: bool = False
    monitored_exists: bool = False
    plain_errors: int = 0
    monitored_errors: int = 0


def name_in(text: str) -> str:
    match = _IDENTIFIER.match(text)
    return match.group(1) if match else ""


def write_line(model: Any, prompt: str, machine: MonitoredMachine | None, max_tokens: int) -> str:
    """Greedy continuation to the end of the line."""
    from structgen.masks.matcher import Matcher

    vocabulary = model.vocabulary
    state = model.start([model.encode(prompt.encode())])
    matcher = None if machine is None else Matcher(machine)
    row = np.zeros(vocabulary.n_words, dtype=np.uint32)
    written = b""
    for _ in range(max_tokens):
        scores = state.logprobs()[0][: vocabulary.n_tokens].copy()
        if matcher is not None:
            matcher.fill_mask(row)
            allowed = np.unpackbits(row.view(np.uint8), bitorder="little")[: vocabulary.n_tokens].astype(bool)
            scores[~allowed] = -np.inf
        token_id = int(scores.argmax())
        if token_id in vocabulary.special_ids:
            break
        written += vocabulary.token_bytes(token_id)
        if b"\n" in written:
            break
        if matcher is not None:
            matcher.advance(token_id)
        state.extend([[token_id]])
    return written.split(b"\n")[0].decode("utf-8", "replace")


def attribute_errors(project: Path, relative: str, source: str, line: int, checker: str) -> int:
    """Unresolved attributes that another checker finds in ``line`` (from 1) of the file with ``source``."""
    path = project / relative
    kept = path.read_text(encoding="utf-8")
    path.write_text(source, encoding="utf-8")
    try:
        command = [str(Path(sys.executable).parent / checker), "check", "--output-format", "concise", relative]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60, check=False)
    finally:
        path.write_text(kept, encoding="utf-8")
    return len(re.findall(rf":{line}:\d+: error\[[\w-]*attribute[\w-]*\]", done.stdout))


def usefulness(
    engine_name: str,
    n_points: int,
    *,
    seed: int = 0,
    checker: str | None = "ty",
    out: str | None = None,
    max_tokens: int = 24,
) -> list[Point]:
    """Run the comparison and print its rates."""
    from monitors import PACKAGES, accesses, files

    from structgen.models import Transformers

    model = Transformers(device="cpu", chat=False)
    free = FreeMachine(model.vocabulary)
    rng = random.Random(seed)
    sources = [(path, package) for path, package in files() if package is not None and package.name in PACKAGES]
    points: list[Point] = []
    per_file = -(-n_points // len(sources)) + 2
    for path, package in sources:
        assert package is not None
        source = path.read_text(encoding="utf-8")
        project = Path(tempfile.mkdtemp())
        try:
            shutil.copytree(package, project / package.name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
            relative = f"{package.name}/{path.name}"
            engine, _ = build_engine(engine_name, project, relative, time_limit=5.0)
            sites = [site for site in accesses(source) if not site[1].startswith("_")]
            rng.shuffle(sites)
            done = 0
            for offset, true_name in sites:
                if done >= per_file or len(points) >= n_points:
                    break
                prefix, suffix = source[:offset], source[source.find("\n", offset) :]
                rule = MemberRule(Analysis(engine, prefix, suffix))
                monitor = TextMonitor("python", PythonScanner(), [rule], prefix=prefix.encode())
                gate = rule.gate(monitor.start()) if rule.pre(monitor.start()) else None
                if gate is None or true_name.encode() not in gate.names:
                    continue
                # Private names pass the gate unlisted; whether they exist, the engine says.
                offered = member_names(rule.analysis.complete(b"", len(prefix.encode()), set()))
                assert offered is not UNKNOWN
                point = Point(relative, offset, true_name, len(offered))
                prompt = prefix[-CONTEXT:]
                point.plain = write_line(model, prompt, None, max_tokens)
                point.monitored = write_line(model, prompt, MonitoredMachine(free, [monitor]), max_tokens)
                point.plain_exists = name_in(point.plain) in offered
                point.monitored_exists = name_in(point.monitored) in offered
                if checker is not None:
                    line = prefix.count("\n") + 1
                    for way in ("plain", "monitored"):
                        text = prefix + getattr(point, way) + suffix
                        setattr(point, f"{way}_errors", attribute_errors(project, relative, text, line, checker))
                points.append(point)
                done += 1
                if out is not None:
                    Path(out).write_text(json.dumps([asdict(p) for p in points], indent=1), encoding="utf-8")
            engine.close()
        finally:
            shutil.rmtree(project)
    summarize(points, checker)
    return points


def summarize(points: list[Point], checker: str | None) -> None:
    n = len(points)
    print(f"{n} dereference points, members known at each; greedy, to the end of the line")
    for way in ("plain", "monitored"):
        exists = sum(getattr(p, f"{way}_exists") for p in points)
        match = sum(name_in(getattr(p, way)) == p.true_name for p in points)
        errors = sum(getattr(p, f"{way}_errors") > 0 for p in points)
        print(f"  {way:9}: exists {exists / n:.1%}, next identifier matches {match / n:.1%}", end="")
        print(f", lines with unresolved attributes by {checker} {errors / n:.1%}" if checker else "")
