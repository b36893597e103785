"""What a constrained token costs beyond the engine's queries: see ``monitors.py``.

The engine is asked once and its answers are recorded. Then the same text is written again
and again, token by token, against a replay of them, each time by a monitor and a product
that remember nothing, so that every answer is new. A step is one mask and one advance. It
counts as constrained where the mask holds tokens back that the grammar alone allows: behind
a dot, and already before one, where tokens such as ``.total`` are judged.

Three machines take turns, text by text: no grammar, ``python.lark``, and that grammar
without a monitor. Its own cost is in the second as well, so the third says what of it is the
monitor's. Times are of this process's processor, without the replay's share. Per step the median over the
repeats is taken, and the best of them: other processes slow the processor and empty its caches,
and the best shows what is left without them.
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

import structgen as sg
from structgen.masks.machine import TokenMachine
from structgen.monitors.analysis import Analysis
from structgen.monitors.engines.protocol import UNKNOWN, Completion, Engine, EngineStats, Signature, Unknown
from structgen.monitors.machine import FreeMachine, MonitoredMachine
from structgen.monitors.members import MemberRule
from structgen.monitors.python_monitor import build_engine
from structgen.monitors.python_scanner import PythonScanner
from structgen.monitors.text import TextMonitor
from structgen.vocab.vocabulary import Vocabulary

MACHINES = ("no grammar", "python.lark", "python.lark, no monitor")


class Replay:
    """Answers as they were recorded; anew each time, as a server would make them."""

    name = "replay"

    def __init__(self, answers: dict[tuple[str, int], Completion | Unknown], recorded: Engine | None = None) -> None:
        self.answers = answers
        self.recorded = recorded
        self.stats = EngineStats()

    def complete(self, text: str, offset: int) -> Completion | Unknown:
        begun = time.process_time_ns()
        self.stats.queries += 1
        key = (text, offset)
        if self.recorded is not None and key not in self.answers:
            self.answers[key] = self.recorded.complete(text, offset)
        answer = self.answers[key]
        if answer is not UNKNOWN:
            answer = Completion(frozenset(list(answer.names)), answer.kinds, answer.incomplete)
        self.stats.seconds += (time.process_time_ns() - begun) * 1e-9
        return answer

    def signatures(self, text: str, offset: int) -> tuple[Signature, ...] | Unknown:
        return UNKNOWN

    def close(self) -> None:
        return None


@dataclass
class Step:
    """One token: how many the mask left, whether the engine was asked, microseconds beyond it."""

    n_allowed: int
    asked: bool
    microseconds: float


def steps(machine: TokenMachine, stats: EngineStats, head: str, token_ids: list[int]) -> Iterator[Step]:
    """Write the tokens once behind ``head``, which the model has written too."""
    config = machine.advance_bytes(machine.start(), head.encode())
    row = np.zeros(machine.vocabulary.n_words, dtype=np.uint32)
    for token_id in token_ids:
        asked, spent = stats.queries, stats.seconds
        begun = time.process_time_ns()
        machine.fill_mask(config, row)
        after = machine.advance(config, token_id)
        cost = (time.process_time_ns() - begun) * 1e-3 - (stats.seconds - spent) * 1e6
        assert after is not None, machine.vocabulary.token_bytes(token_id)
        config = after
        yield Step(int(np.bitwise_count(row).sum()), stats.queries > asked, cost)


def product(inner: TokenMachine, engine: Replay, suffix: str) -> MonitoredMachine:
    """A product that remembers nothing yet."""
    return MonitoredMachine(inner, [TextMonitor("python", PythonScanner(), [MemberRule(Analysis(engine, "", suffix))])])


def overhead(engine_name: str, n_lines: int, repeats: int = 40, *, every_step: bool = False) -> None:
    """Record, replay, print medians and 95th percentiles by machine and kind of step."""
    from tests.support.data import data_path

    vocabulary = Vocabulary.from_tokenizer_json(data_path("tokenizers", "llama3_1.json"))
    free, grammar = FreeMachine(vocabulary), sg.grammars.load("python").bind(vocabulary).machine
    token_ids = vocabulary.encode_bytes("".join(LINES).encode())
    project = Path(tempfile.mkdtemp())
    answers: dict[tuple[str, int], Completion | Unknown] = {}
    try:
        head, suffix = write_project(project, n_lines)
        (project / "main.py").write_text(head + suffix)
        engine, _ = build_engine(engine_name, project, "main.py", time_limit=5.0)
        engine.complete(head + suffix, len(head))
        recording = Replay(answers, engine)
        for inner in (free, grammar):
            list(steps(product(inner, recording, suffix), recording.stats, head, token_ids))
        engine.close()
    finally:
        shutil.rmtree(project)
    runs: dict[str, list[list[Step]]] = {name: [] for name in MACHINES}
    for _ in range(repeats):
        for name, inner, watched in zip(MACHINES, (free, grammar, grammar), (True, True, False), strict=True):
            replay = Replay(answers)
            machine = product(inner, replay, suffix) if watched else inner
            runs[name].append(list(steps(machine, replay.stats, head, token_ids)))
    print(f"answers of {engine_name}, project of {n_lines} lines, {vocabulary.n_tokens} tokens, {repeats} repeats")
    print("microseconds of mask and step beyond the queries; tokens before a dot are judged ahead of it")
    unwatched = {"no grammar": [vocabulary.n_tokens] * len(token_ids)}
    unwatched["python.lark"] = [step.n_allowed for step in runs["python.lark, no monitor"][0]]
    unwatched["no grammar"] = [int(np.bitwise_count(whole(free)).sum())] * len(token_ids)
    for name in MACHINES:
        report(name, runs[name], unwatched.get(name), [vocabulary.token_bytes(t) for t in token_ids], every_step)


def whole(machine: FreeMachine) -> np.ndarray:
    """The mask of any text."""
    row = np.zeros(machine.vocabulary.n_words, dtype=np.uint32)
    machine.fill_mask(0, row)
    return row


def report(name: str, runs: list[list[Step]], unwatched: list[int] | None, text: list[bytes], every_step: bool) -> None:
    """One machine's lines; steps are told apart by what their masks held back."""
    columns = [sorted(step.microseconds for step in column) for column in zip(*runs, strict=True)]
    kinds: dict[str, list[tuple[float, float]]] = {}
    for number, step in enumerate(runs[0]):
        is_cut = unwatched is not None and step.n_allowed < unwatched[number]
        kind = ("constrained" if is_cut else "free") + (", new answer" if step.asked else "")
        times = statistics.median(columns[number]), columns[number][0]
        for counted in (kind, "constrained, all") if is_cut else (kind,):
            kinds.setdefault(counted, []).append(times)
        if every_step:
            print(f"    {name}: {text[number]!r} {kind} {times[0]:.1f}, best {times[1]:.1f}")
    print(f"  {name}")
    for kind, pairs in sorted(kinds.items()):
        line = f"    {kind:24} {len(pairs):4} steps:"
        for which, of in zip(("typical", "best"), zip(*pairs, strict=True), strict=True):
            ordered = sorted(of)
            p95 = ordered[int(0.95 * (len(ordered) - 1))]
            line += f" {which} median {statistics.median(ordered):6.1f}, p95 {p95:6.1f};"
        print(line.rstrip(";"))
