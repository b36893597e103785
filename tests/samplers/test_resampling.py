"""Resampling schemes by exhausting their randomness: expected copies are exactly N p."""

import numpy as np
import pytest

from structgen.samplers.pool import Pool
from structgen.samplers.resampling import SCHEMES, draw_ancestors, normalised, resample_systematic
from structgen.testing import exhaust


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("seed", range(30))
def test_expected_copies_are_exact(scheme, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    log_weights = rng.normal(size=n) * 2
    log_weights[rng.random(n) < 0.2] = -np.inf
    if not np.isfinite(log_weights).any():
        log_weights[0] = 0.0
    p = normalised(log_weights)
    copies = np.zeros(n)
    for probability, ancestors in exhaust(lambda choices: draw_ancestors(log_weights, choices, scheme)):
        counts = np.bincount(ancestors, minlength=n)
        assert len(ancestors) == n
        assert (counts[p == 0] == 0).all()
        if scheme == "systematic":
            assert (counts >= np.floor(n * p - 1e-9)).all()
            assert (counts <= np.ceil(n * p + 1e-9)).all()
        if scheme == "residual":
            assert (counts >= np.floor(n * p - 1e-9)).all()
        copies += probability * counts
    assert copies == pytest.approx(n * p, abs=1e-12)


def test_equal_weights_keep_everyone():
    assert resample_systematic(np.zeros(7), 0.3).tolist() == list(range(7))


@pytest.mark.parametrize("weights", [[], [-np.inf, -np.inf], [0.0, np.nan], [np.inf, 0.0]])
def test_weights_that_make_no_sense(weights):
    with pytest.raises(ValueError, match=r"no particles|-inf"):
        resample_systematic(np.array(weights), 0.5)


def test_unknown_scheme():
    with pytest.raises(ValueError, match="scheme"):
        list(exhaust(lambda choices: draw_ancestors(np.zeros(2), choices, "roulette")))


class TestPool:
    """The pool against sums of plain arrays."""

    def test_fill_and_change_equal_plain_sums(self):
        rng = np.random.default_rng(1)
        for n in (1, 31, 32, 33, 255, 256, 257, 5000):
            scores = rng.normal(size=n).astype(np.float32) * 3
            allowed = rng.random(n) < rng.choice([0.02, 0.5, 1.0])
            allowed[int(rng.integers(n))] = True
            bits = np.zeros(-(-n // 32) * 32, dtype=np.uint8)
            bits[:n] = allowed
            mask = np.packbits(bits, bitorder="little").view(np.uint32)
            expected = np.where(allowed, np.exp(scores.astype(np.float64)), 0.0)
            pool = Pool(n)
            assert pool.fill(scores, mask) == pytest.approx(np.log(expected.sum()), abs=1e-12)
            assert pool.mass == pytest.approx(expected, rel=1e-12)
            while len(pool.support()):
                token, mass = pool.take_at(float(rng.random()))
                assert mass == pytest.approx(expected[token], rel=1e-12)
                expected[token] = 0.0
                assert pool.total == pytest.approx(expected.sum(), rel=1e-12)
            assert pool.take_at(0.5) == (-1, 0.0)

    def test_the_cumulative_mass_is_followed(self):
        pool = Pool(600)
        masses = np.random.default_rng(2).random(600)
        pool.fill_masses(masses)
        cumulative = np.cumsum(masses) / masses.sum()
        for uniform in np.random.default_rng(3).random(500):
            assert pool.at(float(uniform)) == int(np.searchsorted(cumulative, uniform, side="right"))

    def test_what_is_left_does_not_cancel(self):
        pool = Pool(3)
        pool.fill_masses(np.array([0.5, 0.5, 1e-30]))
        pool.put(0, 0.0)
        pool.put(1, 0.0)
        assert pool.total == pytest.approx(1e-30, rel=1e-12)

    def test_scores_beyond_float64(self):
        pool = Pool(3)
        full = np.array([0b111], dtype=np.uint32)
        assert pool.fill(np.array([-900.0, -901.0, -np.inf]), full) == pytest.approx(-900 + np.log1p(np.exp(-1)))
        assert pool.fill(np.array([900.0, 0.0, 0.0]), full) == pytest.approx(900.0)
        assert pool.fill(np.full(3, -np.inf), full) == -np.inf

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_nan_shows_in_the_total(self, bad):
        total = Pool(3).fill(np.array([0.0, bad, 0.0], dtype=np.float32), np.array([0b111], dtype=np.uint32))
        assert np.isnan(total) or total == np.inf
