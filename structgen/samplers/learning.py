"""One trial of ASAp or CARS: a draw guided by the trie, and what it teaches.

At a visited node the draw is by ``p(a|v) f(v,a) c(va)`` (``c = 1`` for what is unseen), at a
new one by ``p(a|v) f(v,a)``. The trial notes, per step, the normaliser of its draw and the
``c`` of the token taken; so ``p(x)/q(x) = prod normaliser / c`` is known exactly, whatever the
trie holds, and every weight is proper by construction.

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

import numpy as np

from structgen.samplers.choices import Choices
from structgen.samplers.frontier import Frontier, Site
from structgen.samplers.pool import Pool
from structgen.samplers.trie import PrefixTrie

__all__ = ["Step", "Trial", "run_trials", "teach"]


@dataclass(slots=True)
class Step:
    """One token of a trial."""

    token_id: int
    probability: float
    """Of the token under the model (and soft factors)."""
    unvisited: float
    """Valid mass of the tokens that are neither visited in the snapshot nor this one."""
    n_children: int
    """Children of the node in the snapshot; 0 where it was new."""


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
    trials: Sequence[Trial], frontier: Frontier, trie: PrefixTrie, pool: Pool, choices: Choices, *, reject_early: bool
) -> None:
    """Run the trials to their ends against the trie as it is.

    With ``reject_early`` a trial survives a new node v only with probability m(v), which is
    what drawing there from the model itself and rejecting invalid tokens does.
    """
    while True:
        live = [trial for trial in trials if not trial.finish]
        if not live:
            return
        for trial in live:
            _take_step(trial, frontier, trie, pool, choices, reject_early)
        live = [trial for trial in live if not trial.finish]
        sites = frontier.grow([(trial.site, trial.steps[-1].token_id) for trial in live])
        for trial, site in zip(live, sites, strict=True):
            trial.site = site


def _take_step(
    trial: Trial, frontier: Frontier, trie: PrefixTrie, pool: Pool, choices: Choices, reject_early: bool
) -> None:
    site = frontier.sites[trial.site]
    frontier.fill(site, pool, settle=False)
    mass = math.exp(pool.log_total)
    is_new = trial.node < 0 or not trie.is_visited[trial.node]
    if is_new:
        trial.log_new_mass += pool.log_total
        if pool.total == 0.0 or (reject_early and mass < 1.0 and not choices.coin(mass)):
            trial.finish = "dead_end" if pool.total == 0.0 else "rejected"
            trial.log_ratio = -math.inf
            trial.steps.append(Step(-1, 0.0, mass, 0))
            return
    tokens, masses, unvisited = _weigh_visited(trial.node, trie, pool)
    if pool.total == 0.0:
        trial.finish, trial.log_ratio = "dead_end", -math.inf
        trial.steps.append(Step(-1, 0.0, unvisited, len(tokens)))
        return
    log_total = pool.log_total
    token_id = choices.pick(pool)
    child = trie.child(trial.node, token_id) if trial.node >= 0 else -1
    if child >= 0:
        probability = float(masses[int(np.flatnonzero(tokens == token_id)[0])])
        trial.log_ratio += log_total - math.log(trie.c[child])
    else:
        scale = math.exp(pool.shift)
        probability = float(pool.mass[token_id]) * scale
        pool.put_many(tokens, np.zeros(len(tokens)))
        pool.put(token_id, 0.0)
        unvisited = pool.total * scale
        trial.log_ratio += log_total
    trial.log_prob += float(site.log_probs[token_id])
    trial.steps.append(Step(token_id, probability, unvisited, len(tokens)))
    trial.node = child
    _finish(trial, site, frontier, token_id)


def _weigh_visited(node: int, trie: PrefixTrie, pool: Pool) -> tuple[np.ndarray, np.ndarray, float]:
    """Scale visited tokens by their c: (tokens, their masses before, mass of the unvisited)."""
    scale = math.exp(pool.shift)
    if node < 0 or not trie.children[node]:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, np.zeros(0), pool.total * scale
    tokens, estimates = trie.visited(node)
    masses = pool.mass[tokens].copy()
    pool.put_many(tokens, np.zeros(len(tokens)))
    unvisited = pool.total * scale
    pool.put_many(tokens, masses * estimates)
    return tokens, masses * scale, unvisited


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
        is_last = index + 1 == len(trial.steps)
        child = _record(trie, path[-1], step, 0.0 if is_last and trial.finish == "invalid" else 1.0)
        if not (is_last and (child < 0 or trial.finish)):
            path.append(child)
    for node in reversed(path):
        trie.refresh(node)


def _record(trie: PrefixTrie, node: int, step: Step, estimate: float) -> int:
    """Store one step at its node; the child, or -1 where nothing was drawn."""
    trie.is_visited[node] = True
    is_fresh = len(trie.children[node]) == step.n_children
    if step.token_id < 0:
        trie.open[node] = step.unvisited if is_fresh else trie.open[node]
        return -1
    is_new = trie.child(node, step.token_id) < 0
    child = trie.add(node, step.token_id, step.probability, estimate)
    if is_fresh:
        trie.open[node] = step.unvisited
    elif is_new:
        # another trial of the batch added children meanwhile. Never below a crumb: an
        # over-estimate is harmless and measured anew at the next visit, 0 would hide texts.
        trie.open[node] = max(trie.open[node] - step.probability, 1e-12 * step.probability)
    return child
