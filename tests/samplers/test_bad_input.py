"""What goes wrong ends in a typed error with the text so far, or in a documented recovery."""

import threading

import numpy as np
import pytest

from structgen.errors import IncompleteError, ModelError
from structgen.models.table import Table
from structgen.potentials import predicate
from structgen.samplers import AWRS, CARS, MCMC, SMC, ASAp, Beam, Mirostat
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


@pytest.mark.parametrize("sampler", [AWRS(), SMC(particles=4), ASAp(), CARS(), MCMC(steps=1)], ids=repr)
def test_a_cancelled_run_returns_what_it_has(sampler):
    case = toy()
    samples = sampler.sample(case.model, constraint=case.mask, n=4, max_tokens=6, seed=0, cancel=Countdown(2))
    assert samples.extra["cancelled"]
    assert len(samples) < 4


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
