"""Seeded Monte Carlo: samplers as they are really run, against exact masses.

Each call of ``check_sampler`` fails a correct sampler with probability at most 1e-4 (over seeds; the
seeds here are fixed, so a failure is a change of behaviour).
"""

import numpy as np
import pytest

from structgen.samplers import AWRS, CARS, MCMC, SMC, ASAp, Masking, Mirostat
from structgen.samplers.choices import RandomChoices, ScriptedChoices
from structgen.samplers.pool import Pool
from structgen.samplers.rejection import Geometric
from structgen.samplers.trie import PrefixTrie
from structgen.testing import LawBroken, check_model, check_potential, check_sampler, check_sampler_exactly
from tests.bench.asap_unvisited import distances_after, law_of_next_draw, total_variation, wide_case
from tests.support.enumerable import random_case, toy

pytestmark = pytest.mark.statistical

PROPER = {
    "masking": (Masking(), "mask"),
    "awrs": (AWRS(), "opaque"),
    "awrs-geometric": (AWRS(form=Geometric(2, 20)), "opaque"),
    "awrs-resampled": (AWRS(particles=7), "ending"),
    "smc": (SMC(particles=6, restarts=0), "opaque"),
    "smc-multinomial": (SMC(particles=6, resampling="multinomial", restarts=0), "mask"),
    "asap": (ASAp(batch_size=3), "mask"),
    "cars": (CARS(batch_size=3, keep_rejected=True), "mask"),
    "mcmc": (MCMC(steps=2), "mask"),
    "mirostat": (Mirostat(target=100.0), "mask"),
}


@pytest.mark.parametrize("name", PROPER)
def test_mean_weights_are_masses(name):
    sampler, kind = PROPER[name]
    for case in (toy(), random_case(12, max_tokens=3)):
        constraint = getattr(case, kind)
        check_sampler(sampler, case.model, case.exact, constraint=constraint, runs=250, n=8, max_tokens=case.max_tokens)


def test_cars_samples_are_exact_and_its_evidence_is_right():
    """Chi-square over the toy's 17 texts with 16 degrees of freedom: above 50 with probability 2e-5."""
    case = toy()
    samples = CARS(batch_size=4).sample(case.model, constraint=case.mask, n=1700, max_tokens=6, seed=11)
    counts = np.array([samples.token_ids.count(ids) for ids in case.exact])
    assert counts.sum() == 1700
    assert ((counts - 100) ** 2 / 100).sum() < 50
    assert samples.log_evidence == pytest.approx(np.log(17 / 32), abs=0.1)


class Shortsighted:
    """A broken sampler: weights ignore the mask's mass."""

    def sample(self, model, prompt=None, *, constraint=None, n=1, max_tokens=9, seed=None):
        from dataclasses import replace

        samples = AWRS().sample(model, constraint=constraint, n=n, max_tokens=max_tokens, seed=seed)
        return replace(samples, log_weights=samples.log_weights + 0.3 * (samples.log_weights > -0.7))


def test_the_kit_finds_a_broken_sampler():
    case = toy()
    with pytest.raises(LawBroken):
        check_sampler_exactly(Shortsighted(), case.model, case.exact, constraint=case.mask, max_tokens=6)
    with pytest.raises(LawBroken):
        check_sampler(Shortsighted(), case.model, case.exact, constraint=case.mask, runs=250, n=20, max_tokens=6)


def test_the_kit_finds_a_broken_potential():
    class Broken:
        def prefix(self, ids):
            return -1.0 if len(ids) == 2 else 0.0

        complete = prefix

        def logw_next(self, ids):
            return np.zeros(3)

    with pytest.raises(LawBroken):
        check_potential(Broken(), toy().model.vocabulary)


def test_table_keeps_the_laws_of_a_model():
    model = random_case(4).model
    check_model(model, prompts=[(), (0,), (0, 1)])


def test_scripted_and_random_choices_agree():
    """The enumerated probability of each decision is the frequency of the random one: |z| < 5, 6e-7 each."""
    rng = RandomChoices(np.random.default_rng(0))
    decisions = {
        "index": lambda c: c.index([0.2, 0.0, 0.5, 0.3]),
        "coin": lambda c: c.coin(0.3),
        "failures": lambda c: c.failures(0.4, 3),
        "uniform": lambda c: int(c.uniform([0.25, 0.6]) * 1e9) // int(0.25e9) > 0,
        "pick": lambda c: _pool().at(0.5) if c is None else c.pick(_pool()),
    }
    for name, decide in decisions.items():
        exact, script = {}, []
        while script is not None:
            choices = ScriptedChoices(script)
            result = decide(choices)
            exact[result] = exact.get(result, 0.0) + choices.probability
            script = choices.next_script()
        drawn = [decide(rng) for _ in range(4000)]
        for result, p in exact.items():
            z = (drawn.count(result) - 4000 * p) / np.sqrt(4000 * p * (1 - p))
            assert abs(z) < 5, (name, result)


def _pool():
    pool = Pool(5)
    pool.fill_masses(np.array([0.1, 0.0, 0.4, 0.3, 0.2]))
    return pool


def test_asap_learns_faster_from_like_prefixes_than_from_taking_all_for_valid():
    """Exact laws of the next draw on nine random targets; with means as far apart as measured, not by chance."""
    cases = [wide_case(seed) for seed in range(9)]
    learnt, paper = (
        np.mean([distances_after(case, unvisited, 5, draws=(10, 100)) for case in cases], axis=0)
        for unvisited in ("learnt", "valid")
    )
    masking = np.mean([total_variation(law_of_next_draw(case, PrefixTrie(), "learnt"), case) for case in cases])
    assert (learnt < 0.9 * paper).all()
    assert (learnt < 0.7 * masking).all()
