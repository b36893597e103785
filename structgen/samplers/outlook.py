"""What a prefix that was never visited is expected to be worth.

ASAp draws by ``p f c``, and the paper takes ``c = 1`` for what is unvisited: every text not yet
tried counts as valid. In a narrow language that is soon corrected. In a wide one most of the
mass stays unvisited, visited prefixes have been found to be worth ``Z`` and the rest still counts
1, so draws flee from what is known to be good: on a JSON schema of ``Z = 0.05`` the draws after 96
were further from the target than plain masking's (``python -m tests.bench.samplers unvisited``
has the comparison on enumerable targets).

Here the worth of an unvisited child is the mean of what was found in like places, in three
levels, each the prior (one observation's weight) of the next:

1. all prefixes of the trie, together with one of worth 1 (before the first draw everything
   counts 1, and the first draw is masking's);
2. children of prefixes of the same *kind*, that is with the same mask: places of one string,
   or of one key, are alike wherever they are;
3. the visited children of the prefix itself.

Each is an arithmetic mean with a positive prior, so one unlucky child cannot put its siblings
out of reach: it takes as many as the odds are against them. Rejected: geometric means (quicker
where ``Z`` is tiny, but a single refused token, worth 0, ruins them); no prior; shrinking
visited children towards their siblings (no better on average).

Nothing of this touches weights: the factors drawn by are known, and divided out. And it
changes no limit. Every factor is positive, so on a finite tree every prefix is visited in
the end, and visited prefixes do not ask for an outlook.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Outlook"]


class Outlook:
    """Means of what children turned out to be worth, by the kind of their parent; mutable."""

    def __init__(self, found: Iterable[tuple[int, float]] = ()) -> None:
        self._sums: dict[int, float] = {}
        self._counts: dict[int, int] = {}
        self._sum, self._count = 0.0, 0
        for kind, worth in found:
            self.note(kind, None, worth)

    def note(self, kind: int, before: float | None, now: float) -> None:
        """A child of a ``kind`` is worth ``now``; ``before`` is what was noted of it, None where nothing was."""
        change = now - (before or 0.0)
        self._sums[kind] = self._sums.get(kind, 0.0) + change
        self._sum += change
        if before is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._count += 1

    def worth(self, kind: int, siblings: float = 0.0, n_siblings: int = 0) -> float:
        """Expected worth of an unvisited child of a prefix of this kind; positive.

        Parameters
        ----------
        siblings, n_siblings : summed worth and number of the prefix's visited children
        """
        overall = (1.0 + self._sum) / (1 + self._count)
        alike = (overall + self._sums.get(kind, 0.0)) / (1 + self._counts.get(kind, 0))
        # Sums of differences may leave crumbs below 0.
        return max((alike + siblings) / (1 + n_siblings), 1e-30)
