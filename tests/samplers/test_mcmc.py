"""Constrained MCMC: the golden distances, invariance, and proper weights, all by enumeration."""

import numpy as np
import pytest

from structgen.potentials.product import bind_target
from structgen.samplers.choices import ScriptedChoices
from structgen.samplers.mcmc import MCMC, Chain, Chains
from structgen.testing import exhaust
from tests.support.enumerable import credited, random_case, toy


def ids_of(chain):
    return tuple(token.token_id for token in chain.text[:-1])


def kernel_of(case, law):
    """(states, first law, transition matrix) with every random decision enumerated."""
    bound = bind_target(case.mask, case.model.vocabulary)

    def begin(choices):
        (chain,) = Chains(case.model, None, bound, case.max_tokens, law, choices).start(1)
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
            chain = Chain(text)
            Chains(case.model, None, bound, case.max_tokens, law, choices).step([chain])
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


@pytest.mark.parametrize("constraint", ["mask", "ending"])
def test_the_first_weight_stays_proper(constraint):
    """Under a predicate on complete texts masked draws run into dead ends, and are repeated."""
    for seed in range(30 if constraint == "mask" else 4):
        case = random_case(800 + seed, max_tokens=2)
        sampler = MCMC(steps=1, positions="uniform")
        target = getattr(case, constraint)

        def run(choices, case=case, sampler=sampler, target=target):
            return sampler.sample(case.model, constraint=target, max_tokens=case.max_tokens, seed=choices)

        if constraint == "mask":
            assert credited(exhaust(run), lambda s: s) == pytest.approx(case.exact, rel=3e-6)
        else:
            assert properly_started(run, case) == pytest.approx(case.exact, rel=3e-6)


def properly_started(run, case):
    """As ``credited``, over the histories whose first draw succeeds; the others weigh nothing but are without end."""
    found = {}
    script = []
    while script is not None:
        choices = Impatient(script)
        try:
            samples = run(choices)
        except Impatient.Stop:
            script = choices.next_script()
            continue
        if samples.log_weights[0] > -np.inf:
            ids = samples.token_ids[0]
            found[ids] = found.get(ids, 0.0) + choices.probability * float(np.exp(samples.log_weights[0]))
        script = choices.next_script()
    return found


class Impatient(ScriptedChoices):
    """Stops once more decisions were asked for than a first draw and a step can need."""

    class Stop(Exception):
        pass

    def _decide(self, weights):
        if len(self.made) > 6:
            raise self.Stop
        return super()._decide(weights)


def test_chains_that_run_together_are_each_proper_and_share_forward_passes():
    case = random_case(801, max_tokens=2)
    runs = exhaust(
        lambda choices: MCMC(steps=1).sample(case.model, constraint=case.mask, n=2, max_tokens=2, seed=choices)
    )
    assert credited(runs, lambda s: s) == pytest.approx(case.exact, rel=3e-6)
    toys = toy()
    alone = MCMC(steps=3).sample(toys.model, constraint=toys.mask, n=1, max_tokens=6, seed=0).model_calls
    together = MCMC(steps=3).sample(toys.model, constraint=toys.mask, n=20, max_tokens=6, seed=0).model_calls
    assert together < 20 * alone


def test_a_cancelled_run_returns_its_chains():
    case = toy()
    asked = []
    samples = MCMC(steps=50).sample(
        case.model, constraint=case.mask, n=3, max_tokens=6, seed=0, cancel=lambda: asked.append(1) or len(asked) > 9
    )
    assert samples.extra["cancelled"] and len(samples) == 3
    assert set(samples.texts) <= {case.model.vocabulary.decode(ids).decode() for ids in case.exact}
