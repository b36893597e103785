"""What goes wrong ends in a typed error with the text so far, or in a documented recovery."""

import threading

import numpy as np
import pytest

from structgen.errors import DeadEndError, IncompleteError, ModelError, PredicateError, UnsupportedError
from structgen.models.table import Table
from structgen.potentials import predicate
from structgen.samplers import AWRS, CARS, MCMC, SMC, ASAp, Beam, Masking, Mirostat
from tests.samplers.test_asap import law_of_next_draw
from tests.support.enumerable import Case, toy

SAMPLERS = [AWRS(), AWRS(particles=4), SMC(particles=3), ASAp(), CARS(), MCMC(steps=2), Beam(width=2), Mirostat()]
IDS = [repr(s)[:14] for s in SAMPLERS]


class Rows:
    """A model whose scores after two tokens are NaN."""

    def __init__(self, table):
        self.table, self.name, self.vocabulary = table, "broken", table.vocabulary

    def encode(self, prompt):
        return []

    def start(self, prompts):
        state = self.table.start(prompts)
        healthy = state.logprobs

        def logprobs():
            rows = healthy()
            return rows * np.nan if state.n_model_calls > 2 else rows

        state.logprobs = logprobs
        return state


@pytest.mark.parametrize("sampler", SAMPLERS, ids=IDS)
def test_scores_that_are_nan(sampler):
    case = toy()
    with pytest.raises(ModelError) as caught:
        sampler.sample(Rows(case.model), constraint=case.mask, max_tokens=6, seed=0)
    assert caught.value.model == "broken"
    assert len(caught.value.text) >= 1


@pytest.mark.parametrize("sampler", SAMPLERS, ids=IDS)
@pytest.mark.parametrize("options", [{"max_tokens": 0}])
def test_a_budget_of_nothing(sampler, options):
    with pytest.raises(ValueError, match="max_tokens"):
        sampler.sample(toy().model, constraint=toy().mask, **options)


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_weights_need_a_positive_temperature(temperature):
    with pytest.raises(ValueError, match="temperature"):
        AWRS(temperature=temperature).sample(toy().model, max_tokens=6)


def test_all_particles_dead_is_reported_with_the_restarts():
    case = toy()
    none = Case("", case.model, frozenset({b"2"}), 6)
    samples = SMC(particles=3, restarts=2).sample(case.model, constraint=none.ending, n=3, max_tokens=6, seed=0)
    assert samples.extra["restarts"] == 2
    assert samples.log_evidence == -np.inf
    assert set(samples.finish_reasons) == {"dead_end"} or set(samples.finish_reasons) == {"length"}


def test_a_restart_that_succeeds():
    case = toy()
    rare = predicate(lambda t: t.startswith("11"))
    restarts = {
        SMC(particles=2, restarts=20).sample(case.model, constraint=rare, n=2, max_tokens=6, seed=s).extra["restarts"]
        for s in range(12)
    }
    assert 0 in restarts and max(restarts) > 0


def test_prefixes_of_probability_zero():
    table = Table.from_function(lambda prefix: {"a": 1.0} if not prefix else {"": 1.0}, vocabulary=["a", "b"])
    only_b = predicate(prefix=lambda t: not t.startswith("a"))
    (weight,) = AWRS().sample(table, constraint=only_b, max_tokens=3, seed=0).log_weights
    assert weight == -np.inf


class Countdown:
    """Cancels at the k-th question."""

    def __init__(self, k):
        self.left = k

    def __call__(self):
        self.left -= 1
        return self.left < 0


CANCELLED = [Masking(), AWRS(), SMC(particles=4), ASAp(), ASAp(batch_size=4), CARS(), Mirostat(), Beam()]


@pytest.mark.parametrize("sampler", CANCELLED, ids=repr)
def test_a_cancelled_run_returns_what_it_has(sampler):
    case = toy()
    samples = sampler.sample(case.model, constraint=case.mask, n=4, max_tokens=6, seed=0, cancel=Countdown(2))
    assert samples.extra["cancelled"]
    assert len(samples) < 4


@pytest.mark.parametrize("constraint", ["opaque", "ending"])
def test_masking_asks_predicates_about_every_token(constraint):
    """Exact masses need every verdict; weights are those of the same language as a mask, dead ends weigh nothing."""
    case = toy()
    target = [getattr(case, constraint), None]
    samples = Masking().sample(case.model, constraint=target, n=40, max_tokens=6, seed=0)
    for sample in samples:
        valid = sample.token_ids in case.exact
        assert (sample.log_weight > -np.inf) == valid
        assert (sample.finish_reason == "dead_end") == (not valid)
    assert samples.constraint_checks > 40
    if constraint == "opaque":
        same = Masking().sample(case.model, constraint=case.mask, n=40, max_tokens=6, seed=0)
        assert samples.token_ids == same.token_ids
        assert samples.log_weights == pytest.approx(same.log_weights, abs=1e-9)


class Soft:
    """A potential with fixed factors per token; as long as they are, and whatever they are."""

    def __init__(self, *factors):
        self.factors = np.array(factors)

    def prefix(self, ids):
        return float(self.factors[list(ids)].sum())

    def complete(self, ids):
        return self.prefix(ids) + float(self.factors[2])

    def logw_next(self, ids):
        return self.factors


@pytest.mark.parametrize("sampler", [Masking(), *SAMPLERS], ids=["masking", *IDS])
@pytest.mark.parametrize("factors", [(np.nan, 0, 0), (np.inf, 0, 0), (0, 0)], ids=["nan", "inf", "short"])
def test_a_potential_that_gives_no_numbers(sampler, factors):
    with pytest.raises(PredicateError) as caught:
        sampler.sample(toy().model, constraint=Soft(*factors), max_tokens=6, seed=0)
    assert caught.value.text == b""


def test_a_critic_that_gives_no_numbers():
    with pytest.raises(PredicateError):
        SMC(critic=Soft(np.nan, np.nan, 0)).sample(toy().model, max_tokens=6, seed=0)


def test_soft_factors_are_refused_where_they_cannot_be_followed():
    lifting = Soft(0.5, 0.0, 0.0)
    for sampler in (Masking(), CARS()):
        with pytest.raises(UnsupportedError) as caught:
            sampler.sample(toy().model, constraint=lifting, max_tokens=6, seed=0)
        assert caught.value.keyword == "potential"


def test_asap_follows_factors_above_one():
    """Factor 1.5 on every 0: the learnt estimates may rise beyond 1, and draws tend to the weighted target."""
    case, factor = toy(), 1.5
    target = [case.mask, Soft(np.log(factor), 0.0, 0.0)]
    samples = ASAp(batch_size=4).sample(case.model, constraint=target, n=600, max_tokens=6, seed=0)
    weighted = {ids: p * factor ** ids.count(0) for ids, p in case.exact.items()}
    total = sum(weighted.values())
    assert samples.log_evidence == pytest.approx(np.log(total), abs=0.05)
    law = law_of_next_draw(ASAp(), case, target, samples.extra["trie"])
    assert law == pytest.approx({ids: w / total for ids, w in weighted.items()}, rel=1e-4)


@pytest.mark.parametrize("sampler", [Beam(width=2), MCMC(steps=1)], ids=["beam", "mcmc"])
def test_a_search_that_finds_nothing_says_how_far_it_got(sampler):
    with pytest.raises(DeadEndError) as caught:
        sampler.sample(toy().model, constraint=predicate(lambda t: False), max_tokens=6, seed=0)
    assert len(caught.value.text) == 5


def test_an_event_cancels():
    event = threading.Event()
    event.set()
    assert len(AWRS().sample(toy().model, n=2, max_tokens=6, cancel=event)) == 0


def test_an_interrupt_returns_the_finished_texts():
    """One sequence ends early; the interrupt comes while the others go on."""
    table = Table.from_function(
        lambda prefix: {"a": 0.5, "": 0.5} if len(prefix) < 8 else _interrupt(), vocabulary=["a"]
    )
    samples = AWRS().sample(table, n=400, max_tokens=12, seed=0)
    assert samples.extra["cancelled"]
    assert 0 < len(samples) < 400
    assert len(samples) + len(samples.extra["unfinished"]) == 400


def _interrupt():
    raise KeyboardInterrupt


def test_no_text_fits_the_budget():
    import structgen as sg

    vocabulary = toy().model.vocabulary
    with pytest.raises(IncompleteError):
        AWRS().sample(toy().model, constraint=sg.regex("[01]{9}").bind(vocabulary), max_tokens=5)
