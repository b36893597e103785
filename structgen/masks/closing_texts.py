"""The few texts that stand before the closing quote in tokens, computed once per vocabulary.

Of 1,300 tokens that close a string most have nothing before the quote, the others hold one of two hundred texts. Where
an automaton reads every text (names among ``patternProperties`` mostly), masks are free text but for what ends with
these, and that is told by running the automaton over them: 500 steps instead of a walk for each way to go on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from structgen.dtypes import TokenMask
from structgen.kernels import closing_texts as kernel
from structgen.kernels.jit import direct
from structgen.kernels.tables import TrieTables
from structgen.vocab import trie as tries

__all__ = ["ClosingTexts", "Endings"]


class Endings(NamedTuple):
    """Texts sorted by what an automaton says where they end."""

    kind_of_text: npt.NDArray[np.int64]
    labels: list[int]
    """By kind; 0 where the string cannot end."""
    states: list[int]
    """A state with each label."""
    common: int
    """The kind of most texts."""


class ClosingTexts:
    """Texts before closing quotes, decoded, the empty one first; each with its tokens."""

    def __init__(self, text_of: dict[int, bytes], suffix_of: npt.NDArray[np.int32]) -> None:
        """``text_of`` each token that closes a string; ``suffix_of`` (V,) is what follows the quote, by number."""
        by_text: dict[bytes, list[int]] = {b"": []}
        for token, text in text_of.items():
            by_text.setdefault(text, []).append(token)
        self.texts = [b"", *sorted(by_text.keys() - {b""})]
        groups = [by_text[text] for text in self.texts]
        self._start = np.concatenate([[0], np.cumsum([len(group) for group in groups])]).astype(np.int32)
        self._tokens = np.array([token for group in groups for token in group], np.int32)
        self._suffix_of = suffix_of
        ends = np.concatenate([[0], np.cumsum([len(text) for text in self.texts])]).astype(np.int64)
        joined = np.frombuffer(b"".join(self.texts), np.uint8)
        trie: TrieTables = tries.build(joined, ends, np.arange(1, len(self.texts), dtype=np.int32))
        self._trie = trie.byte, trie.depth, trie.token_start, trie.token_ids, trie.max_depth

    def read(
        self,
        trans: npt.NDArray[np.int32],
        content: npt.NDArray[np.int32],
        class_maps: npt.NDArray[np.uint8],
        state: int,
    ) -> Endings | None:
        """How the texts end from a state of an automaton; None where it stands within a character."""
        kind_of_text, labels, ends = np.empty((3, len(self.texts)), np.int64)
        read = direct(kernel.read_texts)
        n, common = read(*self._trie, trans, content, class_maps, state, kind_of_text, labels, ends)
        return Endings(kind_of_text, labels[:n].tolist(), ends[:n].tolist(), common) if n else None

    def close(self, endings: Endings, suffixes: npt.NDArray[np.uint32], row: TokenMask) -> None:
        """Decide the tokens of all texts but the common ones in ``row``, by the suffixes after each kind, as bits."""
        direct(kernel.close_texts)(
            endings.kind_of_text, endings.common, suffixes, self._start, self._tokens, self._suffix_of, row
        )
