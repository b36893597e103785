"""What a constrained token costs beyond the engine's queries: see ``monitors.py``.

The engine is asked once and its answers are recorded. Then the same text is written again
and again, token by token, against a replay of them, each time with nothing remembered, so
that every answer is new to the monitor. Per step the minimum over the repeats is taken:
the machine may be busy, and what it does beside is not the monitor's cost.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from monitors_latency import LINES, write_project

from structgen.monitors.analysis import Analysis
from structgen.monitors.engines.protocol import UNKNOWN, Completion, Engine, EngineStats, Signature, Unknown
from structgen.monitors.machine import FreeMachine, MonitoredMachine
from structgen.monitors.members import MemberRule
from structgen.monitors.python_monitor import build_engine
from structgen.monitors.python_scanner import PythonScanner
from structgen.monitors.text import TextMonitor
from structgen.vocab.vocabulary import Vocabulary


class Replay:
    """Answers as they were recorded; anew each time, as a server would make them."""

    name = "replay"

    def __init__(self, answers: dict[tuple[str, int], Completion | Unknown], recorded: Engine | None = None) -> None:
        self.answers = answers
        self.recorded = recorded
        self.stats = EngineStats()

    def complete(self, text: str, offset: int) -> Completion | Unknown:
        begun = time.perf_counter()
        self.stats.queries += 1
        key = (text, offset)
        if self.recorded is not None and key not in self.answers:
            self.answers[key] = self.recorded.complete(text, offset)
        answer = self.answers[key]
        if answer is not UNKNOWN:
            answer = Completion(frozenset(list(answer.names)), answer.kinds, answer.incomplete)
        self.stats.seconds += time.perf_counter() - begun
        return answer

    def signatures(self, text: str, offset: int) -> tuple[Signature, ...] | Unknown:
        return UNKNOWN

    def close(self) -> None:
        return None


@dataclass
class Step:
    """One token: whether a gate stood, whether the engine was asked, microseconds beyond it."""

    constrained: bool
    asked: bool
    microseconds: float


def steps(engine: Replay, prefix: str, suffix: str, vocabulary: Vocabulary) -> Iterator[Step]:
    """Write the lines once, with a monitor that remembers nothing."""
    monitor = TextMonitor(
        "python", PythonScanner(), [MemberRule(Analysis(engine, prefix, suffix))], prefix=prefix.encode()
    )
    machine = MonitoredMachine(FreeMachine(vocabulary), [monitor])
    config = machine.start()
    row = np.zeros(vocabulary.n_words, dtype=np.uint32)
    for token_id in vocabulary.encode_bytes("".join(LINES).encode()):
        asked, spent, constrained = engine.stats.queries, engine.stats.seconds, machine.n_constrained
        begun = time.perf_counter()
        machine.fill_mask(config, row)
        after = machine.advance(config, token_id)
        wall = time.perf_counter() - begun - (engine.stats.seconds - spent)
        assert after is not None, vocabulary.token_bytes(token_id)
        config = after
        yield Step(machine.n_constrained > constrained, engine.stats.queries > asked, wall * 1e6)


def overhead(engine_name: str, n_lines: int, repeats: int = 100) -> None:
    """Record, replay, print medians and maxima by kind of step."""
    from tests.support.data import data_path

    vocabulary = Vocabulary.from_tokenizer_json(data_path("tokenizers", "llama3_1.json"))
    project = Path(tempfile.mkdtemp())
    try:
        prefix, suffix = write_project(project, n_lines)
        (project / "main.py").write_text(prefix + suffix)
        prefix += "    round_0 = 0\n"
        engine, _ = build_engine(engine_name, project, "main.py", time_limit=5.0)
        engine.complete(prefix + suffix, len(prefix))
        answers: dict[tuple[str, int], Completion | Unknown] = {}
        list(steps(Replay(answers, engine), prefix, suffix, vocabulary))
        engine.close()
    finally:
        shutil.rmtree(project)
    runs = [list(steps(Replay(answers), prefix, suffix, vocabulary)) for _ in range(repeats)]
    best = [min(run, key=lambda step: step.microseconds) for run in zip(*runs, strict=True)]
    print(f"answers of {engine_name}, project of {n_lines} lines, {vocabulary.n_tokens} tokens, best of {repeats}")
    print("microseconds of mask and step beyond the query; lead-ins are asked for ahead of the dot")
    for constrained in (True, False):
        for asked in (True, False):
            times = sorted(s.microseconds for s in best if (s.constrained, s.asked) == (constrained, asked))
            if times:
                name = f"{'constrained' if constrained else 'free'}, {'new answer' if asked else 'no query'}"
                p95 = times[int(0.95 * (len(times) - 1))]
                print(f"  {name:26} {len(times):4} steps: median {statistics.median(times):6.1f}, p95 {p95:6.1f}")
