"""Adaptive weighted rejection sampling: exact draws under a predicate that can only be asked.

Masking needs the verdict on every token. A predicate ("does sqlite prepare it?") answers
one at a time, so tokens are drawn without replacement until one is accepted; that token is
distributed as under the mask. What the mask would also give, the valid mass ``m``, is
estimated without bias from the same draws, so weights stay proper.

The estimate. Let tokens come in order ``x_1, x_2, ...`` without replacement, ``x_i`` be the
first accepted and ``tail_k`` the mass of ``x_k, x_{k+1}, ...``. Ask about ``B`` more tokens
and credit those accepted with their exact mass, then toss one coin for the rest::

    w = sum of p_j over accepted j in i..i+B  +  f(x_{i+B+1}) tail_{i+B+1}

Given the past, the next token is drawn by mass from what is left, so ``f(x_next) tail`` is
an unbiased estimate of the valid mass left, at any stopping time. With ``B = 0`` this is
the recursive form of the paper, ``mult (1 if f(x_{i+1}) else q)``; the factors ``mult``
telescope into the sum, which has no products of small numbers. More budget means less
variance and more questions.

Two economies keep it unbiased too. The extra questions stop as soon as the rest of the
mass is below ``thrift`` times the credit; and then the coin itself is asked only with a
probability in proportion to that rest (and divided by it): a token of mass 0.9999 needs
one question, not two, for a relative standard deviation of about 1e-3.

The *geometric* form simulates drawing *with* replacement, with rejected tokens as phantom
failures in between, until ``accepts`` successes or ``rejects`` failures, and uses the
unbiased estimate of a success rate under inverse sampling.

A limit on rejections gives weight 0 when it is hit. To lose nothing in expectation, the
last question permitted must stand for all that is left: where its token is accepted, the
credit is the whole tail (``E[f(x) tail 1(x = y)] = p(y) f(y)``), with no further question.
Crediting it as any other first token would bias the sampler by what lies behind the limit.
Stopping "when nearly all mass is rejected" would bias: with p = (.5, .5, 5e-6) and only
the last token valid, every particle would die. Masses left are summed from what is left.

Reference: Lipkin et al. (2025), Fast controlled generation from language models with
adaptive weighted rejection sampling, arXiv:2504.05410.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from structgen.samplers.choices import Choices
from structgen.samplers.frontier import Frontier, Site
from structgen.samplers.pool import Pool

__all__ = ["Budgeted", "Geometric", "Masked", "TokenDraw", "draw_budgeted", "draw_geometric"]

Allows = Callable[[int], bool]

NOTHING = (-1, -math.inf)
"""No token, weight zero."""


class TokenDraw(Protocol):
    """How one more token is drawn: with a weight w such that ``E[w 1(token = y)] = p(y) f(y)``."""

    def draw(self, frontier: Frontier, site: Site, pool: Pool, choices: Choices) -> tuple[int, float]:
        """(token, log w) after the site's prefix; (-1, -inf) where nothing follows. ``pool`` is scratch."""
        ...


@dataclass(frozen=True, slots=True)
class Masked:
    """Draw under the exact mask; w is the valid mass itself. Asks an opaque target about *every* token left."""

    def draw(self, frontier: Frontier, site: Site, pool: Pool, choices: Choices) -> tuple[int, float]:
        frontier.fill(site, pool, settle=True)
        return _draw_settled(pool, choices)


@dataclass(frozen=True, slots=True)
class Budgeted:
    """Settings of the recursive and the budgeted form.

    Parameters
    ----------
    budget : questions asked after the first accepted token to learn the mass better; 0 is the recursive form
    thrift : in [0, 1): share of the credit below which the rest is not worth a question; 0 asks always
    max_rejects : questions answered "no" after which the draw gives up with weight 0; None for no limit
    """

    budget: int = 1
    thrift: float = 0.01
    max_rejects: int | None = None

    def __post_init__(self) -> None:
        if self.budget < 0:
            raise ValueError(f"budget must be >= 0, not {self.budget}")
        if not 0.0 <= self.thrift < 1.0:
            raise ValueError(f"thrift must lie in [0, 1), not {self.thrift}")
        if self.max_rejects is not None and self.max_rejects < 1:
            raise ValueError(f"max_rejects must be >= 1 or None, not {self.max_rejects}")

    def draw(self, frontier: Frontier, site: Site, pool: Pool, choices: Choices) -> tuple[int, float]:
        """As ``Masked`` where the mask is exact already, else by rejection."""
        frontier.fill(site, pool, settle=False)
        if site.is_settled:
            return _draw_settled(pool, choices)
        return draw_budgeted(pool, site.cursor.allows, choices, self)


@dataclass(frozen=True, slots=True)
class Geometric:
    """Settings of the geometric form.

    Parameters
    ----------
    accepts : successes after which the draw stops, >= 2
    rejects : failures (phantom ones too) after which it stops, >= 1; bounds the run time
    """

    accepts: int = 2
    rejects: int = 1_000_000

    def __post_init__(self) -> None:
        if self.accepts < 2:
            raise ValueError(f"accepts must be >= 2, not {self.accepts}")
        if self.rejects < 1:
            raise ValueError(f"rejects must be >= 1, not {self.rejects}")

    def draw(self, frontier: Frontier, site: Site, pool: Pool, choices: Choices) -> tuple[int, float]:
        """As ``Masked`` where the mask is exact already, else by rejection."""
        frontier.fill(site, pool, settle=False)
        if site.is_settled:
            return _draw_settled(pool, choices)
        return draw_geometric(pool, site.cursor.allows, choices, self)


def _draw_settled(pool: Pool, choices: Choices) -> tuple[int, float]:
    token_id = choices.pick(pool)
    return NOTHING if token_id < 0 else (token_id, pool.log_total)


def draw_budgeted(pool: Pool, allows: Allows, choices: Choices, settings: Budgeted) -> tuple[int, float]:
    """Draw a token and an estimate of the valid mass; ``E[w 1(token = y)] = p(y) f(y)`` for every ``y``.

    Parameters
    ----------
    pool : masses p, not necessarily summing to 1; tokens are taken out of it
    allows : the predicate f; asked at most once per token

    Returns
    -------
    (token, log w), w in the pool's units (nats); (-1, -inf) where nothing is valid or the limit was hit
    """
    first, credit, is_last = _first_accepted(pool, allows, choices, settings.max_rejects)
    if first < 0:
        return NOTHING
    if is_last:
        return first, pool.shift + math.log(credit)
    for _ in range(settings.budget):
        if pool.total <= settings.thrift * credit:
            break
        token_id, mass = choices.take(pool)
        if allows(token_id):
            credit += mass
    credit += _coin_for_rest(pool, allows, choices, settings.thrift * credit)
    return first, pool.shift + math.log(credit)


def _first_accepted(pool: Pool, allows: Allows, choices: Choices, limit: int | None) -> tuple[int, float, bool]:
    """The first accepted token, its credit, and whether the limit leaves no further question."""
    n_rejects = 0
    while limit is None or n_rejects < limit:
        tail = pool.total
        token_id, mass = choices.take(pool)
        if token_id < 0 or allows(token_id):
            is_last = n_rejects + 1 == limit
            return token_id, tail if is_last else mass, is_last
        n_rejects += 1
    return -1, 0.0, True


def _coin_for_rest(pool: Pool, allows: Allows, choices: Choices, worthwhile: float) -> float:
    """An unbiased estimate of the valid mass left from at most one question."""
    rest = pool.total
    if rest <= 0.0:
        return 0.0
    chance = 1.0 if rest >= worthwhile else rest / worthwhile
    if chance < 1.0 and not choices.coin(chance):
        return 0.0
    token_id, _ = choices.take(pool)
    return rest / chance if allows(token_id) else 0.0


def draw_geometric(pool: Pool, allows: Allows, choices: Choices, settings: Geometric) -> tuple[int, float]:
    """As ``draw_budgeted``, by simulated sampling with replacement.

    With ``a`` successes and ``r`` failures at the end the estimate is
    ``min(accepts - 1, a) / (a + r - 1)`` of the pool's mass; the token is the first success,
    which is independent of the counts.
    """
    whole = pool.total
    log_whole = pool.log_total
    first, n_accepts, n_rejects = -1, 0, 0
    accepted: set[int] = set()
    while n_accepts < settings.accepts and n_rejects < settings.rejects and pool.total > 0.0:
        n_rejects += choices.failures(min(1.0, pool.total / whole), settings.rejects - n_rejects)
        if n_rejects >= settings.rejects:
            break
        token_id = choices.pick(pool)
        if token_id in accepted or allows(token_id):
            first = token_id if first < 0 else first
            accepted.add(token_id)
            n_accepts += 1
        else:
            pool.put(token_id, 0.0)
            n_rejects += 1
    if first < 0:
        return NOTHING
    return first, log_whole + math.log(min(settings.accepts - 1, n_accepts) / (n_accepts + n_rejects - 1))
