"""AWRS and SMC by exhausting their randomness on models that can be enumerated."""

import numpy as np
import pytest

from structgen.samplers.awrs import AWRS
from structgen.samplers.rejection import Budgeted, Geometric, Masked
from structgen.samplers.smc import SMC
from structgen.testing import exhaust
from tests.support.enumerable import credited, random_case, toy


def small_case(seed):
    """Three tokens deep where that leaves few enough outcomes, else two."""
    deep = random_case(seed, max_tokens=3)
    return deep if len(deep.exact) <= 4 else random_case(seed, max_tokens=2)


def run_all(sampler, case, constraint, n=1):
    return exhaust(
        lambda choices: sampler.sample(case.model, constraint=constraint, n=n, max_tokens=case.max_tokens, seed=choices)
    )


def assert_proper(sampler, case, constraint, n=1):
    assert credited(run_all(sampler, case, constraint, n), lambda s: s) == pytest.approx(case.exact, rel=3e-6)


@pytest.mark.parametrize("seed", range(30))
def test_awrs_is_proper_for_every_sequence(seed):
    case = random_case(seed, max_tokens=2)
    budget = seed % 3
    assert_proper(AWRS(budget=budget, thrift=[0.0, 0.01, 0.4][seed // 3 % 3]), case, case.opaque)
    assert_proper(AWRS(budget=budget), case, case.ending)
    assert_proper(AWRS(), random_case(seed, max_tokens=3), random_case(seed, max_tokens=3).mask)


@pytest.mark.parametrize("seed", range(30))
def test_other_forms_are_proper_for_every_sequence(seed):
    case = random_case(seed, max_tokens=2)
    assert_proper(AWRS(max_rejects=2), case, case.opaque)
    assert_proper(AWRS(form=Geometric(2, 2)), case, case.opaque)
    assert_proper(AWRS(form=Masked()), case, case.opaque)


@pytest.mark.parametrize("scheme", ["systematic", "stratified", "residual", "multinomial"])
@pytest.mark.parametrize("seed", range(8))
def test_smc_is_proper_for_every_sequence(seed, scheme):
    case = small_case(100 + seed)
    sampler = SMC(particles=2, resampling=scheme, threshold=1.0, restarts=0)
    assert_proper(sampler, case, case.mask, n=2)


def test_thirty_random_pairs_under_smc():
    for seed in range(30):
        case = small_case(200 + seed)
        assert_proper(SMC(particles=2, threshold=0.9, restarts=0), case, case.mask, n=2)


def test_smc_over_a_predicate_is_proper():
    for seed in range(3):
        case = random_case(300 + seed, max_tokens=2)
        assert_proper(SMC(particles=2, proposal=Budgeted(0, 0.0), threshold=1.0, restarts=0), case, case.opaque, n=2)


def test_three_particles_on_the_toy():
    case = toy()
    assert_proper(SMC(particles=3, restarts=0), case, case.mask, n=3)


def test_choosing_fewer_than_all_particles_stays_proper():
    case = random_case(7, max_tokens=3)
    assert_proper(SMC(particles=2, restarts=0), case, case.mask, n=1)
    assert_proper(AWRS(particles=2), case, case.mask, n=1)


class Favour:
    """A critic that likes one token, with look-ahead on prefixes."""

    def __init__(self, token_id):
        self.token_id = token_id

    def prefix(self, ids):
        return 0.7 * sum(t == self.token_id for t in ids)

    def complete(self, ids):
        return self.prefix(ids) + 0.1 * len(ids)


def test_a_critic_multiplies_the_target():
    for seed in range(6):
        case = small_case(400 + seed)
        critic = Favour(0)
        expected = {ids: p * np.exp(critic.complete(ids)) for ids, p in case.exact.items()}
        sampler = SMC(particles=2, critic=critic, threshold=1.0, restarts=0)
        assert credited(run_all(sampler, case, case.mask, 2), lambda s: s) == pytest.approx(expected, rel=3e-6)


def posterior(particles, runs):
    case = toy()
    rng = np.random.default_rng(5)
    zeros = (0, 0, 0, 0, 0)
    total = 0.0
    for _ in range(runs):
        samples = SMC(particles=particles).sample(case.model, constraint=case.mask, n=particles, max_tokens=6, seed=rng)
        total += sum(w for w, ids in zip(samples.probabilities, samples.token_ids, strict=True) if ids == zeros)
    return total / runs


def test_posterior_tends_to_the_target_with_more_particles():
    """False-alarm rate below 1e-4 each: six standard errors of the mean over the runs.

    One particle is one masked draw, so its mean is exactly 1/2.
    """
    assert posterior(1, 1000) == pytest.approx(0.5, abs=0.095)
    assert posterior(5, 1000) == pytest.approx(0.11, abs=0.03)
    assert posterior(20, 400) == pytest.approx(0.065, abs=0.02)
