"""Transforms against definitions written out longhand, and the transformed model."""

from __future__ import annotations

import numpy as np
import pytest

from structgen.models.table import Table
from structgen.samplers.masking import Masking
from structgen.samplers.transforms import Transform, TransformedModel

P = np.array([0.05, 0.4, 0.1, 0.3, 0.15])


def applied(**settings: float) -> list[float]:
    return np.exp(Transform(**settings).apply(np.log(P))).tolist()  # type: ignore[arg-type]


def test_top_k_keeps_the_likeliest() -> None:
    assert applied(top_k=2) == pytest.approx([0, 4 / 7, 0, 3 / 7, 0])


def test_top_p_keeps_the_fewest_that_reach_the_share() -> None:
    assert applied(top_p=0.4) == pytest.approx([0, 1, 0, 0, 0])
    assert applied(top_p=0.41) == pytest.approx([0, 4 / 7, 0, 3 / 7, 0])
    assert applied(top_p=1e-9) == pytest.approx([0, 1, 0, 0, 0])


def test_min_p_is_relative_to_the_likeliest() -> None:
    assert applied(min_p=0.5) == pytest.approx([0, 4 / 7, 0, 3 / 7, 0])
    assert applied(min_p=0.25) == pytest.approx([0, 0.4 / 0.95, 0.1 / 0.95, 0.3 / 0.95, 0.15 / 0.95])


def test_temperature_raises_to_a_power() -> None:
    squared = P**2 / (P**2).sum()
    assert applied(temperature=0.5) == pytest.approx(squared.tolist())
    assert applied(temperature=0) == [0, 1, 0, 0, 0]


def by_sorting(logprobs: np.ndarray, settings: Transform) -> np.ndarray:
    """The definition, by sorting the whole row."""
    scaled = logprobs.astype(np.float64) / settings.temperature
    order = np.argsort(-scaled, kind="stable")
    kept = order[: settings.top_k] if settings.top_k else order
    weights = np.exp(scaled[kept] - scaled[kept[0]])
    before = np.cumsum(weights) - weights
    keep = (before < settings.top_p * weights.sum()) & (weights >= settings.min_p)
    keep[0] = True
    out = np.full(scaled.shape, -np.inf)
    out[kept[keep]] = scaled[kept[keep]] - np.log(np.exp(scaled[kept[keep]]).sum())
    return out


@pytest.mark.parametrize("seed", range(40))
def test_cuts_of_long_rows_are_those_of_sorting(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(scale=rng.choice([0.1, 3.0]), size=3000).round(2)  # ties
    scores[rng.random(3000) < 0.3] = -np.inf
    settings = Transform(
        temperature=float(rng.choice([0.5, 1.0, 2.0])),
        top_k=int(rng.choice([0, 1, 7, 500, 5000])),
        top_p=float(rng.choice([0.01, 0.3, 0.95, 0.999999, 1.0])),
        min_p=float(rng.choice([0.0, 0.01, 0.5])),
    )
    found = settings.apply(scores)
    assert np.array_equal(np.isfinite(found), np.isfinite(by_sorting(scores, settings)))
    assert found == pytest.approx(by_sorting(scores, settings))


def test_top_p_is_a_share_of_what_top_k_left() -> None:
    assert applied(top_k=2, top_p=0.57) == pytest.approx([0, 1, 0, 0, 0])
    assert applied(top_k=2, top_p=0.58) == pytest.approx([0, 4 / 7, 0, 3 / 7, 0])


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": -1},
        {"temperature": float("nan")},
        {"top_k": -1},
        {"top_p": 0},
        {"top_p": 1.5},
        {"min_p": -0.1},
        {"min_p": 2},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        Transform(**settings)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=next(iter(settings))):
        Masking(**settings)  # type: ignore[arg-type]


def test_transformed_model_is_a_model() -> None:
    model = Table.random(3, vocabulary=["a", "b", "c"])
    twin = TransformedModel(model, Transform(top_k=1))
    state = twin.start([[], [0]])
    assert np.exp(state.logprobs()).max(axis=1) == pytest.approx([1, 1])
    assert twin.name != model.name
    first = Masking().sample(twin, n=3, max_tokens=4, seed=0)
    assert len(set(first.texts)) == 1
    assert first.log_probs.tolist() == [0, 0, 0]
