"""ASAp by what unvisited prefixes count: distance of the next draw's exact law to the target, after so many draws.

Forty random targets small enough to write every text down, of three sorts: any set of texts,
texts whose letters may follow one another (the same wherever they are), and texts that are
refused late. Nothing is estimated but the mean over histories: after 10, 100 and 1,000 draws the law
of the next one is computed by walking the whole tree, and so is masking's (no draws at all).

    python -m tests.bench.samplers unvisited
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from jsonschemabench.report.tables import to_markdown
from structgen.models import Table
from structgen.potentials.cursor import CheckCounter
from structgen.potentials.product import bind_target
from structgen.samplers import ASAp, PrefixTrie
from structgen.samplers.choices import as_choices
from structgen.samplers.frontier import Frontier
from structgen.samplers.learning import Stepper, Unvisited
from tests.support.enumerable import Case, Sequences

__all__ = ["distances_after", "law_of_next_draw", "total_variation", "wide_case"]

DRAWS = (10, 100, 1000)
N_CASES, N_HISTORIES = 40, 2
LENGTHS = {2: 7, 3: 5, 4: 4, 5: 4, 6: 4}
"""Letters of the alphabet -> longest text."""


def wide_case(seed: int) -> Case:
    """A random model and language over 2 to 6 letters, of 5 to 1,500 texts."""
    rng = np.random.default_rng(seed)
    n_letters = int(rng.choice(list(LENGTHS)))
    letters = "abcdef"[:n_letters]
    model = Table.random(seed, vocabulary=list(letters), concentration=float(rng.choice([0.2, 0.5, 1.0])))
    texts = ["".join(t) for n in range(LENGTHS[n_letters] + 1) for t in itertools.product(letters, repeat=n)]
    sort = seed % 3
    if sort == 0:
        kept = [text for text in texts if rng.random() < 0.3]
    elif sort == 1:
        follows = {pair for pair in itertools.product(letters, repeat=2) if rng.random() < 0.7}
        ends = {letter for letter in letters if rng.random() < 0.6} or {letters[0]}
        kept = [t for t in texts if t and t[-1] in ends and set(itertools.pairwise(t)) <= follows]
    else:
        refused = {"".join(t) for t in itertools.product(letters, repeat=3) if rng.random() < 0.6}
        kept = [text for text in texts if len(text) == LENGTHS[n_letters] and text[-3:] not in refused]
    language = frozenset(text.encode() for text in kept or texts[-1:])
    return Case(f"wide-{seed}", model, language, LENGTHS[n_letters] + 1)


def law_of_next_draw(case: Case, trie: PrefixTrie, unvisited: Unvisited) -> Sequences:
    """Token ids -> probability that ASAp draws them next, by walking everything it could draw."""
    bound = bind_target(case.mask, case.model.vocabulary)
    frontier = Frontier(case.model, None, bound, case.max_tokens, CheckCounter())
    stepper = Stepper(frontier, trie, as_choices(0), unvisited, False)
    law: Sequences = {}
    reached: list[tuple[tuple[int, ...], int, float]] = [((), 0, 1.0)]
    while reached:
        followers = []
        for site, (ids, node, chance) in zip(frontier.sites, reached, strict=True):
            frontier.fill(site, stepper.pool, settle=False)
            stepper.weigh(node, site)
            for token_id in map(int, stepper.pool.support()):
                p = chance * float(stepper.pool.mass[token_id]) / stepper.pool.total
                if token_id in frontier.eos_ids:
                    law[ids] = law.get(ids, 0.0) + p
                else:
                    child = trie.child(node, token_id) if node >= 0 else -1
                    followers.append(((*ids, token_id), child, p))
        numbers = {ids: number for number, (ids, _, _) in enumerate(reached)}
        frontier.grow([(numbers[ids[:-1]], ids[-1]) for ids, _, _ in followers])
        reached = followers
    return law


def distances_after(case: Case, unvisited: Unvisited, seed: int, draws: tuple[int, ...] = DRAWS) -> list[float]:
    """Total variation of the next draw to the target after each number of ``draws``."""
    trie, found, made = None, [], 0
    for n in draws:
        samples = ASAp(unvisited=unvisited).sample(
            case.model, constraint=case.mask, n=n - made, max_tokens=case.max_tokens, seed=seed + n, trie=trie
        )
        trie, made = samples.extra["trie"], n
        found.append(total_variation(law_of_next_draw(case, trie, unvisited), case))
    return found


def total_variation(law: Sequences, case: Case) -> float:
    exact, evidence = case.exact, case.evidence
    return 0.5 * sum(abs(law.get(ids, 0.0) - exact.get(ids, 0.0) / evidence) for ids in set(law) | set(exact))


def main() -> None:
    """Print the means over the targets, and how often which was nearer."""
    rows: dict[str, list[Any]] = {"masking": [], "valid": [], "learnt": []}
    for seed in range(N_CASES):
        case = wide_case(seed)
        rows["masking"].append([total_variation(law_of_next_draw(case, PrefixTrie(), "valid"), case)] * len(DRAWS))
        for unvisited in ("valid", "learnt"):
            runs = [distances_after(case, unvisited, 1000 * history) for history in range(N_HISTORIES)]
            rows[unvisited].append(np.mean(runs, axis=0))
    means = {name: np.mean(values, axis=0) for name, values in rows.items()}
    nearer = np.mean(np.array(rows["learnt"]) <= np.array(rows["valid"]), axis=0)
    table = [["unvisited count", *(f"after {n} draws" for n in DRAWS)]]
    for name, label in (("masking", "(masking)"), ("valid", "1, as in the paper"), ("learnt", "what like ones do")):
        table.append([label, *(f"{value:.3f}" for value in means[name])])
    table.append(["share of targets where the last is nearer", *(f"{value:.0%}" for value in nearer)])
    print(f"Total variation to the target, mean over {N_CASES} targets and {N_HISTORIES} histories:\n")
    print(to_markdown(table))
