"""Three targets on SmolLM2, and what each sampler makes of them: the table of the README's samplers.

A target is a prompt and a constraint. Besides the costs, two distances say whether a sampler
keeps its promise, both total variations to a long exact run (CARS, another seed): of the
*weighted* samples, and of the *draws* as they come, all counting alike. Masking promises the
first only; ASAp tends to the second as it learns; CARS has both at once. Texts of a wide
language hardly ever repeat, so the distance is between the laws of a *feature* of the text,
which the task names. The *floor* is what as many exact samples have: the exact run is split at
random into as many samples as the sampler's and a rest as large as what the sampler is compared
with; mean, and the value that one split in twenty exceeds. (Drawing anew from the exact run's
frequencies would be too kind to it: what a long tail holds beyond them could not come up.)
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import structgen as sg
from structgen.errors import LimitError
from structgen.potentials import predicate, product
from structgen.samplers import AWRS, CARS, SMC, ASAp, Samples
from structgen.samplers.rejection import Budgeted, Masked

__all__ = ["LEARNING", "SAMPLERS", "TASKS", "Task", "distances", "exact_row", "sampler_row"]

EXACT_SEED, SEED = 99, 1
N_FLOOR = 400


@dataclass(frozen=True)
class Task:
    """A prompt and a target; ``feature`` maps a text to what its law is compared by."""

    name: str
    prompt: str
    constraint: Callable[[], Any]
    max_tokens: int
    feature: Callable[[str], str]
    compared: str
    n: int
    """Samples of each sampler."""
    n_exact: int


_PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 18, "maximum": 99},
        "mood": {"enum": ["calm", "cross"]},
    },
    "required": ["name", "age", "mood"],
    "additionalProperties": False,
}


def _name_and_mood(text: str) -> str:
    person = json.loads(text)
    return f"{person['name'][:3]} {person['mood']}"


def sqlite_query() -> Any:
    """Queries that sqlite prepares: a regex for their letters, the database for the rest."""
    database = sqlite3.connect(":memory:")
    database.execute("create table city (name text, country text, population int)")

    def error_of(query: str) -> str:
        try:
            database.execute("explain " + query)
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            return str(error)
        return ""

    def prepares(query: str) -> bool:
        return not error_of(query)

    def viable(query: str) -> bool:
        """The last word may still grow, so the parser sees what comes before it."""
        error = error_of(re.sub(r"[\w.<>=*]+$", "", query))
        return not ("syntax error" in error or "unrecognized" in error or "statement" in error)

    # Without quotes or comments, in which what looks wrong may yet turn out right.
    letters = sg.regex(r"SELECT [A-Za-z0-9_ ,.()*=<>]*[A-Za-z0-9_)*];?")
    return product(letters, predicate(prepares, prefix=viable, name="sqlite"))


TASKS = [
    Task(
        "regex",
        "Give a colour, then a number of three digits that ends in 7. Answer like this: blue 127",
        lambda: sg.regex(r"(red|blue|green|grey) [1-9][0-9]7"),
        16,
        str,
        "the whole text",
        128,
        400,
    ),
    Task(
        "json",
        'Write a JSON object about Ann like this, nothing else: {"name": "Bo", "age": 20, "mood": "cross"}',
        lambda: sg.json_schema(_PERSON),
        48,
        _name_and_mood,
        "three letters of the name, and the mood",
        64,
        264,
    ),
    Task(
        "predicate",
        "The table city has columns name, country and population. Write one short SQL query, nothing else, "
        "like this: SELECT name FROM city",
        sqlite_query,
        24,
        lambda text: text[:16],
        "the first 16 letters",
        32,
        160,
    ),
]

SAMPLERS: dict[str, Any] = {
    "masking": AWRS(form=Masked()),
    "ASAp": ASAp(batch_size=8),
    "ASAp, paper's": ASAp(unvisited="valid", batch_size=8),
    "CARS": CARS(batch_size=32, max_trials=60),
    "AWRS": AWRS(),
    "SMC-AWRS": SMC(particles=8, proposal=Budgeted()),
}
FEWER = {("predicate", "masking"): 8}
"""Samples where the task's number would take a quarter of an hour: masking asks about some 30,000 tokens per token."""
LEARNING = 3
"""Draws that ASAp makes per one that counts for the distances; all of them count as cost."""


def exact_row(model: Any, task: Task) -> dict[str, Any]:
    """Features of exact samples, as many as the task wants or as are accepted in time."""
    start = time.perf_counter()
    sampler = CARS(batch_size=32, max_trials=60)
    found = sampler.sample(
        model, task.prompt, constraint=task.constraint(), n=task.n_exact, max_tokens=task.max_tokens, seed=EXACT_SEED
    )
    return {
        "task": task.name,
        "sampler": "exact",
        "features": [task.feature(text) for text in found.texts],
        "examples": list(found.texts[:5]),
        "log_evidence": found.log_evidence,
        "trials": found.extra["trials"],
        "seconds": time.perf_counter() - start,
    }


def sampler_row(model: Any, task: Task, name: str) -> dict[str, Any]:
    """Costs, features and weights of the task's number of samples; ``distances`` compares them."""
    n = FEWER.get((task.name, name), task.n)
    start, cpu = time.perf_counter(), time.process_time()
    row: dict[str, Any] = {"task": task.name, "sampler": name, "n": n}
    try:
        found = _draw(name, model, task, n)
    except LimitError as error:
        return row | {"gave_up": f"after {error.given:.0f} {error.what}"}
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    n_valid = int((found.log_weights > -np.inf).sum())
    n_tokens = sum(len(ids) + 1 for ids in found.token_ids)
    return row | {
        "n_valid": n_valid,
        "log_evidence": found.log_evidence,
        "error": evidence_error(found),
        "ess": found.ess,
        "ess_per_second": found.ess / cpu_seconds,
        "checks_per_token": found.constraint_checks / n_tokens,
        "calls_per_valid": found.model_calls / max(1, n_valid),
        "features": [task.feature(text) if share else "" for text, share in _shares(found)],
        "probabilities": [share for _, share in _shares(found)],
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
    }


def _draw(name: str, model: Any, task: Task, n: int) -> Samples:
    """``n`` samples; of ASAp those it learns by too, and of SMC runs of its particles."""
    sampler = SAMPLERS[name]
    settings = {"constraint": task.constraint(), "max_tokens": task.max_tokens}
    runs = [(n, SEED)]
    if name.startswith("ASAp"):
        runs = [((1 + LEARNING) * n, SEED)]
    elif name == "SMC-AWRS":
        runs = [(sampler.particles, seed) for seed in range(-(-n // sampler.particles))]
    return Samples.concatenate([sampler.sample(model, task.prompt, n=n, seed=seed, **settings) for n, seed in runs])


def _shares(samples: Samples) -> list[tuple[str, float]]:
    return [(text, float(share)) for text, share in zip(samples.texts, samples.probabilities, strict=True)]


def evidence_error(samples: Samples) -> float:
    """Standard error of the log evidence (delta method over samples taken as independent)."""
    if "trials" in samples.extra:
        return 1.0 / math.sqrt(len(samples))  # CARS: a count of successes
    if samples.log_evidence == -math.inf or len(samples) < 2:
        return math.nan
    weights = np.exp(samples.log_weights - samples.log_weights.max())
    return float(weights.std(ddof=1) / math.sqrt(len(weights)) / weights.mean())


def distances(row: dict[str, Any], exact: Sequence[str]) -> dict[str, float]:
    """Distances of a sampler's row to the exact run, and their floor.

    ``distance`` is of the weighted samples; ``distance_of_draws`` of the last ``n`` valid draws, all
    weighing the same: the law a sampler has come to.
    """
    valid = [(feature, p) for feature, p in zip(row["features"], row["probabilities"], strict=True) if p > 0.0]
    draws = [feature for feature, _ in valid[-row["n"] :]]
    rest = exact[len(draws) :]
    weighted: dict[str, float] = {}
    for feature, p in valid:
        weighted[feature] = weighted.get(feature, 0.0) + p
    mean, high = floor_of(exact, len(draws))
    return {
        "distance": total_variation(weighted, Counter(rest), 1.0, len(rest)),
        "distance_of_draws": total_variation(Counter(draws), Counter(rest), len(draws), len(rest)),
        "floor": mean,
        "floor_high": high,
    }


def total_variation(left: Mapping[str, float], right: Mapping[str, float], n_left: float, n_right: float) -> float:
    return 0.5 * sum(abs(left.get(key, 0.0) / n_left - right.get(key, 0.0) / n_right) for key in set(left) | set(right))


def floor_of(exact: Sequence[str], n: int) -> tuple[float, float]:
    """Distance between ``n`` exact samples and the rest of the exact run: mean and 95th percentile over splits."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(N_FLOOR):
        mixed = [exact[i] for i in rng.permutation(len(exact))]
        found.append(total_variation(Counter(mixed[:n]), Counter(mixed[n:]), n, len(exact) - n))
    return float(np.mean(found)), float(np.quantile(found, 0.95))
