"""Real scores at real prefixes with a predicate that needs nothing but NumPy: what both AWRS are measured on.

This file and ``genlm_awrs.py`` import nothing of structgen, so that they also run in the environment of
another library.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

PATTERN = r'\{"name": "[A-Z][a-z]{1,9}", "age": [1-9][0-9]?, "tags": \["[a-z]{2,8}"(, "[a-z]{2,8}"){0,3}\]\}'


class Recording:
    """K prefixes: scores (K, V) float32, automaton state, and the automaton itself as nested lists."""

    def __init__(self, path: str | Path) -> None:
        data = np.load(path, allow_pickle=False)
        self.logprobs: np.ndarray = data["logprobs"]
        self.states: list[int] = data["states"].tolist()
        self.classes: list[int] = data["classes"].tolist()
        self.transitions: list[list[int]] = data["transitions"].tolist()
        self.accepting: list[bool] = data["accepting"].tolist()
        self.eos_ids: list[int] = data["eos_ids"].tolist()
        self.tokens = [bytes.fromhex(text) for text in json.loads(bytes(data["tokens"]).decode())]

    def allows(self, prefix: int, token_id: int) -> bool:
        """Whether the token may follow prefix number ``prefix``; a few microseconds of Python."""
        state = self.states[prefix]
        if token_id in self.eos_ids:
            return self.accepting[state]
        data = self.tokens[token_id]
        if not data:
            return False
        for byte in data:
            state = self.transitions[state][self.classes[byte]]
            if state == 0:
                return False
        return True

    def valid_mass(self, prefix: int) -> float:
        """The exact mass, by asking about every token."""
        valid = [token for token in range(len(self.tokens)) if self.allows(prefix, token)]
        return float(np.exp(self.logprobs[prefix][valid].astype(np.float64)).sum())


def measure(
    recording: Recording, draw: Callable[[int, Callable[[int], bool]], float], repeats: int
) -> dict[str, float]:
    """Run ``draw(prefix, allows) -> log weight``; per token: CPU time, questions, relative weight variance."""
    times, checks, variances, absolute, biases = [], [], [], [], []
    for prefix in range(len(recording.states)):
        exact = recording.valid_mass(prefix)
        asked = [0]

        def allows(token_id: int, prefix: int = prefix, asked: list[int] = asked) -> bool:
            asked[0] += 1
            return recording.allows(prefix, token_id)

        draw(prefix, allows)
        asked[0] = 0
        weights = []
        for _ in range(repeats):
            start = time.thread_time()
            weights.append(np.exp(draw(prefix, allows)))
            times.append(time.thread_time() - start)
        checks.append(asked[0] / repeats)
        ratios = np.array(weights) / exact
        variances.append(ratios.var(ddof=1))
        absolute.append(np.var(weights, ddof=1))
        biases.append(np.mean(weights) - exact)
    return {
        "ms_median": float(np.median(times)) * 1e3,
        "ms_mean": float(np.mean(times)) * 1e3,
        "checks": float(np.mean(checks)),
        "var(w)": float(np.mean(absolute)),
        "var(w/m)_median": float(np.median(variances)),
        "z of the mean weight": float(np.sum(biases) / np.sqrt(np.sum(absolute) / repeats)),
    }


def show(name: str, figures: dict[str, Any]) -> None:
    print(f"{name:34}" + "  ".join(f"{key} {value:.4g}" for key, value in figures.items()), flush=True)
