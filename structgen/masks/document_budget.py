"""Token budgets of JSON: which tokens still leave room to finish.

Trying every allowed token is too dear inside text, where a hundred thousand are allowed. So
three regimes, from far to near. While the budget exceeds what any token could make necessary
(``document_slack``), every token fits, except rare ones with many brackets and quotes, which are left out.
Nearer, each token is tried; tokens that only prolong a string are kept or dropped
together. The first token of the shortest completion always stays, so a text always ends.

A token fits where some completion is known to fit after it. Most tokens of a mask have one of few completions in
common, so those found last are read first, which costs as much as reading a token; only where none can be
read, a shortest one is sought, a limited number of times per mask: tokens beyond are left out. Where the items
of an open array are compared, tokens that end a value with more text are left out near the limit, too: each would be
another value, and what may follow another question. Text and its end can still come as two tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from structgen.dtypes import IntArray, TokenMask
from structgen.kernels import document as K
from structgen.masks.document_landings import Groups, Landings
from structgen.masks.document_plans import Plan, Plans
from structgen.masks.document_slack import Slack
from structgen.masks.mask import allowed_ids, set_ids
from structgen.masks.token_kinds import OPENINGS, token_kinds
from structgen.vocab.vocabulary import Vocabulary

if TYPE_CHECKING:
    from structgen.masks.document_machine import DocumentMachine

__all__ = ["DocumentBudget"]

SPARE = 12
"""Tokens that finishing a split character or escape can take."""
MOST_TRIED = 1000
"""Tokens tried one by one for one mask, in the order of their ids: the first ones are the short ones."""
ALIKE = 2
"""Tokens that ends of texts may differ by where an item that is compared must come to differ, too."""
BROKEN = 3
"""Tokens that finish a character."""
MOST_NODES = 256
_LETTERS = [bytes([byte]) for byte in b"zqxjkvwyu0123456789ZQXJKVWYU"]
_TEXT = (K.M_FREE, K.M_LITERAL, K.M_CONTENT)


class DocumentBudget:
    """Masks within a budget, for one machine."""

    def __init__(self, machine: DocumentMachine) -> None:
        self._machine = machine
        self._vocabulary: Vocabulary = machine.vocabulary
        self._slack = Slack(machine.automaton, machine.vocabulary)
        self._plans = Plans(machine)
        self._landings = Landings(machine.automaton, machine.vocabulary)
        self._kinds = token_kinds(machine.vocabulary)

    def completion(self, config: Any) -> Plan:
        """Tokens of the shortest completion in bytes; remembered."""
        return self._plans.completion(config)

    def fill(self, config: Any, row: TokenMask, n_tokens: int) -> bool:
        """Fill ``row`` with tokens after which ``n_tokens`` more suffice; False where none does."""
        machine = self._machine
        machine.fill_mask(config, row)
        plan = self._plans.of(config, n_tokens + 1)
        if len(plan) - 1 > n_tokens:
            if machine.is_accepting(config):
                self._only_end(row)
                return True
            return False
        spare = n_tokens - len(plan) - SPARE - self._slack.of(config)
        step = self._slack.value() + 2
        if spare >= step * OPENINGS:
            if spare < step * self._kinds.most_openings:
                np.bitwise_and(row, self._kinds.ordinary, out=row)
            return True
        self._try_each(config, row, n_tokens, plan)
        return True

    def _only_end(self, row: TokenMask) -> None:
        row[:] = 0
        for token in self._vocabulary.eos_ids:
            row[token >> 5] |= np.uint32(1 << (token & 31))

    # -- near the limit ------------------------------------------------------------------------

    def _try_each(self, config: Any, row: TokenMask, n_tokens: int, plan: Plan) -> None:
        """Keep the tokens of ``row`` that leave room; text is kept or dropped as a whole."""
        machine = self._machine
        kept = np.zeros_like(row)
        if config[K.R_MODE] in _TEXT:
            self._keep_text(config, row, kept, n_tokens, n_tokens - len(plan))
        for token in plan[:1]:
            after = machine.advance(config, token)
            assert after is not None
            self._plans.count_on(after, plan[1:])
            kept[token >> 5] |= np.uint32(1 << (token & 31))
        for token in self._vocabulary.eos_ids:
            kept[token >> 5] |= row[token >> 5] & np.uint32(1 << (token & 31))
            row[token >> 5] &= ~np.uint32(1 << (token & 31))
        groups = self._landings.of(config, self._tried(config, row))
        for (_, token_ids), fits in zip(groups, self._which_fit(config, groups, n_tokens), strict=True):
            if fits:
                set_ids(kept, token_ids)
        row[:] = kept

    def _which_fit(self, config: Any, groups: Groups, n_tokens: int) -> list[bool]:
        """Whether there is room after each landing; what differs only in what is compared later is asked once."""
        if not _compares(config):
            return self._plans.which_fit([after for after, _ in groups], [n_tokens] * len(groups))
        first: dict[Any, Any] = {}
        for after, _ in groups:
            first.setdefault(_place(after), after)
        most = [n_tokens if place is after else n_tokens - ALIKE for place, after in first.items()]
        fits = dict(zip(first, self._plans.which_fit(list(first.values()), most), strict=True))
        return [fits[_place(after)] for after, _ in groups]

    def _keep_text(self, config: Any, row: TokenMask, kept: TokenMask, n_tokens: int, spare: int) -> None:
        """Move text that goes on from ``row`` to ``kept``, while a character more or less cannot matter.

        Where only some text may go on, or it hangs on the budget which, it is tried: of text that may be any but
        some constants, what spells none of them as a whole.
        """
        text = self._kinds.text
        if int(np.bitwise_count(row & text).sum()) <= MOST_TRIED:
            return
        if config[K.R_MODE] != K.M_FREE and spare < SPARE + self._slack.of(config):
            spelled = self._spelled(config) if config[K.R_MODE] == K.M_LITERAL else None
            if spelled is None:
                return
            text = text & ~spelled
            spare = SPARE if self._other_fits(config, n_tokens) else 0
        if spare >= SPARE:
            kept |= row & text
        row &= ~text

    def _spelled(self, config: Any) -> TokenMask | None:
        """Tokens that go on with one of the constants that can still be meant; None where they are very many."""
        from structgen.kernels.spelled import spell

        tables, trie = self._machine.automaton.tables, self._vocabulary.trie
        body = self._machine.strings.body
        row = np.zeros(self._vocabulary.n_words, np.uint32)
        low, high, behind = config[K.R_A], config[K.R_B], config[K.R_C]
        found = spell(
            body.roots, body.pairs, *trie[:5], tables.lit_start, tables.lit_bytes,
            low, high, -1, low, behind, row, np.empty(MOST_NODES, np.int64),
        )  # fmt: skip
        return None if found < 0 else row

    def _other_fits(self, config: Any, n_tokens: int) -> bool:
        """Whether a text that is none of the constants leaves room, wherever in a character it breaks off."""
        for letter in _LETTERS:
            after = self._machine.advance_bytes(config, letter)
            if after is not None and after[K.R_MODE] == K.M_FREE:
                return self._plans.which_fit([after], [n_tokens - BROKEN])[0]
        return False

    def _tried(self, config: Any, row: TokenMask) -> IntArray:
        """The tokens of ``row`` to try."""
        tried = allowed_ids(row, self._vocabulary.n_tokens)
        if config[K.R_MODE] in _TEXT and _compares(config):
            tokens = self._vocabulary.tokens
            ends = [b'"' in tokens[token][1:].replace(b'\\"', b"") for token in tried.tolist()]
            tried = tried[~np.array(ends, np.bool_)]
        return tried[:MOST_TRIED]


def _compares(config: Any) -> bool:
    """Whether an open array keeps the values of its items."""
    return any(type(keeper) is bytes for keeper in config[K.CONFIG_WIDTH :])


def _place(config: Any) -> Any:
    """``config``, the same for texts of an item that only differ in what is compared later."""
    if config[K.R_MODE] not in _TEXT:
        return config
    return tuple(b"" if type(part) is bytes else part for part in config)
