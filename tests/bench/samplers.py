"""Prints the samplers' tables: three tasks on SmolLM2, overheads per token, AWRS beside genlm-control.

    python -m tests.bench.samplers tasks [TASK] [--samples 48] [--exact 400]
    python -m tests.bench.samplers overhead
    python -m tests.bench.samplers awrs-record FILE      # logits of real prefixes, for the side-by-side
    python -m tests.bench.samplers awrs FILE             # structgen's AWRS on them
    python genlm_awrs.py FILE                            # genlm-control's, in its own environment

One thread: set OMP_NUM_THREADS=1. Times are medians; counts do not vary between machines.
"""

from __future__ import annotations

import argparse
import math
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import structgen as sg
from structgen.errors import LimitError
from structgen.potentials import predicate
from structgen.samplers import AWRS, CARS, SMC, ASAp, Samples
from structgen.samplers.awrs import Budgeted
from structgen.samplers.rejection import Masked


@dataclass(frozen=True)
class Task:
    """A prompt and a target; ``masked`` is what masking can use of it."""

    name: str
    prompt: str
    constraint: Any
    max_tokens: int


def tasks() -> list[Task]:
    """A regex with rare matches, a JSON schema, a Python predicate."""
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 12},
            "age": {"type": "integer", "minimum": 18, "maximum": 99},
            "mood": {"enum": ["calm", "cross"]},
        },
        "required": ["name", "age", "mood"],
        "additionalProperties": False,
    }
    return [
        Task(
            "regex",
            "Give a colour, then a number of three digits that ends in 7. Answer like this: blue 127",
            sg.regex(r"(red|blue|green|grey) [1-9][0-9]7"),
            16,
        ),
        Task(
            "json",
            'Write a JSON object about Ann like this, nothing else: {"name": "Bo", "age": 20, "mood": "cross"}',
            sg.json_schema(schema),
            48,
        ),
        Task(
            "predicate",
            "The table city has columns name, country and population. Write one short SQL query, nothing else, "
            "like this: SELECT name FROM city",
            sqlite_predicate(),
            24,
        ),
    ]


def sqlite_predicate() -> Any:
    """Queries that sqlite prepares; on prefixes, what its parser has not refused yet."""
    database = sqlite3.connect(":memory:")
    database.execute("create table city (name text, country text, population int)")

    plain = re.compile(r"[A-Za-z0-9_ ,.()*=<>]*;?")

    def error_of(query: str) -> str:
        try:
            database.execute("explain " + query)
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            return str(error)
        return ""

    def prepares(query: str) -> bool:
        return begins(query) and query.rstrip() == query and not error_of(query)

    def begins(query: str) -> bool:
        """Without quotes or comments, in which what looks wrong may yet turn out right."""
        return "SELECT ".startswith(query[:7]) and plain.fullmatch(query) is not None

    def viable(query: str) -> bool:
        """The last word may still grow, so the parser sees what comes before it."""
        if not begins(query):
            return False
        error = error_of(re.sub(r"[\w.<>=*]+$", "", query))
        return not ("syntax error" in error or "unrecognized" in error or "statement" in error)

    return predicate(prepares, prefix=viable, name="sqlite")


def samplers() -> dict[str, Any]:
    """What the table compares."""
    return {
        "masking": AWRS(form=Masked()),
        "ASAp": ASAp(batch_size=4),
        "CARS": CARS(batch_size=32, max_trials=60),
        "AWRS": AWRS(),
        "SMC-AWRS": SMC(particles=8, proposal=Budgeted()),
    }


def evidence_error(samples: Samples) -> float:
    """Standard error of the log evidence (delta method over independent samples)."""
    if "trials" in samples.extra:
        return 1.0 / math.sqrt(len(samples))  # CARS: a count of successes
    if samples.log_evidence == -math.inf:
        return math.nan
    weights = np.exp(samples.log_weights - samples.log_weights.max())
    return float(weights.std(ddof=1) / math.sqrt(len(weights)) / weights.mean()) if len(weights) > 1 else math.nan


def distance(samples: Samples, exact: Counter[str], n_exact: int) -> float:
    """Total variation between the weighted samples and the texts of a long exact run."""
    found: Counter[str] = Counter()
    for text, share in zip(samples.texts, samples.probabilities, strict=True):
        found[text] += float(share)
    texts = set(found) | set(exact)
    return 0.5 * sum(abs(found[text] - exact[text] / n_exact) for text in texts)


def unweighted(samples: Samples) -> Samples:
    """The later half of the valid draws, all weighing the same: the law a sampler has learnt."""
    valid = np.flatnonzero(samples.log_weights > -np.inf)
    later = samples.take(valid[len(valid) // 2 :])
    return replace(later, log_weights=np.zeros(len(later)))


def floor_of(texts: tuple[str, ...], n: int, rng: np.random.Generator) -> float:
    """Mean total variation that ``n`` of the exact run's own samples have to the others."""
    distances = []
    for _ in range(20):
        order = rng.permutation(len(texts))
        part = Counter(texts[i] for i in order[:n])
        rest = Counter(texts[i] for i in order[n:])
        keys = set(part) | set(rest)
        distances.append(0.5 * sum(abs(part[k] / n - rest[k] / (len(texts) - n)) for k in keys))
    return float(np.mean(distances))


def exact_run(model: Any, task: Task, n: int) -> Samples:
    """Up to ``n`` exact samples by CARS."""
    sampler = CARS(batch_size=32, max_trials=60)
    return sampler.sample(model, task.prompt, constraint=task.constraint, n=n, max_tokens=task.max_tokens, seed=99)


def run_tasks(n: int, n_exact: int, only: str | None) -> None:
    """The SmolLM2 table."""
    model = sg.models.Transformers()
    rng = np.random.default_rng(0)
    columns = ["log Z", "+-", "ESS", "ESS/s", "checks/tok", "calls/valid", "TV", "TV raw", "floor", "s"]
    print(f"{'task':10} {'sampler':9}" + "".join(f"{column:>12}" for column in columns), flush=True)
    for task in tasks():
        if only not in (None, task.name):
            continue
        exact = exact_run(model, task, n_exact)
        counts = Counter(exact.texts)
        for name, sampler in samplers().items():
            start = time.perf_counter()
            try:
                runs = _draw(sampler, name, model, task, n)
            except LimitError as error:
                print(f"{task.name:10} {name:9} gave up after {error.given:.0f} {error.what}", flush=True)
                continue
            seconds = time.perf_counter() - start
            valid = int((runs.log_weights > -np.inf).sum())
            n_tokens = sum(len(ids) + 1 for ids in runs.token_ids)
            figures = [
                runs.log_evidence,
                evidence_error(runs),
                runs.ess,
                runs.ess / seconds,
                runs.constraint_checks / n_tokens,
                runs.model_calls / max(1, valid),
                distance(runs, counts, len(exact)),
                distance(unweighted(runs), counts, len(exact)),
                floor_of(exact.texts, min(n, len(exact) // 2), rng),
                seconds,
            ]
            print(f"{task.name:10} {name:9}" + "".join(f"{figure:12.3f}" for figure in figures), flush=True)
        summary = f"{len(exact)} samples, log Z {exact.log_evidence:.3f}, {exact.extra['trials']} trials"
        print(f"{task.name:10} exact run: {summary}", flush=True)


def _draw(sampler: Any, name: str, model: Any, task: Task, n: int) -> Samples:
    """``n`` samples; SMC in runs of its particles, so that its error can be told from between runs."""
    settings = {"constraint": task.constraint, "max_tokens": task.max_tokens}
    if name != "SMC-AWRS":
        return sampler.sample(model, task.prompt, n=n, seed=1, **settings)
    size = sampler.particles
    return Samples.concatenate(
        [sampler.sample(model, task.prompt, n=size, seed=run, **settings) for run in range(-(-n // size))]
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
    parser.add_argument("what", choices=["tasks", "overhead", "awrs-record", "awrs"])
    parser.add_argument("file", nargs="?")
    parser.add_argument("--samples", type=int, default=48)
    parser.add_argument("--exact", type=int, default=400)
    args = parser.parse_args()
    if args.what == "tasks":
        run_tasks(args.samples, args.exact, args.file)
    elif args.what == "overhead":
        run_overhead()
    else:
        from tests.bench import awrs_side_by_side

        awrs_side_by_side.main(args.what, args.file)


if __name__ == "__main__":
    main()
