"""The prefixes being extended: one model row, one cursor and one mask for each *distinct* one.

Particles, parallel draws and beams often stand at the same prefix: all of them at the
start, copies after resampling. A ``Site`` is such a prefix, its followers hold its index,
and ``Frontier.grow`` takes every follower one token further in a single forward pass with
one row per distinct new prefix. Followers that ended simply do not appear, which frees
their rows. The key-value cache forks through ``DecodeState.select``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from structgen.dtypes import TokenMask
from structgen.errors import ModelError
from structgen.samplers.draw import full_mask
from structgen.samplers.pool import Pool
from structgen.samplers.protocol import LanguageModel, PromptLike

if TYPE_CHECKING:
    from structgen.potentials.cursor import Bound, CheckCounter, Cursor

__all__ = ["Frontier", "Site"]

FloatArray = npt.NDArray[np.float64]


class Site:
    """One distinct prefix: its tokens, its place in the target, its next-token scores."""

    __slots__ = ("_kind", "_mask", "_settled", "budget", "cursor", "log_probs", "n_tokens", "token_ids")

    def __init__(self, token_ids: tuple[int, ...], cursor: Cursor, n_tokens: int, budget: int) -> None:
        self.token_ids = token_ids
        self.cursor = cursor
        self.n_tokens = n_tokens
        self.budget = budget
        """Tokens that may still follow, end of sequence counted in."""
        self.log_probs: npt.NDArray[np.float32] = np.empty(0, dtype=np.float32)
        """(V,) the model's normalised log-probabilities."""
        self._mask: TokenMask | None = None
        self._settled = False
        self._kind = -1

    def mask(self, eos_row: TokenMask, *, settle: bool) -> TokenMask:
        """Tokens that may follow: exact where the cursor is not opaque or ``settle`` asks about each.

        When one token is left, only end of sequence (``eos_row``) is.
        """
        if self._mask is None:
            self._mask = full_mask(self.n_tokens)
            self.cursor.narrow(self._mask, self.budget)
            if self.budget <= 1:
                self._mask &= eos_row
        if settle and not self._settled and self.cursor.is_opaque:
            self.cursor.settle(self._mask)
            self._settled = True
        return self._mask

    @property
    def kind(self) -> int:
        """A 63-bit hash of the mask, once there is one: prefixes at which the same may follow are of one kind."""
        if self._kind < 0 and self._mask is not None:
            digest = hashlib.blake2b(self._mask.tobytes(), digest_size=8).digest()
            self._kind = int.from_bytes(digest, "little") >> 1
        return self._kind

    @property
    def is_settled(self) -> bool:
        """Whether the mask is exact, so that no token need be asked about."""
        return self._settled or not self.cursor.is_opaque


class Frontier:
    """Distinct prefixes under one model and one target.

    Parameters
    ----------
    bound : the target, bound to the model's vocabulary
    max_tokens : tokens a sequence may have, end of sequence counted in

    Raises
    ------
    ValueError : ``max_tokens`` is below 1
    IncompleteError : no text of the constraint fits ``max_tokens``
    """

    def __init__(
        self, model: LanguageModel, prompt: PromptLike, bound: Bound, max_tokens: int, checks: CheckCounter
    ) -> None:
        if max_tokens < 1:
            raise ValueError(f"max_tokens must be >= 1, not {max_tokens}")
        self.vocabulary = model.vocabulary
        self._name = model.name
        self.eos_row = np.zeros(self.vocabulary.n_words, dtype=np.uint32)
        for token_id in self.vocabulary.eos_ids:
            self.eos_row[token_id >> 5] |= np.uint32(1 << (token_id & 31))
        self.eos_ids = frozenset(self.vocabulary.eos_ids)
        cursor = bound.begin(checks)
        self._state = model.start([model.encode(prompt)])
        self.sites = [Site((), cursor, self.vocabulary.n_tokens, max_tokens)]
        self._read_scores()

    @property
    def n_model_calls(self) -> int:
        """Rows computed so far."""
        return self._state.n_model_calls

    def grow(self, steps: Sequence[tuple[int, int]]) -> list[int]:
        """Extend by one token each: (site, token) per follower; returns each follower's new site."""
        order: dict[tuple[int, int], int] = {}
        followers = [order.setdefault(step, len(order)) for step in steps]
        if not order:
            self.sites = []
            return []
        self._state.select(np.array([site for site, _ in order], dtype=np.int64))
        self._state.extend([[token_id] for _, token_id in order])
        self.sites = [self._child(self.sites[site], token_id) for site, token_id in order]
        self._read_scores()
        return followers

    def fill(self, site: Site, pool: Pool, *, settle: bool) -> None:
        """Fill ``pool`` with the site's masses: model times soft factors, where the mask allows.

        Raises
        ------
        ModelError : a score is NaN or infinite; carries the text so far
        """
        mask = site.mask(self.eos_row, settle=settle)
        factors = site.cursor.log_factors()
        scores = site.log_probs if factors is None else site.log_probs + factors
        total = pool.fill(scores, mask)
        if np.isnan(total) or total == np.inf:
            raise ModelError(
                "the model's scores are not numbers",
                model=self._name,
                text=self.vocabulary.decode(site.token_ids),
                hint="a damaged checkpoint or an overflow in a low-precision dtype; try dtype='float32'",
            )

    def _child(self, parent: Site, token_id: int) -> Site:
        cursor = parent.cursor.fork()
        cursor.advance(token_id)
        return Site((*parent.token_ids, token_id), cursor, parent.n_tokens, parent.budget - 1)

    def _read_scores(self) -> None:
        scores = self._state.logprobs()
        for row, site in enumerate(self.sites):
            site.log_probs = scores[row][: site.n_tokens]
