"""One trial of ASAp or CARS: a draw guided by the trie, and what it teaches.

The draw is by ``p(a|v) f(v,a) e(va)``, ``e`` being an estimate of the valid mass beyond ``va``:
the trie's bound ``c``, 1 for what is unvisited (``"valid"``, the paper's, and all that CARS can
use), or the trie's guess and its outlook (``"learnt"``). The trial notes, per step, the
normaliser of its draw and the ``e`` of the token taken; so ``p(x)/q(x) = prod normaliser / e`` is
known exactly, whatever the trie holds, and every weight is proper by construction.

Trials run side by side: a batch draws from the trie as it was at the batch's start (nothing is
written while it runs, so every trial keeps its snapshot), then teaches it one trial after
the other, bottom-up along its path.

An opaque target cannot give ``f``. Then tokens are drawn as if the predicate allowed them
and asked about once taken: "no" ends the trial with weight zero and is learnt as ``c = 0``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from structgen.errors import UnsupportedError
from structgen.samplers.cancelling import Cancel, is_cancelled
from structgen.samplers.choices import Choices
from structgen.samplers.frontier import Frontier, Site
from structgen.samplers.pool import Pool
from structgen.samplers.trie import PrefixTrie

__all__ = ["Step", "Stepper", "Trial", "Unvisited", "run_trials", "teach"]

FloatArray = npt.NDArray[np.float64]
Unvisited = Literal["learnt", "valid"]
"""What a prefix that was never visited counts: what like ones were worth, or 1."""


_SLACK = 1e-3
"""What the scores of a model in low precision may be off from summing to 1."""


@dataclass(slots=True)
class Step:
    """One token of a trial."""

    token_id: int
    probability: float
    """Of the token under the model (and soft factors)."""
    unvisited: float
    """Valid mass of the tokens that are neither visited in the snapshot nor this one."""
    ends: float
    """The part of ``unvisited`` that ends the text and is known to be valid."""
    n_children: int
    """Children of the node in the snapshot; 0 where it was new."""
    kind: int
    """What the node is like; see ``PrefixTrie.kind``."""
    is_known: bool
    """Whether the token needed no asking and ends the text, so that its worth was known without a trial."""


@dataclass(slots=True)
class Trial:
    """One draw in progress, or done (``finish`` is not empty)."""

    steps: list[Step] = field(default_factory=list)
    node: int = 0
    """Node in the snapshot; -1 where this prefix is new."""
    site: int = 0
    log_prob: float = 0.0
    log_ratio: float = 0.0
    """``log p(x)/q(x)`` so far, q being the guided draw."""
    log_new_mass: float = 0.0
    """``sum log m(v)`` over the new nodes."""
    finish: str = ""

    @property
    def token_ids(self) -> tuple[int, ...]:
        """Tokens so far; end of sequence, or what ended the trial, left out."""
        ids = tuple(step.token_id for step in self.steps)
        return ids[:-1] if self.finish else ids


def run_trials(
    trials: Sequence[Trial],
    frontier: Frontier,
    trie: PrefixTrie,
    choices: Choices,
    *,
    unvisited: Unvisited,
    reject_early: bool,
    cancel: Cancel = None,
) -> bool:
    """Run the trials to their ends against the trie as it is; False where it was cancelled before.

    With ``reject_early`` a trial survives a new node v only with probability m(v), which is
    what drawing there from the model itself and rejecting invalid tokens does.

    Raises
    ------
    UnsupportedError : with ``reject_early``, soft factors above 1
    """
    stepper = Stepper(frontier, trie, choices, unvisited, reject_early)
    while True:
        live = [trial for trial in trials if not trial.finish]
        if not live:
            return True
        if is_cancelled(cancel):
            return False
        for trial in live:
            stepper.step(trial)
        live = [trial for trial in live if not trial.finish]
        sites = frontier.grow([(trial.site, trial.steps[-1].token_id) for trial in live])
        for trial, site in zip(live, sites, strict=True):
            trial.site = site


@dataclass(slots=True)
class _Weighing:
    """What a node's tokens are drawn by."""

    tokens: npt.NDArray[np.int64]
    """Visited tokens."""
    masses: FloatArray
    """Their masses under the model."""
    estimates: FloatArray
    unvisited: float
    """Mass of the other tokens."""
    outlook: float
    """Estimate of those, except for the ends."""
    ends: dict[int, float]
    """Unvisited tokens known to end a valid text, with their masses."""

    def estimate(self, token_id: int) -> float:
        where = np.flatnonzero(self.tokens == token_id)
        if len(where):
            return float(self.estimates[where[0]])
        return 1.0 if token_id in self.ends else self.outlook


class Stepper:
    """Takes trials a token further; holds what they share."""

    def __init__(
        self, frontier: Frontier, trie: PrefixTrie, choices: Choices, unvisited: Unvisited, reject_early: bool
    ) -> None:
        self.frontier = frontier
        self.trie = trie
        self.choices = choices
        self.learns = unvisited == "learnt"
        self.reject_early = reject_early
        self.pool = Pool(frontier.vocabulary.n_tokens)

    def step(self, trial: Trial) -> None:
        site, pool = self.frontier.sites[trial.site], self.pool
        self.frontier.fill(site, pool, settle=False)
        mass = math.exp(pool.log_total)
        if self.reject_early and mass > 1.0 + _SLACK:
            raise UnsupportedError(
                f"the target's factors give the tokens after {self.frontier.vocabulary.decode(site.token_ids)!r} "
                f"the mass {mass:.3g}; a chance of acceptance cannot exceed 1",
                keyword="potential",
                hint="take a constant off the potential so that it never exceeds 0, or use ASAp or SMC",
            )
        is_new = trial.node < 0 or not self.trie.is_visited[trial.node]
        if is_new:
            trial.log_new_mass += pool.log_total
            if pool.total == 0.0 or (self.reject_early and mass < 1.0 and not self.choices.coin(mass)):
                self._end_without_token(trial, site, "dead_end" if pool.total == 0.0 else "rejected")
                return
        weighing = self.weigh(trial.node, site)
        if pool.total == 0.0:
            self._end_without_token(trial, site, "dead_end")
            return
        log_total = pool.log_total + math.log(weighing.outlook)
        token_id = self.choices.pick(pool)
        trial.log_ratio += log_total - math.log(weighing.estimate(token_id))
        trial.log_prob += float(site.log_probs[token_id])
        trial.steps.append(self._noted(token_id, weighing, site))
        trial.node = self.trie.child(trial.node, token_id) if trial.node >= 0 else -1
        _finish(trial, site, self.frontier, token_id)

    def weigh(self, node: int, site: Site) -> _Weighing:
        """Multiply the pool's masses by their estimates (relative to the outlook)."""
        pool, trie = self.pool, self.trie
        scale = math.exp(pool.shift)
        tokens, estimates = np.zeros(0, dtype=np.int64), np.zeros(0)
        if node >= 0 and trie.children[node]:
            tokens, bounds, guesses = trie.visited(node)
            estimates = guesses if self.learns else bounds
        masses = pool.mass[tokens].copy()
        pool.put_many(tokens, np.zeros(len(tokens)))
        unvisited = pool.total * scale
        ends = self._known_ends(site)
        outlook = trie.outlook(node, site.kind) if self.learns else 1.0
        pool.put_many(tokens, masses * (estimates / outlook))
        if outlook != 1.0:
            for token_id, mass in ends.items():
                pool.put(token_id, mass / outlook)
        return _Weighing(
            tokens, masses * scale, estimates, unvisited, outlook, {end: mass * scale for end, mass in ends.items()}
        )

    def _known_ends(self, site: Site) -> dict[int, float]:
        """End-of-sequence tokens left in the pool, with their masses there; none where they must be asked about."""
        if not site.is_settled:
            return {}
        masses = {token_id: float(self.pool.mass[token_id]) for token_id in self.frontier.eos_ids}
        return {token_id: mass for token_id, mass in masses.items() if mass > 0.0}

    def _noted(self, token_id: int, weighing: _Weighing, site: Site) -> Step:
        """The step for the token drawn: its mass, and that of what stays unvisited."""
        pool = self.pool
        where = np.flatnonzero(weighing.tokens == token_id)
        ends = weighing.ends
        is_known = site.is_settled and token_id in self.frontier.eos_ids
        n_children = len(weighing.tokens)
        if len(where):
            probability, left = float(weighing.masses[where[0]]), weighing.unvisited
        else:
            # what is left is summed anew: a difference would cancel
            scale = math.exp(pool.shift)
            probability = ends[token_id] if token_id in ends else float(pool.mass[token_id]) * scale
            ends = {end: mass for end, mass in ends.items() if end != token_id}
            gone = np.array([*weighing.tokens, token_id, *ends], dtype=np.int64)
            pool.put_many(gone, np.zeros(len(gone)))
            left = pool.total * scale + math.fsum(ends.values())
        return Step(token_id, probability, left, math.fsum(ends.values()), n_children, site.kind, is_known)

    def _end_without_token(self, trial: Trial, site: Site, finish: str) -> None:
        """Nothing was drawn; the node still learns what it may lead to."""
        n_children = 0 if trial.node < 0 else len(self.trie.children[trial.node])
        ends = math.fsum(self._known_ends(site).values()) * math.exp(self.pool.shift)
        mass = self.pool.total * math.exp(self.pool.shift)
        trial.finish, trial.log_ratio = finish, -math.inf
        trial.steps.append(Step(-1, 0.0, mass, ends, n_children, site.kind, False))


def _finish(trial: Trial, site: Site, frontier: Frontier, token_id: int) -> None:
    """Ask about the token where the target is opaque, and end the trial where it ended."""
    if not site.is_settled and not site.cursor.allows(token_id):
        trial.finish, trial.log_ratio = "invalid", -math.inf
    elif token_id in frontier.eos_ids:
        trial.finish = "stop"


def teach(trial: Trial, trie: PrefixTrie) -> None:
    """Add the trial's path to the trie and update the estimates along it, bottom-up."""
    path = [0]
    for index, step in enumerate(trial.steps):
        is_refused = trial.finish == "invalid" and index + 1 == len(trial.steps)
        child = _record(trie, path[-1], step, 0.0 if is_refused else 1.0)
        if child >= 0 and not step.is_known:
            path.append(child)
    for node, parent in zip(reversed(path), [*reversed(path[:-1]), -1], strict=True):
        trie.refresh(node, parent)


def _record(trie: PrefixTrie, node: int, step: Step, estimate: float) -> int:
    """Store one step at its node; the child, or -1 where nothing was drawn."""
    trie.is_visited[node] = True
    trie.kind[node] = step.kind
    is_fresh = len(trie.children[node]) == step.n_children
    if is_fresh:
        trie.open[node], trie.ends[node] = step.unvisited, step.ends
    if step.token_id < 0:
        return -1
    is_new = trie.child(node, step.token_id) < 0
    child = trie.add(node, step.token_id, step.probability, estimate)
    if is_new and not is_fresh:
        # another trial of the batch added children meanwhile. Never below a crumb: an
        # over-estimate is harmless and measured anew at the next visit, 0 would hide texts.
        trie.open[node] = max(trie.open[node] - step.probability, 1e-12 * step.probability)
        trie.ends[node] = min(trie.open[node], max(0.0, trie.ends[node] - step.probability * step.is_known))
    return child
