"""A toy model whose whole distribution can be written down, for tests and examples.

A ``Table`` asks a Python function for the next-token probabilities after each prefix. So
its distribution over texts can be enumerated exactly, which is what proves a sampler
right: expected weights are compared with sums over all texts, not with another sampler.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from structgen.errors import ModelError
from structgen.samplers.protocol import LogProbs, PromptLike, TokenMatcher
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["Table", "TableState"]

Prefix = tuple[int, ...]
Distribution = Sequence[float] | npt.NDArray[np.floating] | Mapping[Any, float]
NextProbs = Callable[[Prefix], Distribution]

MEMORY = 4096
"""Prefixes whose distribution is remembered."""


class Table:
    """A language model given by a function from prefixes to next-token probabilities.

    Examples
    --------
    >>> coin = Table.from_function(lambda prefix: {"H": 0.5, "T": 0.25, "": 0.25}, vocabulary=["H", "T"])
    >>> dict(coin.texts(max_tokens=1))
    {b'': 0.25, b'H': 0.125, b'T': 0.0625}
    """

    def __init__(self, next_probs: NextProbs, vocabulary: Vocabulary, *, name: str = "table") -> None:
        self._next_probs = next_probs
        self._vocabulary = vocabulary
        self._name = name
        self._memory: dict[Prefix, npt.NDArray[np.float64]] = {}
        self._ids_by_bytes = {vocabulary.token_bytes(i): i for i in reversed(range(vocabulary.n_tokens))}

    @classmethod
    def from_function(
        cls,
        fn_prefix_to_probs: NextProbs,
        *,
        vocabulary: Vocabulary | Sequence[str | bytes],
        name: str = "table",
    ) -> Self:
        """A model from a function of the ids so far (prompt included).

        Parameters
        ----------
        fn_prefix_to_probs : returns V non-negative numbers, or a mapping from token (id, str or
            bytes; ``""`` is end of sequence) to one; they are normalised
        vocabulary : a ``Vocabulary``, or the tokens' texts, after which one end-of-sequence id is appended
        name : keys whatever is saved about this model
        """
        if not isinstance(vocabulary, Vocabulary):
            tokens = [t.encode() if isinstance(t, str) else t for t in vocabulary]
            vocabulary = Vocabulary.from_bytes([*tokens, b"</s>"], eos_ids=[len(tokens)])
        return cls(fn_prefix_to_probs, vocabulary, name=name)

    @classmethod
    def random(
        cls,
        seed: int,
        *,
        vocabulary: Vocabulary | Sequence[str | bytes] | None = None,
        concentration: float = 1.0,
        order: int | None = None,
        p_end: float | None = None,
    ) -> Self:
        """A model with Dirichlet-distributed probabilities, a function of ``seed`` alone.

        Parameters
        ----------
        seed : decides every distribution; the same in every process
        vocabulary : default: every single byte
        concentration : of the Dirichlet; small is peaked, large is flat
        order : only the last so many ids matter; None: all of them
        p_end : probability of end of sequence at every prefix; None leaves it to the Dirichlet
        """
        if vocabulary is None:
            vocabulary = [bytes([byte]) for byte in range(256)]
        model = cls.from_function(_unset, vocabulary=vocabulary, name=f"table-random-{seed}-{concentration}-{order}")
        ends = list(model.vocabulary.eos_ids)

        def next_probs(prefix: Prefix) -> npt.NDArray[np.float64]:
            seen = prefix if order is None else prefix[len(prefix) - min(order, len(prefix)) :]
            digest = hashlib.blake2b(repr((seed, seen)).encode(), digest_size=16).digest()
            rng = np.random.default_rng(int.from_bytes(digest, "little"))
            # Gamma draws, floored: at small concentration they underflow to an impossible token.
            masses = np.maximum(rng.gamma(concentration, size=model.vocabulary.n_tokens), 1e-12)
            if p_end is not None:
                masses[ends] = 0.0
                masses *= (1.0 - p_end) / masses.sum()
                masses[ends] = p_end / len(ends)
            return masses

        model._next_probs = next_probs
        return model

    # --- LanguageModel

    @property
    def vocabulary(self) -> Vocabulary:
        return self._vocabulary

    @property
    def name(self) -> str:
        return self._name

    def encode(self, prompt: PromptLike) -> list[int]:
        """Ids of a prompt: text is spelled longest token first; messages are joined by newlines.

        Raises
        ------
        VocabularyError : the vocabulary cannot spell the text
        """
        if prompt is None:
            return []
        if isinstance(prompt, str):
            return self._vocabulary.encode_bytes(prompt.encode())
        if isinstance(prompt, bytes):
            return self._vocabulary.encode_bytes(prompt)
        items = list(prompt)
        if items and isinstance(items[0], Mapping):
            return self.encode("\n".join(str(message["content"]) for message in items))
        return [int(item) for item in items]

    def start(self, prompts: Sequence[Sequence[int]]) -> TableState:
        return TableState(self, [tuple(prompt) for prompt in prompts])

    # --- exact values

    def probs(self, prefix: Sequence[int]) -> npt.NDArray[np.float64]:
        """(V,) float64 next-token probabilities, summing to 1; read-only.

        Raises
        ------
        ModelError : the function gave a negative, infinite or NaN number, or nothing positive
        """
        key = tuple(prefix)
        known = self._memory.get(key)
        if known is None:
            known = self._checked(self._next_probs(key), key)
            if len(self._memory) >= MEMORY:
                self._memory.clear()
            self._memory[key] = known
        return known

    def _checked(self, given: Distribution, prefix: Prefix) -> npt.NDArray[np.float64]:
        n_tokens = self._vocabulary.n_tokens
        if isinstance(given, Mapping):
            masses = np.zeros(n_tokens)
            for token, mass in given.items():
                masses[self._token_id(token)] += mass
        else:
            masses = np.array(given, dtype=np.float64)
        total = masses.sum() if masses.shape == (n_tokens,) else math.nan
        if not (math.isfinite(total) and total > 0 and (masses >= 0).all()):
            raise ModelError(
                f"the table's function must give {n_tokens} probabilities",
                model=self._name,
                text=self._vocabulary.decode(prefix),
            )
        masses /= total
        masses.flags.writeable = False
        return masses

    def _token_id(self, token: Any) -> int:
        if isinstance(token, int | np.integer):
            return int(token)
        data = token.encode() if isinstance(token, str) else bytes(token)
        if not data:
            return self._vocabulary.eos_ids[0]
        found = self._ids_by_bytes.get(data)
        if found is None:
            raise ModelError(f"the table's function names {token!r}, which is not a token", model=self._name)
        return found

    def log_prob(self, token_ids: Sequence[int], *, prompt: Sequence[int] = ()) -> float:
        """``sum log p`` of the ids after the prompt, in float64; add an end-of-sequence id for a whole text."""
        prefix = tuple(prompt)
        total = 0.0
        for token_id in token_ids:
            p = float(self.probs(prefix)[token_id])
            total += math.log(p) if p > 0 else -math.inf
            prefix = (*prefix, int(token_id))
        return total

    def enumerate(
        self, max_tokens: int, *, prompt: Sequence[int] = (), matcher: TokenMatcher | None = None
    ) -> Iterator[tuple[Prefix, float]]:
        """Every id sequence that ends within ``max_tokens`` tokens, with its exact probability.

        Sequences are given without their end of sequence, whose probability (the sum over all
        end-of-sequence ids) is included. With a ``matcher`` only sequences it accepts are
        visited. Cost: the number of live prefixes, which grows as V ** max_tokens.
        """
        mask = np.zeros(self._vocabulary.n_words, dtype=np.uint32)
        yield from self._enumerate((), 1.0, max_tokens, tuple(prompt), matcher, mask)

    def _enumerate(
        self,
        ids: Prefix,
        p: float,
        budget: int,
        prompt: Prefix,
        matcher: TokenMatcher | None,
        mask: npt.NDArray[np.uint32],
    ) -> Iterator[tuple[Prefix, float]]:
        probs = self.probs(prompt + ids)
        ends = list(self._vocabulary.eos_ids)
        p_end = float(probs[ends].sum())
        if p_end > 0 and (matcher is None or matcher.is_accepting):
            yield ids, p * p_end
        if budget == 0:
            return
        live = probs > 0
        live[ends] = False
        if matcher is not None:
            matcher.fill_mask(mask)
            live &= np.unpackbits(mask.view(np.uint8), bitorder="little")[: len(live)].astype(bool)
        for token_id in np.flatnonzero(live).tolist():
            below = None
            if matcher is not None:
                below = matcher.fork()
                below.advance(token_id)
            yield from self._enumerate((*ids, token_id), p * float(probs[token_id]), budget - 1, prompt, below, mask)

    def texts(
        self, max_tokens: int, *, prompt: Sequence[int] = (), matcher: TokenMatcher | None = None
    ) -> dict[bytes, float]:
        """Exact probability of every text that ends within ``max_tokens``, summed over its spellings."""
        found: dict[bytes, float] = {}
        for ids, p in self.enumerate(max_tokens, prompt=prompt, matcher=matcher):
            text = self._vocabulary.decode(ids)
            found[text] = found.get(text, 0.0) + p
        return found


class TableState:
    """Rows of a ``Table``; nothing is cached but the prefixes."""

    def __init__(self, model: Table, prefixes: list[Prefix]) -> None:
        self._model = model
        self._prefixes = prefixes
        self._n_model_calls = len(set(prefixes))

    @property
    def n_rows(self) -> int:
        return len(self._prefixes)

    @property
    def n_model_calls(self) -> int:
        return self._n_model_calls

    def logprobs(self) -> LogProbs:
        rows = [self._model.probs(prefix) for prefix in self._prefixes]
        with np.errstate(divide="ignore"):
            stacked = np.log(np.array(rows).reshape(len(rows), self._model.vocabulary.n_tokens))
        return stacked.astype(np.float32)

    def extend(self, token_ids: Sequence[Sequence[int]]) -> None:
        self.extend_scored(token_ids)

    def extend_scored(self, token_ids: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
        if len(token_ids) != len(self._prefixes):
            raise ValueError(f"{len(token_ids)} rows of tokens for {len(self._prefixes)} rows")
        scores = np.zeros(len(token_ids))
        for row, ids in enumerate(token_ids):
            if len(ids) > 1:
                scores[row] = self._model.log_prob(ids[1:], prompt=(*self._prefixes[row], int(ids[0])))
            self._prefixes[row] = (*self._prefixes[row], *map(int, ids))
        self._n_model_calls += len(token_ids)
        return scores

    def select(self, rows: npt.NDArray[np.int64]) -> None:
        self._prefixes = [self._prefixes[int(row)] for row in rows]


def _unset(prefix: Prefix) -> Distribution:
    raise AssertionError(f"no function set for {prefix}")
