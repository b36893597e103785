"""ASAp and CARS by exhausting their randomness, against the golden toy and random pairs."""

from copy import deepcopy
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from structgen.errors import ConstraintError, LimitError, UnsatisfiableError
from structgen.samplers.asap import CARS, ASAp
from structgen.samplers.choices import RandomChoices
from structgen.samplers.trie import PrefixTrie
from structgen.testing import exhaust
from tests.support.enumerable import credited, random_case, toy

ZEROS = (0, 0, 0, 0, 0)
PAPER = ASAp(unvisited="valid")


class Histories:
    """Distribution over what has been learnt after k trials.

    Tries that draw alike are merged, so that k can grow; with outlooks none are taken to.
    """

    def __init__(self, sampler, case, constraint=None):
        self.sampler, self.case, self.constraint = sampler, case, constraint or case.mask
        key = (
            sampler.sample(case.model, constraint=self.constraint, max_tokens=case.max_tokens, seed=0).extra["trie"].key
        )
        self.tries = {(): (1.0, PrefixTrie(key))}

    def trial(self):
        """All outcomes of one more trial: (probability, samples)."""
        following, outcomes = {}, []
        for weight, trie in self.tries.values():
            for probability, samples in exhaust(lambda choices, trie=trie: self._sample(trie, choices)):
                after = samples.extra["trie"]
                merges = getattr(self.sampler, "unvisited", "valid") == "valid"
                name = tuple(canonical(after)) if merges else (len(following),)
                mass = following.get(name, (0.0, after))[0]
                following[name] = (mass + weight * probability, after)
                outcomes.append((weight * probability, samples))
        self.tries = following
        return outcomes

    def _sample(self, trie, choices):
        case = self.case
        return self.sampler.sample(
            case.model, constraint=self.constraint, max_tokens=case.max_tokens, seed=choices, trie=copied(trie)
        )


def copied(trie):
    return deepcopy(trie)


def canonical(trie, node=0, path=()):
    """What the trie knows; a visited node where all is valid (c = 1) draws just as an unvisited one does."""
    if node and round(trie.c[node], 6) == 1.0:
        return
    yield path, round(trie.c[node], 6), trie.is_visited[node]
    for token, child in sorted(trie.children[node].items()):
        yield from canonical(trie, child, (*path, token))


def test_asap_on_the_toy_follows_the_golden_sequence():
    histories = Histories(PAPER, toy())
    for expected in (Fraction(1, 2), Fraction(19, 68), Fraction(23, 136), Fraction(31, 272), Fraction(47, 544)):
        outcomes = histories.trial()
        found = sum(p for p, s in outcomes if s.token_ids[0] == ZEROS)
        assert found == pytest.approx(float(expected), abs=1e-6)
        evidence = sum(p * np.exp(s.log_weights[0]) for p, s in outcomes)
        assert evidence == pytest.approx(17 / 32, abs=1e-6)


def test_first_draw_of_zeros_weighs_a_sixteenth_and_teaches_the_truth():
    outcomes = Histories(PAPER, toy()).trial()
    (samples,) = [s for _, s in outcomes if s.token_ids[0] == ZEROS]
    assert np.exp(samples.log_weights[0]) == pytest.approx(1 / 16, rel=1e-6)
    assert samples.extra["trie"].root_estimate == pytest.approx(17 / 32, rel=1e-6)


def test_exact_values_of_the_toy():
    case = toy()
    assert case.evidence == pytest.approx(17 / 32)
    masked = {s.token_ids[0]: p for p, s in Histories(ASAp(), case).trial()}
    target = {ids: p / case.evidence for ids, p in case.exact.items()}
    assert target[ZEROS] == pytest.approx(1 / 17)
    assert sum(t * np.log(t / masked[ids]) for ids, t in target.items()) == pytest.approx(0.469429, abs=1e-6)


def test_biased_toy():
    case = toy(0.9)
    assert case.evidence == pytest.approx(0.69049)
    assert case.exact[ZEROS] / case.evidence == pytest.approx(0.855175, abs=1e-6)
    outcomes = Histories(ASAp(), case).trial()
    assert credited(iter(outcomes), lambda s: s) == pytest.approx(case.exact, rel=3e-6)


def test_cars_on_the_toy_follows_the_golden_acceptance():
    histories = Histories(CARS(keep_rejected=True), toy())
    for expected in (17 / 32, 1931 / 2880, 0.760444, 0.820700, 0.862448, 0.892273):
        outcomes = histories.trial()
        accepted = [(p, s.token_ids[0]) for p, s in outcomes if s.log_weights[0] > -np.inf]
        total = sum(p for p, _ in accepted)
        assert total == pytest.approx(expected, abs=2e-6)
        assert sum(p for p, ids in accepted if ids == ZEROS) / total == pytest.approx(1 / 17, abs=1e-6)


@pytest.mark.parametrize("constraint", ["mask", "opaque"])
@pytest.mark.parametrize("sampler", [ASAp(), PAPER, CARS(keep_rejected=True)], ids=["asap", "paper", "cars"])
def test_thirty_random_pairs_are_proper_at_every_trial(sampler, constraint):
    for seed in range(30):
        case = random_case(seed, max_tokens=3 if seed % 3 == 0 else 2)
        histories = Histories(sampler, case, getattr(case, constraint))
        for _ in range(2):
            assert credited(iter(histories.trial()), lambda s: s) == pytest.approx(case.exact, rel=3e-6), seed


@pytest.mark.parametrize(
    "sampler",
    [ASAp(batch_size=2), ASAp(unvisited="valid", batch_size=2), CARS(batch_size=2, keep_rejected=True)],
    ids=["asap", "paper", "cars"],
)
def test_a_batch_draws_from_one_snapshot_and_stays_proper(sampler):
    for seed in range(30):
        case = random_case(500 + seed, max_tokens=2)
        runs = exhaust(
            lambda choices, case=case: sampler.sample(
                case.model, constraint=case.mask, n=3, max_tokens=case.max_tokens, seed=choices
            ),
            limit=100_000,
        )
        assert credited(runs, lambda s: s) == pytest.approx(case.exact, rel=3e-6)


def test_cars_is_exact_over_random_pairs():
    for seed in range(30):
        case = random_case(600 + seed, max_tokens=3)
        histories = Histories(CARS(keep_rejected=True), case)
        for _ in range(2):
            accepted = {}
            for p, s in histories.trial():
                if s.log_weights[0] > -np.inf:
                    accepted[s.token_ids[0]] = accepted.get(s.token_ids[0], 0.0) + p
            total = sum(accepted.values())
            found = {ids: p / total for ids, p in accepted.items()}
            assert found == pytest.approx({ids: p / case.evidence for ids, p in case.exact.items()}, rel=3e-6)


def test_estimates_fall_to_the_truth():
    case = toy()
    trie = None
    estimates = []
    for seed in range(60):
        samples = ASAp().sample(case.model, constraint=case.mask, max_tokens=6, seed=seed, trie=trie)
        trie = samples.extra["trie"]
        estimates.append(trie.root_estimate)
    assert all(a >= b for a, b in pairwise(estimates))
    assert estimates[-1] == pytest.approx(17 / 32, rel=1e-6)


class Explorer(RandomChoices):
    """Goes everywhere alike, so that a few hundred draws visit the whole of a small language."""

    def pick(self, pool):
        support = pool.support()
        return int(self.rng.choice(support)) if len(support) else -1


def law_of_next_draw(sampler, case, constraint, trie):
    """Token ids -> exact probability that the next draw is this valid sequence."""
    law = {}
    for probability, samples in exhaust(
        lambda choices: sampler.sample(
            case.model, constraint=constraint, max_tokens=case.max_tokens, seed=choices, trie=copied(trie)
        )
    ):
        if samples.log_weights[0] > -np.inf:
            law[samples.token_ids[0]] = law.get(samples.token_ids[0], 0.0) + probability
    return law


@pytest.mark.parametrize("constraint", ["mask", "opaque"])
@pytest.mark.parametrize("sampler", [ASAp(), PAPER], ids=["learnt", "valid"])
def test_the_limit_is_the_target_whatever_the_unvisited_count(sampler, constraint):
    """Once everything has been visited draws are exact, whatever they were guided by: over 30 random pairs."""
    for seed in range(30):
        case = random_case(700 + seed, max_tokens=3)
        target = getattr(case, constraint)
        trie, explorer = None, Explorer(np.random.default_rng(seed))
        while trie is None or any(left > 0.0 for left, seen in zip(trie.open, trie.is_visited, strict=True) if seen):
            samples = sampler.sample(
                case.model, constraint=target, max_tokens=case.max_tokens, n=50, seed=explorer, trie=trie
            )
            trie = samples.extra["trie"]
        assert trie.root_estimate == pytest.approx(case.evidence, rel=3e-6)
        assert trie.guess[0] == pytest.approx(case.evidence, rel=3e-6)
        expected = {ids: p / case.evidence for ids, p in case.exact.items()}
        assert law_of_next_draw(sampler, case, target, trie) == pytest.approx(expected, rel=1e-5), seed


def test_a_saved_trie_goes_on_where_it_stopped(tmp_path):
    case, path = toy(), tmp_path / "toy.npz"
    sampler = ASAp(trie_path=path)
    first = sampler.sample(case.model, constraint=case.mask, n=20, max_tokens=6, seed=1)
    loaded = PrefixTrie.load(path)
    assert list(canonical(loaded)) == list(canonical(first.extra["trie"]))
    again = sampler.sample(case.model, constraint=case.mask, n=1, max_tokens=6, seed=2)
    assert again.extra["root_estimate"] <= first.extra["root_estimate"]


def test_a_trie_of_another_target_is_refused(tmp_path):
    case, path = toy(), tmp_path / "toy.npz"
    sampler = ASAp(trie_path=path)
    sampler.sample(case.model, constraint=case.mask, max_tokens=6, seed=1)
    with pytest.raises(ConstraintError):
        sampler.sample(case.model, constraint=case.mask, max_tokens=7, seed=1)
    with pytest.raises(ConstraintError):
        sampler.sample(toy(0.9).model, constraint=case.mask, max_tokens=6, seed=1)


def test_a_trie_without_a_key_cannot_be_saved(tmp_path):
    case = toy()
    with pytest.raises(ValueError, match="key"):
        ASAp(trie_path=tmp_path / "x.npz").sample(case.model, constraint=case.opaque, max_tokens=6, seed=1)


def test_a_full_trie_is_an_error():
    case = toy()
    key = ASAp().sample(case.model, constraint=case.mask, max_tokens=6, seed=0).extra["trie"].key
    with pytest.raises(LimitError) as caught:
        ASAp().sample(case.model, constraint=case.mask, n=9, max_tokens=6, seed=0, trie=PrefixTrie(key, max_nodes=8))
    assert caught.value.limit == 8


def test_a_language_out_of_reach_is_found_out():
    case = random_case(3, max_tokens=2)
    nothing = type(case)("none", case.model, frozenset({b"zzz"}), 2)
    with pytest.raises(UnsatisfiableError):
        CARS().sample(case.model, constraint=nothing.opaque, n=1, max_tokens=2, seed=0)


def test_cars_gives_up_after_its_trials():
    case = toy()
    with pytest.raises(LimitError) as caught:
        CARS(max_trials=3).sample(
            case.model, constraint=type(case)("", case.model, frozenset({b"00000"}), 6).ending, max_tokens=6, seed=4
        )
    assert caught.value.what == "trials"


def test_tries_on_compiled_constraints_are_saved_and_found_again(tmp_path):
    import structgen as sg

    model, path = toy().model, tmp_path / "regex.npz"
    first = ASAp(trie_path=path).sample(model, constraint=sg.regex("00000|1[01]{4}"), n=20, max_tokens=6, seed=1)
    # The same language, written otherwise and bound anew, goes on learning; another one is refused.
    again = ASAp(trie_path=path).sample(model, constraint=sg.regex("0{5}|1[01]{4}"), n=1, max_tokens=6, seed=2)
    assert again.extra["root_estimate"] <= first.extra["root_estimate"] < 1.0
    with pytest.raises(ConstraintError):
        CARS(trie_path=path).sample(model, constraint=sg.regex("0{4}|1[01]{4}"), n=1, max_tokens=6, seed=2)
