"""Token budgets of JSON: which tokens still leave room to finish.

Trying every allowed token is too dear inside text, where a hundred thousand are allowed. So
three regimes, from far to near. A token opens at most a few values, and each of them
costs at most the longest of the shortest values met so far; while the budget exceeds
that, every token fits, except rare ones with many brackets and quotes, which are left out.
Nearer, each token is tried; tokens that only prolong a string are kept or dropped
together. The first token of the shortest completion always stays, so a text always ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from structgen.dtypes import TokenMask, n_words
from structgen.kernels import document as K
from structgen.masks.mask import allowed_ids
from structgen.vocab.vocabulary import Vocabulary

if TYPE_CHECKING:
    from structgen.masks.document_machine import DocumentMachine

__all__ = ["DocumentBudget"]

OPENINGS = 3
"""Values that an ordinary token can open."""
SPARE = 12
"""Tokens that finishing a split character or escape can take."""
MOST_TRIED = 3000
MOST_COSTS = 1 << 15


def openings_of(token: bytes) -> int:
    """Values that the bytes of a token can open at most."""
    return token.count(b"{") + token.count(b"[") + (token.count(b'"') + 1) // 2 + token.count(b",")


class DocumentBudget:
    """Masks within a budget, for one machine."""

    def __init__(self, machine: DocumentMachine) -> None:
        self._machine = machine
        self._vocabulary: Vocabulary = machine.vocabulary
        self._costs: dict[Any, tuple[int, ...]] = {}
        self._values: dict[int, int] = {}
        self._longest = 1
        self._ordinary: TokenMask | None = None
        self._text: TokenMask | None = None
        self._most_openings = 0

    def completion(self, config: Any) -> tuple[int, ...]:
        """Tokens of the shortest completion in bytes; remembered."""
        found = self._costs.get(config)
        if found is None:
            text = self._machine.shortest_completion(config)
            found = tuple(self._vocabulary.encode_bytes(text)) if text else ()
            if len(self._costs) >= MOST_COSTS:
                self._costs.clear()
            self._costs[config] = found
        return found

    def fill(self, config: Any, row: TokenMask, n_tokens: int) -> bool:
        """Fill ``row`` with tokens after which ``n_tokens`` more suffice; False where none does."""
        machine = self._machine
        machine.fill_mask(config, row)
        plan = self.completion(config)
        needed = len(plan)
        if needed - 1 > n_tokens:
            if machine.is_accepting(config):
                self._only_end(row)
                return True
            return False
        step = self._longest_value() + 2
        if n_tokens >= needed + step * OPENINGS + SPARE:
            ordinary = self._ordinary_tokens()
            if n_tokens < needed + step * self._most_openings + SPARE:
                np.bitwise_and(row, ordinary, out=row)
            return True
        self._try_each(config, row, n_tokens, plan)
        return True

    def _only_end(self, row: TokenMask) -> None:
        row[:] = 0
        for token in self._vocabulary.eos_ids:
            row[token >> 5] |= np.uint32(1 << (token & 31))

    def _longest_value(self) -> int:
        """Tokens of the longest of the shortest values of all contexts met so far."""
        contexts = self._machine.automaton.contexts.by_index
        if len(self._values) < len(contexts):
            root = self._machine.automaton.start[K.R_VALUE]
            for index, context in list(contexts.items()):  # asking for one text can add contexts
                if index not in self._values and index != root and context.accepts is None:
                    texts = self._machine.automaton.witness.outcomes(index).values()
                    longest = max((len(self._vocabulary.encode_bytes(text)) for text in texts), default=0)
                    self._longest = max(self._longest, longest)
                self._values[index] = 1
        return self._longest

    def _ordinary_tokens(self) -> TokenMask:
        """Tokens that open at most ``OPENINGS`` values, and end of sequence."""
        if self._ordinary is None:
            opens = np.array([openings_of(token) for token in self._vocabulary.tokens])
            self._most_openings = int(opens.max(initial=0))
            self._ordinary = _packed((opens <= OPENINGS).tolist())
        return self._ordinary

    def _try_each(self, config: Any, row: TokenMask, n_tokens: int, plan: tuple[int, ...]) -> None:
        """Keep the tokens of ``row`` that leave room; text is kept or dropped as a whole."""
        machine = self._machine
        eos = set(self._vocabulary.eos_ids)
        kept = np.zeros_like(row)
        if config[K.R_MODE] in (K.M_FREE, K.M_LITERAL, K.M_CONTENT):
            text = self._text_tokens()
            # Text that goes on is kept while a character more or less cannot matter. Where only some text may go
            # on, it can lead away from the short ends, to another name or constant, so it is tried.
            if int(np.bitwise_count(row & text).sum()) > MOST_TRIED // 2:
                if n_tokens >= len(plan) + SPARE:
                    kept |= row & text
                row &= ~text
        tried = allowed_ids(row, self._vocabulary.n_tokens).tolist()
        for token in tried[:MOST_TRIED]:
            if token in eos or self._fits(machine.advance(config, token), n_tokens):
                kept[token >> 5] |= np.uint32(1 << (token & 31))
        for token in plan[:1]:
            # The rest of a plan is a plan: what is found from there on may be longer, in tokens or at all.
            after = machine.advance(config, token)
            if after is not None and len(self.completion(after)) >= len(plan):
                self._costs[after] = plan[1:]
            kept[token >> 5] |= np.uint32(1 << (token & 31))
        row[:] = kept

    def _fits(self, after: Any, n_tokens: int) -> bool:
        return after is not None and len(self.completion(after)) <= n_tokens

    def _text_tokens(self) -> TokenMask:
        """Tokens that only prolong a string: no quote and no backslash in them."""
        if self._text is None:
            self._text = _packed([b'"' not in token and b"\\" not in token for token in self._vocabulary.tokens])
        return self._text


def _packed(flags: list[bool]) -> TokenMask:
    found = np.zeros(n_words(len(flags)) * 32, np.uint8)
    found[: len(flags)] = flags
    return np.packbits(found, bitorder="little").view(np.uint32)
