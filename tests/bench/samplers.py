"""Prints the samplers' tables: three tasks on SmolLM2, overheads per token, AWRS beside genlm-control.

    python -m tests.bench.samplers tasks [TASK] [--out ROWS] [--readme README.md]
    python -m tests.bench.samplers unvisited             # ASAp by what unvisited prefixes count, against exact laws
    python -m tests.bench.samplers overhead
    python -m tests.bench.samplers awrs-record FILE      # logits of real prefixes, for the side-by-side
    python -m tests.bench.samplers awrs FILE             # structgen's AWRS on them
    python genlm_awrs.py FILE                            # genlm-control's, in its own environment

One thread: set OMP_NUM_THREADS=1. Times are medians; counts do not vary between machines.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import structgen as sg
from jsonschemabench.conditions import conditions
from jsonschemabench.report.section import put_section
from jsonschemabench.report.tables import to_markdown
from jsonschemabench.rows import RowWriter, read_rows
from structgen.potentials import predicate
from structgen.samplers import AWRS, SMC, ASAp
from tests.bench.sampler_tasks import LEARNING, SAMPLERS, TASKS, distances, exact_row, sampler_row

RECORD = Path(__file__).resolve().parents[2] / "jsonschemabench" / "record"


def run_tasks(only: str | None, out: Path) -> None:
    """Measure every task and sampler that ``out`` does not hold yet; each row is on the disk when it is done."""
    done = {(row["task"], row["sampler"]) for row in read_rows(out)} if out.exists() else set()
    model = sg.models.Transformers()
    with RowWriter(out) as writer:
        for task in TASKS:
            if only not in (None, task.name):
                continue
            for name in ("exact", *SAMPLERS):
                if (task.name, name) not in done:
                    row = exact_row(model, task) if name == "exact" else sampler_row(model, task, name)
                    writer.write(row | conditions())
                    print(f"{task.name} {name}: {row.get('seconds', row)}", file=sys.stderr)


def tasks_section(rows: list[dict[str, Any]]) -> str:
    """The table of all tasks in Markdown, with what it was measured on."""
    head = ["task", "sampler", "n", "log Z", "ESS", "ESS/s", "checks/token", "calls/valid"]
    table = [[*head, "distance, weighted", "distance, draws", "floor (95 %)"]]
    exact = {row["task"]: row["features"] for row in rows if row["sampler"] == "exact"}
    order = {(task.name, name): place for place, (task, name) in enumerate(itertools.product(TASKS, SAMPLERS))}
    for row in sorted((row for row in rows if row["sampler"] != "exact"), key=lambda r: order[r["task"], r["sampler"]]):
        if "gave_up" in row:
            table.append([row["task"], row["sampler"], str(row["n"]), f"gave up {row['gave_up']}", *["–"] * 7])
            continue
        found = distances(row, exact[row["task"]])
        table.append(
            [
                *(row["task"], row["sampler"], str(row["n"]), f"{row['log_evidence']:.2f} ± {row['error']:.2f}"),
                *(f"{row['ess']:.1f}", f"{row['ess_per_second']:.2f}", f"{row['checks_per_token']:.1f}"),
                *(f"{row['calls_per_valid']:.1f}", f"{found['distance']:.2f}", f"{found['distance_of_draws']:.2f}"),
                f"{found['floor']:.2f} ({found['floor_high']:.2f})",
            ]
        )
    return f"{to_markdown(table)}\n{_tasks_legend(rows)}"


def _tasks_legend(rows: list[dict[str, Any]]) -> str:
    exact = [row for row in rows if row["sampler"] == "exact"]
    last = rows[-1]
    compared = "; ".join(f"{task.name}: {task.compared}" for task in TASKS)
    runs = "; ".join(
        f"{row['task']}: {len(row['features'])} texts in {row['trials']} trials, log Z {row['log_evidence']:.2f}"
        for row in exact
    )
    return (
        f"SmolLM2-135M-Instruct, {last['date'][:10]}, {last['cpu']}, one thread; seconds are the processor's. "
        f"Distances are total variations to a long exact run ({runs}) of the law of a feature of the text "
        f"({compared}): of the weighted samples, and of as many draws as they come. The floor is what as many exact "
        "samples are away from the rest of the exact run, on average and in 19 of 20 splits. ASAp made "
        f"{LEARNING} draws to learn for each that counts; they are in its cost. (The paper's counts what was never "
        "visited as valid.) Under the predicate masking asks about every token that the grammar leaves, so it drew "
        "few, and its floor is theirs. Made by "
        "`python -m tests.bench.samplers tasks --readme README.md`.\n"
    )


def timed(action: Callable[[], Any], n: int) -> float:
    """Median seconds of ``n`` calls, after a warm-up."""
    for _ in range(5):
        action()
    times = []
    for _ in range(n):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


class Recorded:
    """A model that replays scores, so that a sampler's own time is all there is."""

    name = "recorded"

    def __init__(self, vocabulary: sg.Vocabulary, logprobs: np.ndarray) -> None:
        self.vocabulary, self.logprobs_of = vocabulary, logprobs

    def encode(self, prompt: Any) -> list[int]:
        return []

    def start(self, prompts: Any) -> _RecordedState:
        return _RecordedState(self, len(prompts))


class _RecordedState:
    n_model_calls = 0

    def __init__(self, model: Recorded, n_rows: int) -> None:
        self.model, self.n_rows, self.step = model, n_rows, 0

    def logprobs(self) -> np.ndarray:
        row = self.model.logprobs_of[self.step % len(self.model.logprobs_of)]
        return np.broadcast_to(row, (self.n_rows, len(row)))

    def extend(self, token_ids: Any) -> None:
        self.step += 1

    def select(self, rows: Any) -> None:
        self.n_rows = len(rows)


def busy_predicate(seconds: float) -> Callable[[bytes], bool]:
    """Accepts about two texts in three, after this long."""

    def ask(data: bytes) -> bool:
        until = time.perf_counter() + seconds
        verdict = not data or data[-1] % 3 != 0
        while time.perf_counter() < until:
            pass
        return verdict

    return ask


def run_overhead() -> None:
    """Milliseconds per token beyond the model, at V = 49k on one core; CPU time, so that other load does not count."""
    vocabulary = sg.models.Transformers().vocabulary
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(64, vocabulary.n_tokens)).astype(np.float32) * 3.5
    logits[:, list(vocabulary.eos_ids)] = -1e9
    logprobs = logits - np.log(np.exp(logits.astype(np.float64)).sum(1, keepdims=True)).astype(np.float32)
    model: Any = Recorded(vocabulary, logprobs)
    mask = sg.regex(r"[a-zA-Z ,.]*").bind(vocabulary)
    n_tokens = 64
    opaque = {f"{s * 1e6:.0f} us": s for s in (0.0, 5e-6)}
    cases: dict[str, tuple[Any, Any]] = {
        "Masking, regex mask": (sg.samplers.Masking(), mask),
        "ASAp, regex mask": (ASAp(), mask),
        "SMC(8), regex mask": (SMC(particles=8), mask),
    }
    for label, cost in opaque.items():
        cases[f"AWRS(budget=0), predicate of {label}"] = (AWRS(budget=0), ("predicate", cost))
        cases[f"AWRS(), predicate of {label}"] = (AWRS(), ("predicate", cost))
    for name, (sampler, constraint) in cases.items():
        per_token, checks = [], []
        for seed in range(30):
            target = constraint
            if isinstance(constraint, tuple):
                target = predicate(prefix=busy_predicate(constraint[1]), on="bytes")
            start = time.thread_time()
            samples = sampler.sample(model, constraint=target, n=1, max_tokens=n_tokens, seed=seed)
            taken = time.thread_time() - start
            length = max(map(len, samples.token_ids)) + 1
            per_token.append(taken / length * 1e3)
            checks.append(samples.constraint_checks / length)
        print(f"{name:40} {np.median(per_token):7.3f} ms/token   {np.mean(checks):6.2f} checks/token")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["tasks", "unvisited", "overhead", "awrs-record", "awrs"])
    parser.add_argument("file", nargs="?")
    parser.add_argument("--out", type=Path, help="rows; what they hold is not measured again; default: dated")
    parser.add_argument("--readme", type=Path, help="file whose section 'samplers' is replaced")
    args = parser.parse_args()
    if args.what == "tasks":
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        out = args.out or RECORD / f"{today}-samplers" / "samplers.jsonl"
        out.parent.mkdir(parents=True, exist_ok=True)
        run_tasks(args.file, out)
        section = tasks_section(list(read_rows(out)))
        print(section)
        if args.readme is not None:
            put_section(args.readme, section, name="samplers")
    elif args.what == "overhead":
        run_overhead()
    elif args.what == "unvisited":
        from tests.bench import asap_unvisited

        asap_unvisited.main()
    else:
        from tests.bench import awrs_side_by_side

        awrs_side_by_side.main(args.what, args.file)


if __name__ == "__main__":
    main()
