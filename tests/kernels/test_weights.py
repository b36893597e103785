"""``draw_rows`` against the obvious: unpack, sort, cut, normalise, walk."""

from __future__ import annotations

import numpy as np
import pytest

from structgen.dtypes import n_words
from structgen.kernels import weights
from structgen.samplers.draw import Drawer, full_mask
from structgen.samplers.transforms import Transform

TRANSFORMS = {
    "identity": Transform(),
    "greedy": Transform(temperature=0),
    "cold": Transform(temperature=0.3),
    "hot": Transform(temperature=4.0),
    "top-k": Transform(top_k=3),
    "top-p": Transform(top_p=0.7),
    "min-p": Transform(min_p=0.2),
    "all": Transform(temperature=0.8, top_k=20, top_p=0.9, min_p=0.05),
    "k-over-v": Transform(top_k=1000, top_p=0.5),
}


def pack(allowed: np.ndarray) -> np.ndarray:
    row = np.zeros(n_words(len(allowed)), dtype=np.uint32)
    for token_id in np.flatnonzero(allowed):
        row[token_id >> 5] |= np.uint32(1 << (token_id & 31))
    return row


def naive_draw(scores: np.ndarray, allowed: np.ndarray, transform: Transform, uniform: float) -> tuple[int, float]:
    """Token and log mass, one obvious step after the other, in float64."""
    scores = scores.astype(np.float64)
    p = np.exp(scores if transform.temperature == 0 else scores / transform.temperature)
    log_mass = np.log(p[allowed].sum() / p.sum())
    masked = np.where(allowed, scores, -np.inf)
    proposal = np.exp(transform.apply(masked))
    if transform.truncates:
        # With a cut, the walk goes from the likeliest down.
        order = np.argsort(-masked, kind="stable")
        place = int(np.searchsorted(np.cumsum(proposal[order]), uniform, side="right"))
        return int(order[place]), float(log_mass)
    return int(np.searchsorted(np.cumsum(proposal), uniform, side="right")), float(log_mass)


def random_scores(rng: np.random.Generator, n_tokens: int) -> np.ndarray:
    scores = rng.normal(scale=3.0, size=n_tokens)
    return (scores - np.log(np.exp(scores).sum())).astype(np.float32)


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("density", [0.02, 0.2, 0.6, 1.0])
def test_draw_equals_naive_draw(name: str, density: float) -> None:
    rng = np.random.default_rng(sum(map(ord, name)) + int(density * 100))
    for n_tokens in (1, 31, 32, 33, 70, 300):
        drawer = Drawer(n_tokens)
        scores = np.stack([random_scores(rng, n_tokens) for _ in range(8)])
        allowed = rng.random((8, n_tokens)) < density
        allowed[np.arange(8), rng.integers(0, n_tokens, 8)] = True
        uniforms = rng.random(8)
        masks = np.stack([pack(row) for row in allowed])
        draws = drawer.draw(scores, masks, TRANSFORMS[name], uniforms)
        for row in range(8):
            token, log_mass = naive_draw(scores[row], allowed[row], TRANSFORMS[name], uniforms[row])
            assert draws.token_ids[row] == token
            assert draws.log_masses[row] == pytest.approx(log_mass, abs=1e-6)
            assert draws.log_probs[row] == scores[row, token]


@pytest.mark.parametrize("scale", [0.0, 0.5, 6.0])
@pytest.mark.parametrize("top_p", [0.01, 0.5, 0.999])
def test_nucleus_of_a_large_vocabulary_equals_naive(scale: float, top_p: float) -> None:
    n_tokens = 3000
    rng = np.random.default_rng(int(scale * 10))
    scores = rng.normal(scale=scale, size=n_tokens)
    scores = (scores - np.log(np.exp(scores).sum())).astype(np.float32)
    allowed = rng.random(n_tokens) < 0.9
    drawer = Drawer(n_tokens)
    for transform in (Transform(top_p=top_p), Transform(top_p=top_p, min_p=0.01)):
        for uniform in (0.0, 0.3, 0.77):
            draws = drawer.draw(scores[None], pack(allowed)[None], transform, np.array([uniform]))
            assert draws.token_ids[0] == naive_draw(scores, allowed, transform, uniform)[0]


def test_draw_covers_every_token_in_proportion() -> None:
    """The set of uniforms that give a token has exactly the length of its share."""
    p = np.array([0.1, 0.2, 0.3, 0.4])
    allowed = np.array([True, False, True, True])
    grid = (np.arange(8000) + 0.5) / 8000
    scores = np.tile(np.log(p).astype(np.float32), (8000, 1))
    draws = Drawer(4).draw(scores, np.tile(pack(allowed), (8000, 1)), Transform(), grid)
    shares = np.bincount(draws.token_ids, minlength=4) / 8000
    assert shares == pytest.approx([0.125, 0, 0.375, 0.5], abs=2 / 8000)
    assert np.exp(draws.log_masses) == pytest.approx(0.8)


@pytest.mark.parametrize("n_tokens", [5, 200])
def test_ties_go_to_the_lower_id(n_tokens: int) -> None:
    scores = np.full((1, n_tokens), -np.log(n_tokens), dtype=np.float32)
    mask = full_mask(n_tokens)[None]
    drawer = Drawer(n_tokens)
    assert drawer.draw(scores, mask, Transform(temperature=0), np.array([0.9])).token_ids[0] == 0
    assert drawer.draw(scores, mask, Transform(top_k=2), np.array([0.99])).token_ids[0] == 1


def test_full_mask_weighs_exactly_one() -> None:
    scores = random_scores(np.random.default_rng(0), 300)[None]
    for transform in TRANSFORMS.values():
        assert Drawer(300).draw(scores, full_mask(300)[None], transform, np.array([0.4])).log_masses[0] == 0.0


def test_mass_below_float_range_is_kept() -> None:
    """Allowed tokens that are improbable beyond float64's range still share their mass by proportion."""
    scores = np.array([[0.0, -2000.0, -2000.0, -2001.0]], dtype=np.float32)
    draws = Drawer(4).draw(scores, np.array([[0b1010]], dtype=np.uint32), Transform(), np.array([0.99]))
    assert draws.token_ids[0] == 3
    assert draws.log_masses[0] == pytest.approx(-2000 + np.log1p(np.exp(-1)))


def test_impossible_tokens_weigh_nothing_and_empty_masks_give_none() -> None:
    scores = np.array([[0.0, -np.inf, -np.inf], [0.0, -np.inf, -np.inf]], dtype=np.float32)
    draws = Drawer(3).draw(scores, np.array([[0b110], [0]], dtype=np.uint32), Transform(), np.array([0.5, 0.5]))
    assert draws.token_ids.tolist() == [1, -1]
    assert draws.log_masses.tolist() == [-np.inf, -np.inf]
    assert draws.log_probs.tolist() == [-np.inf, -np.inf]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("n_tokens", [3, 80])
def test_scores_that_are_no_numbers_are_reported(bad: float, n_tokens: int) -> None:
    scores = np.full((1, n_tokens), -1.0, dtype=np.float32)
    scores[0, 1] = bad
    draws = Drawer(n_tokens).draw(scores, full_mask(n_tokens)[None], Transform(), np.array([0.5]))
    assert draws.token_ids[0] == -1
    assert np.isnan(draws.log_masses[0])


def test_exp_is_within_an_ulp_and_handles_the_ends() -> None:
    x = np.concatenate([np.linspace(-708, 700, 20_001), [-np.inf, -800.0, 0.0, np.nan]])
    values = x.copy()
    weights.exp_in_place(values, len(values), 0.0, 1.0)
    assert values[:-4] == pytest.approx(np.exp(x[:-4]), rel=4e-16)
    assert values[-4:-1].tolist() == [0.0, 0.0, 1.0]
    assert np.isnan(values[-1])


def test_one_specialisation_serves_frozen_and_writable_arrays() -> None:
    if not hasattr(weights.draw_rows, "signatures"):
        pytest.skip("runs without the compiler")
    scores = random_scores(np.random.default_rng(0), 40)[None]
    Drawer(40).draw(scores, full_mask(40)[None], Transform(), np.array([0.5]))
    frozen = scores.copy()
    frozen.flags.writeable = False
    Drawer(40).draw(frozen, full_mask(40)[None], Transform(1, 2), np.array([0.5]))
    assert len(weights.draw_rows.signatures) == 1
