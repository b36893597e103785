"""Weighted sequences: their sums, resampling, expectations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from structgen.samplers.samples import Samples, Timings, effective_sample_size, log_mean_exp, log_sum_exp


def make(log_weights: list[float], **more: object) -> Samples:
    n = len(log_weights)
    texts = tuple(chr(97 + i) for i in range(n))
    return Samples(
        token_ids=tuple((i,) for i in range(n)),
        texts=texts,
        log_probs=np.zeros(n),
        log_weights=np.array(log_weights),
        finish_reasons=("stop",) * n,
        **more,  # type: ignore[arg-type]
    )


def test_evidence_is_the_mean_weight() -> None:
    samples = make([math.log(0.2), math.log(0.6), -math.inf])
    assert samples.log_evidence == pytest.approx(math.log(0.8 / 3))
    assert samples.probabilities == pytest.approx([0.25, 0.75, 0])
    assert samples.ess == pytest.approx(0.8**2 / (0.04 + 0.36))


def test_sums_survive_extremes() -> None:
    assert log_sum_exp([]) == -math.inf
    assert log_sum_exp([-math.inf]) == -math.inf
    assert log_sum_exp([-1e6, -1e6]) == pytest.approx(-1e6 + math.log(2))
    assert log_mean_exp([-2000.0, -math.inf]) == pytest.approx(-2000 - math.log(2))
    assert effective_sample_size([-math.inf, -math.inf]) == 0
    assert effective_sample_size([-1e5] * 7) == pytest.approx(7)


def test_resample_keeps_expected_counts_within_one() -> None:
    weights = np.array([0.05, 0.5, 0.0, 0.45])
    with np.errstate(divide="ignore"):
        samples = make(np.log(weights).tolist())
    for seed in range(50):
        drawn = samples.resample(np.random.default_rng(seed), 10)
        counts = np.array([drawn.texts.count(text) for text in samples.texts])
        assert np.all(np.abs(counts - 10 * weights) < 1)
        assert drawn.log_evidence == pytest.approx(samples.log_evidence)
        assert drawn.log_weights == pytest.approx(samples.log_evidence)


def test_expectation_weighs_and_states_its_error() -> None:
    samples = make([0.0, math.log(3), -math.inf]).with_values([2.0, 6.0, math.nan])
    mean, error = samples.expectation(float)
    assert mean == pytest.approx(5.0)
    assert error == pytest.approx(math.sqrt(1.5 * (0.25**2 * 9 + 0.75**2 * 1)))
    assert math.isnan(make([0.0]).expectation(lambda value: 1.0)[1])


def test_all_zero_weights_are_refused_where_a_sample_is_needed() -> None:
    dead = make([-math.inf, -math.inf])
    assert dead.log_evidence == -math.inf
    assert dead.ess == 0
    with pytest.raises(ValueError, match="positive weight"):
        dead.resample(np.random.default_rng(0))
    with pytest.raises(ValueError, match="positive weight"):
        dead.expectation(len)


@pytest.mark.parametrize("weight", [math.nan, math.inf])
def test_weights_that_are_no_weights_are_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="log weights"):
        make([0.0, weight])


def test_columns_must_agree() -> None:
    with pytest.raises(ValueError, match="lengths"):
        make([0.0, 0.0], values=(1,))


def test_concatenate_averages_over_samples_and_adds_costs() -> None:
    a = make([0.0], model_calls=2, timings=Timings(prefill=1.0, draws=[0.1]))
    b = make([math.log(4), math.log(4)], model_calls=3, timings=Timings(masks=[0.5], draws=[0.2]))
    both = Samples.concatenate([a, b])
    assert both.log_evidence == pytest.approx(math.log(3))
    assert (both.model_calls, len(both), both.timings.n_steps) == (5, 3, 2)
    assert both.timings.mask_share == pytest.approx(0.5 / 1.8)


def test_samples_read_like_a_sequence() -> None:
    samples = make([0.0, -1.0])
    assert [sample.text for sample in samples] == ["a", "b"]
    assert samples[1].log_weight == -1.0
    assert samples.take([1, 1]).texts == ("b", "b")
