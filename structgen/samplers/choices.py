"""Where a sampler's randomness comes from: a seeded generator, or every possibility in turn.

Samplers never touch a random generator: they ask ``Choices`` for one of a few kinds of
decision. ``RandomChoices`` decides at random. ``ScriptedChoices`` follows a script and
notes what else could have happened and how likely it was, so that
``structgen.testing.exhaust`` can run a sampler through *all* its random decisions and
check its weights exactly, with no statistics. That is why decisions are asked for in
their discrete form: "which token", "heads or tails", "which interval between these cuts".
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from structgen.samplers.pool import Pool

__all__ = ["Choices", "RandomChoices", "ScriptedChoices", "as_choices"]


class Choices(Protocol):
    """Decisions a sampler leaves to chance."""

    def pick(self, pool: Pool) -> int:
        """A token drawn by its mass; -1 where the pool is empty."""
        ...

    def take(self, pool: Pool) -> tuple[int, float]:
        """The same, taken out of the pool: (token, its mass before)."""
        ...

    def index(self, weights: Sequence[float]) -> int:
        """A position drawn by its weight (not necessarily normalised, some positive)."""
        ...

    def coin(self, probability: float) -> bool:
        """True with this probability."""
        ...

    def failures(self, success: float, limit: int) -> int:
        """Failures before the first success of independent trials, at most ``limit``."""
        ...

    def uniform(self, cuts: Sequence[float]) -> float:
        """A uniform in [0, 1). What the caller does with it may change only at ``cuts``."""
        ...


class RandomChoices:
    """Decisions drawn from a ``numpy.random.Generator``; the same generator, the same decisions."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def pick(self, pool: Pool) -> int:
        return pool.at(self.rng.random())

    def take(self, pool: Pool) -> tuple[int, float]:
        return pool.take_at(self.rng.random())

    def index(self, weights: Sequence[float]) -> int:
        left = self.rng.random() * math.fsum(weights)
        last = 0
        for position, weight in enumerate(weights):
            if weight > 0.0:
                last = position
                if left < weight:
                    break
                left -= weight
        return last

    def coin(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def failures(self, success: float, limit: int) -> int:
        if success >= 1.0 or limit == 0:
            return 0
        if success <= 0.0:
            return limit
        # inversion: floor(log(1 - u) / log(1 - success))
        count = math.log1p(-self.rng.random()) / math.log1p(-success)
        return limit if count >= limit else int(count)

    def uniform(self, cuts: Sequence[float]) -> float:
        return float(self.rng.random())


class ScriptedChoices:
    """Decisions by script; past its end, the first possibility.

    Attributes
    ----------
    made : for each decision so far, the position taken
    offered : for each decision so far, the probabilities of its possibilities
    """

    def __init__(self, script: Sequence[int] = ()) -> None:
        self._script = script
        self.made: list[int] = []
        self.offered: list[list[float]] = []

    @property
    def probability(self) -> float:
        """Chance that ``RandomChoices`` would have decided like this."""
        return math.prod(row[position] for row, position in zip(self.offered, self.made, strict=True))

    def next_script(self) -> list[int] | None:
        """The script that follows in depth-first order; None after the last."""
        script = list(self.made)
        while script:
            if script[-1] + 1 < len(self.offered[len(script) - 1]):
                script[-1] += 1
                return script
            script.pop()
        return None

    def _decide(self, weights: Sequence[float]) -> int:
        total = math.fsum(weights)
        step = len(self.made)
        position = self._script[step] if step < len(self._script) else 0
        self.made.append(position)
        self.offered.append([weight / total for weight in weights])
        return position

    def pick(self, pool: Pool) -> int:
        support = pool.support()
        if not len(support):
            return -1
        return int(support[self._decide([float(pool.mass[token]) for token in support])])

    def take(self, pool: Pool) -> tuple[int, float]:
        token_id = self.pick(pool)
        if token_id < 0:
            return -1, 0.0
        mass = float(pool.mass[token_id])
        pool.put(token_id, 0.0)
        return token_id, mass

    def index(self, weights: Sequence[float]) -> int:
        positions = [position for position, weight in enumerate(weights) if weight > 0.0]
        return positions[self._decide([weights[position] for position in positions])]

    def coin(self, probability: float) -> bool:
        return self.index([1.0 - probability, probability]) == 1

    def failures(self, success: float, limit: int) -> int:
        chances = [success * (1.0 - success) ** count for count in range(limit)]
        return self.index([*chances, (1.0 - success) ** limit])

    def uniform(self, cuts: Sequence[float]) -> float:
        edges = [0.0, *sorted({cut for cut in cuts if 0.0 < cut < 1.0}), 1.0]
        interval = self._decide([high - low for low, high in itertools.pairwise(edges)])
        return (edges[interval] + edges[interval + 1]) / 2.0


def as_choices(seed: int | np.random.Generator | Choices | None) -> Choices:
    """Decisions from a seed, a generator, or given ones as they are."""
    if seed is None or isinstance(seed, int | np.integer):
        return RandomChoices(np.random.default_rng(seed))
    return RandomChoices(seed) if isinstance(seed, np.random.Generator) else seed
