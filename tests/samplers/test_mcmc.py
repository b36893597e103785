"""Constrained MCMC: the golden distances, invariance, and proper weights, all by enumeration."""

import numpy as np
import pytest

from structgen.potentials.product import bind_target
from structgen.samplers.mcmc import MCMC, Chain
from structgen.testing import exhaust
from tests.support.enumerable import credited, random_case, toy


def ids_of(chain):
    return tuple(token.token_id for token in chain.text[:-1])


def kernel_of(case, law):
    """(states, first law, transition matrix) with every random decision enumerated."""
    bound = bind_target(case.mask, case.model.vocabulary)

    def fresh():
        return Chain(case.model, None, bound, case.max_tokens, law)

    def begin(choices):
        chain = fresh()
        chain.start(choices)
        return chain.text

    texts = {}
    first = {}
    for probability, text in exhaust(begin):
        ids = tuple(token.token_id for token in text[:-1])
        texts.setdefault(ids, text)
        first[ids] = first.get(ids, 0.0) + probability
    states = sorted(texts)
    matrix = np.zeros((len(states), len(states)))
    for row, ids in enumerate(states):

        def move(choices, text=texts[ids]):
            chain = fresh()
            chain.text = text
            chain.step(choices)
            return ids_of(chain)

        for probability, after in exhaust(move):
            matrix[row, states.index(after)] += probability
    return states, np.array([first[ids] for ids in states]), matrix


def target_of(case, states):
    return np.array([case.exact[ids] / case.evidence for ids in states])


def test_golden_distances_of_restart_on_the_toy():
    case = toy()
    states, law, matrix = kernel_of(case, "restart")
    target = target_of(case, states)
    distances = {}
    for step in range(11):
        distances[step] = 0.5 * np.abs(law - target).sum()
        law = law @ matrix
    for step, expected in {0: 0.4412, 1: 0.2068, 2: 0.0969, 3: 0.0454, 5: 0.00998, 10: 0.0002}.items():
        assert distances[step] == pytest.approx(expected, abs=6e-5), step


@pytest.mark.parametrize("law", ["restart", "uniform", "entropy"])
def test_the_target_is_invariant_over_thirty_random_pairs(law):
    for seed in range(30):
        case = random_case(700 + seed, max_tokens=3)
        if len({case.model.vocabulary.decode(ids) for ids in case.exact}) > 8 or len(case.model.vocabulary.eos_ids) > 1:
            case = random_case(700 + seed, max_tokens=2)
        states, _, matrix = kernel_of(case, law)
        assert len(states) == len(case.exact)
        target = target_of(case, states)
        assert target @ matrix == pytest.approx(target, abs=3e-6), seed


def test_the_first_weight_stays_proper():
    for seed in range(10):
        case = random_case(800 + seed, max_tokens=2)
        sampler = MCMC(steps=1, positions="uniform")
        runs = exhaust(
            lambda choices, case=case, sampler=sampler: sampler.sample(
                case.model, constraint=case.mask, max_tokens=case.max_tokens, seed=choices
            )
        )
        # a dead end is redrawn, so cases with dead ends under masking are not proper; none here has any
        assert credited(runs, lambda s: s) == pytest.approx(case.exact, rel=3e-6)
