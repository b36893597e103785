"""Models and constraints small enough to write every outcome down.

The slow, obvious oracle of all samplers: the model's probability of each token sequence,
by multiplying table entries, and the language as an explicit set of texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from structgen.models.table import Table
from structgen.potentials.predicate import predicate
from structgen.vocab.vocabulary import Vocabulary

Sequences = dict[tuple[int, ...], float]


@dataclass(frozen=True)
class Case:
    """A model, a language, and the exact mass of each sequence in it."""

    name: str
    model: Table
    language: frozenset[bytes]
    max_tokens: int

    @property
    def exact(self) -> Sequences:
        """Token ids (without end of sequence) -> model probability, for what is in the language and the budget."""
        everything = self.model.enumerate(self.max_tokens - 1)
        decode = self.model.vocabulary.decode
        return {ids: p for ids, p in everything if decode(ids) in self.language}

    @property
    def evidence(self) -> float:
        return sum(self.exact.values())

    @property
    def opaque(self) -> Any:
        """The language as a predicate that can only be asked, prefixes too."""
        prefixes = {text[:end] for text in self.language for end in range(len(text) + 1)}
        return predicate(lambda t: t in self.language, prefix=lambda t: t in prefixes, on="bytes")

    @property
    def ending(self) -> Any:
        """The language as a predicate on complete texts alone."""
        return predicate(lambda t: t in self.language, on="bytes")

    @property
    def mask(self) -> Any:
        """The language as a constraint with masks."""
        return SetConstraint(self.model.vocabulary, self.language)


class SetConstraint:
    """A bound constraint from an explicit set of texts: masks token by token, the obvious way."""

    machine = None

    def __init__(self, vocabulary: Vocabulary, language: frozenset[bytes]) -> None:
        self.vocabulary = vocabulary
        self.language = language
        self.prefixes = {text[:end] for text in language for end in range(len(text) + 1)}
        self.key = repr(sorted(language))
        self._least: dict[bytes, int] = {}

    def least_tokens(self, data: bytes) -> int:
        """Fewest tokens that complete ``data``, end of sequence counted in; large where none do."""
        if data not in self._least:
            steps = {self.vocabulary.token_bytes(t) for t in range(self.vocabulary.n_tokens)} - {b""}
            longer = [1 + self.least_tokens(data + step) for step in steps if data + step in self.prefixes]
            self._least[data] = 1 if data in self.language else min(longer, default=10**9)
        return self._least[data]

    def start(self) -> SetMatcher:
        return SetMatcher(self, b"")


class SetMatcher:
    def __init__(self, source: SetConstraint, data: bytes) -> None:
        self.source, self.data = source, data

    def fill_mask(self, row: np.ndarray, budget: int | None = None) -> None:
        vocabulary = self.source.vocabulary
        row[:] = 0
        for token_id in range(vocabulary.n_tokens):
            data = vocabulary.token_bytes(token_id)
            ends = token_id in vocabulary.eos_ids and self.data in self.source.language
            after = self.data + data
            fits = budget is None or (data and self.source.least_tokens(after) <= budget - 1)
            if ends or (data and after in self.source.prefixes and fits):
                row[token_id >> 5] |= np.uint32(1 << (token_id & 31))

    def advance(self, token_id: int) -> None:
        self.data += self.source.vocabulary.token_bytes(token_id)

    def fork(self) -> SetMatcher:
        return SetMatcher(self.source, self.data)

    @property
    def is_accepting(self) -> bool:
        return self.data in self.source.language


def random_case(seed: int, *, max_tokens: int = 4) -> Case:
    """Up to three ordinary tokens (some of two bytes), one or two ends, a random non-empty language."""
    rng = np.random.default_rng(seed)
    tokens = [b"a", b"b", b"ab"][: int(rng.integers(2, 4))]
    n_ends = int(rng.integers(1, 3))
    vocabulary = Vocabulary.from_bytes(
        [*tokens, *(b"<%d>" % end for end in range(n_ends))],
        eos_ids=range(len(tokens), len(tokens) + n_ends),
    )
    model = Table.random(seed, vocabulary=vocabulary, concentration=float(rng.choice([0.3, 1.0, 3.0])))
    texts = sorted({vocabulary.decode(ids) for ids, _ in model.enumerate(max_tokens - 1)})
    kept = rng.random(len(texts)) < rng.choice([0.15, 0.4, 0.8])
    kept[int(rng.integers(len(texts)))] = True
    return Case(f"random-{seed}", model, frozenset(t for t, k in zip(texts, kept, strict=True) if k), max_tokens)


def toy(p_zero: float = 0.5) -> Case:
    """Five bits, then the end; 00000 and everything that starts with 1 are valid."""

    def next_probs(prefix: tuple[int, ...]) -> dict[str, float]:
        return {"": 1.0} if len(prefix) == 5 else {"0": p_zero, "1": 1.0 - p_zero}

    model = Table.from_function(next_probs, vocabulary=["0", "1"], name=f"bits-{p_zero}")
    texts = {format(number, "05b").encode() for number in range(32)}
    return Case("toy", model, frozenset(t for t in texts if t[:1] == b"1" or t == b"00000"), 6)


def credited(runs: Iterator[tuple[float, Any]], columns: Callable[[Any], Any]) -> Sequences:
    """``E[mean of w 1(X = y)]`` over the runs' samples, for every y that got weight."""
    found: Sequences = {}
    for probability, result in runs:
        samples = columns(result)
        for ids, log_weight in zip(samples.token_ids, samples.log_weights, strict=True):
            if log_weight > -np.inf:
                found[ids] = found.get(ids, 0.0) + probability * float(np.exp(log_weight)) / len(samples)
    return found
