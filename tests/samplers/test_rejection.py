"""AWRS's token draw, by enumerating every order: unbiased per token, and the exact variances."""

from fractions import Fraction
from math import exp

import numpy as np
import pytest

from structgen.samplers.pool import Pool
from structgen.samplers.rejection import Budgeted, Geometric, draw_budgeted, draw_geometric
from structgen.testing import exhaust

A = ([0.1, 0.2, 0.2, 0.1, 0.4], [1, 1, 0, 0, 1])
B = ([0.4, 0.3, 0.1, 0.1, 0.1], [0, 0, 1, 0, 1])
SKEWED = ([0.5, 0.5, 5e-6], [0, 0, 1])


def outcomes(p, f, settings):
    """(probability, token, weight, questions) of every way the draw can go."""
    form = draw_geometric if isinstance(settings, Geometric) else draw_budgeted

    def run(choices):
        pool = Pool(len(p))
        pool.fill_masses(np.array(p))
        asked = []
        token, log_weight = form(pool, lambda t: asked.append(t) or bool(f[t]), choices, settings)
        return token, exp(log_weight), len(asked)

    return [(probability, *result) for probability, result in exhaust(run)]


def moments(results):
    mean = sum(q * w for q, _, w, _ in results)
    variance = sum(q * w * w for q, _, w, _ in results) - mean**2
    return mean, variance, sum(q * n for q, _, _, n in results)


@pytest.mark.parametrize(
    ("case", "budget", "variance"),
    [
        (A, 0, 0.0972222),
        (A, 1, 0.0389016),
        (A, 2, 0.0097810),
        (A, 3, 0.0),
        (B, 0, 0.032),
        (B, 1, 0.0118540),
        (B, 2, 0.0026222),
        (B, 3, 0.0),
    ],
)
def test_variance_of_each_budget_is_exact(case, budget, variance):
    p, f = case
    mean, found, _ = moments(outcomes(p, f, Budgeted(budget, thrift=0.0)))
    assert mean == pytest.approx(sum(a * b for a, b in zip(p, f, strict=True)), abs=1e-14)
    assert found == pytest.approx(variance, abs=5e-8)


def test_recursive_form_expects_2_347222_questions():
    *_, questions = moments(outcomes(*A, Budgeted(0, thrift=0.0)))
    assert questions == pytest.approx(2.347222, abs=5e-7)


SETTINGS = [
    *(Budgeted(budget, thrift=thrift) for budget in (0, 1, 2, 4) for thrift in (0.0, 0.01, 0.5)),
    *(Budgeted(budget, max_rejects=limit) for budget in (0, 2) for limit in (1, 2, 3)),
    Geometric(2, 1),
    Geometric(2, 3),
    Geometric(3, 4),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=repr)
@pytest.mark.parametrize("case", [A, B, SKEWED], ids=["A", "B", "skewed"])
def test_weight_is_proper_for_every_token(case, settings):
    p, f = case
    results = outcomes(p, f, settings)
    assert sum(q for q, *_ in results) == pytest.approx(1.0, abs=1e-12)
    for token, (mass, valid) in enumerate(zip(p, f, strict=True)):
        credited = sum(q * w for q, t, w, _ in results if t == token)
        assert credited == pytest.approx(mass * valid, rel=1e-9, abs=1e-15), token


def test_tiny_valid_mass_is_not_lost():
    p, f = SKEWED
    whole = sum(p)
    (survivors,) = {(t, round(w, 12)) for _, t, w, _ in outcomes(p, f, Budgeted(0))}
    assert survivors == (2, pytest.approx(5e-6, rel=1e-9))
    assert whole > 1  # masses need not be normalised


def test_random_pairs_are_proper_for_every_token():
    rng = np.random.default_rng(6)
    for _ in range(40):
        n = int(rng.integers(2, 6))
        p = rng.dirichlet(np.full(n, 0.4)) + 1e-9
        f = rng.integers(0, 2, n)
        for settings in (Budgeted(int(rng.integers(0, 4)), thrift=float(rng.choice([0, 0.05]))), Geometric(2, 3)):
            results = outcomes(list(p), list(f), settings)
            for token in range(n):
                credited = sum(q * w for q, t, w, _ in results if t == token)
                assert credited == pytest.approx(p[token] * f[token], rel=1e-8, abs=1e-14)


def test_exact_fraction_of_the_recursive_variance():
    """7/72 by hand: the golden .0972222 is that fraction."""
    _, variance, _ = moments(outcomes(*A, Budgeted(0, thrift=0.0)))
    assert variance == pytest.approx(float(Fraction(7, 72)), abs=1e-14)


def test_nothing_valid_gives_weight_zero():
    assert {(t, w) for _, t, w, _ in outcomes([0.5, 0.5], [0, 0], Budgeted())} == {(-1, 0.0)}
