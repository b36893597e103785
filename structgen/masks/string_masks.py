"""Masks of a document machine inside a JSON string.

Three ways, by how the string is read. Free text: content and closing tokens from the vocabulary's tables. Constants:
along them (``constant_masks``). An automaton: runs and chains (``content_masks``). Escapes, and text
kept for ``uniqueItems``, are left to the machine's walk.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from structgen.automata.document.automaton import Config
from structgen.dtypes import TokenMask, n_words
from structgen.kernels import document as K
from structgen.masks.constant_masks import ConstantMasks
from structgen.masks.content_masks import ContentMask
from structgen.masks.string_body import string_body

if TYPE_CHECKING:
    from structgen.masks.document_machine import DocumentMachine
    from structgen.masks.shared_rows import SharedRows

__all__ = ["StringMasks"]

SUFFIX_BYTES = 4 << 20
MOST_CLOSED = 1 << 16
"""Ways to close a string remembered before the memory is emptied."""


class StringMasks:
    """What a ``DocumentMachine`` knows about the insides of strings."""

    def __init__(self, machine: DocumentMachine) -> None:
        self.machine = machine
        self.automaton = machine.automaton
        self.vocabulary = machine.vocabulary
        self.body = string_body(machine.vocabulary)
        self._constants = ConstantMasks(self)
        self._closed: dict[Hashable, tuple[npt.NDArray[np.uint32] | None, int]] = {}

    @cached_property
    def _suffixes(self) -> SharedRows:
        """What may follow the quote, by the configuration behind it."""
        return self.machine.shared_rows("suffixes", SUFFIX_BYTES)

    def fill(self, config: Config, row: TokenMask) -> int | None:
        """Fill ``row``, all zero before; how far tokens reach, or None where a walk must do it."""
        mode = config[K.R_MODE]
        if mode < K.M_FREE or config[K.R_ESC]:
            return None
        if len(config) != K.CONFIG_WIDTH and self.machine.items.ends_differ(config):
            return None
        if mode == K.M_FREE and config[K.R_A] == 0:
            return self._fill_free(config, row)
        if mode == K.M_LITERAL:
            if self.spec(config)[K.SPEC_KIND] == K.CLOSED_SET:
                return self._constants.fill_closed(config, row) if len(config) == K.CONFIG_WIDTH else None
            return self._constants.fill_open(config, row) if self._is_between_characters(config) else None
        if mode == K.M_CONTENT and len(config) == K.CONFIG_WIDTH:
            return self._fill_automaton(config, row)
        return None

    def spec(self, config: Config) -> npt.NDArray[np.int32]:
        """How the string is read that ``config`` stands in."""
        tables = self.automaton.tables
        if config[K.R_VALUE]:
            return tables.specs[tables.values[config[K.R_VALUE], K.T_STRING]]  # type: ignore[no-any-return]
        return tables.specs[tables.frames[config[K.R_FRAME], K.F_KEYS]]  # type: ignore[no-any-return]

    def _is_between_characters(self, config: Config) -> bool:
        """Whether the constant's bytes so far end between characters."""
        tables = self.automaton.tables
        at = tables.lit_start[config[K.R_A]] + config[K.R_C]
        return bool(at == tables.lit_start[config[K.R_A] + 1] or tables.lit_bytes[at] & 0xC0 != 0x80)

    # -- after the closing quote ---------------------------------------------------------------

    def allowed_suffixes(self, after: Config) -> tuple[npt.NDArray[np.uint32], int]:
        """Which suffixes may follow a closing quote that led to ``after``."""
        body = self.body
        known = self._suffixes.find(after)
        if known is not None:
            return known
        found = np.zeros(n_words(len(body.suffixes)), np.uint32)
        reach = self.machine.walk(body.trie, after, found, body.suffixes)
        if body.empty_suffix >= 0:
            found[body.empty_suffix >> 5] |= np.uint32(1 << (body.empty_suffix & 31))
        return self._suffixes.put(after, found, reach), reach

    # -- free text -----------------------------------------------------------------------------

    def _fill_free(self, config: Config, row: TokenMask) -> int:
        """Inside a string where any text may follow."""
        body = self.body
        spec = self.spec(config)
        if spec[K.SPEC_KIND] == K.BY_LENGTH:
            return self._fill_by_length(config, row, spec)
        if not spec[K.SPEC_COUNTS]:
            suffixes, reach = self.closed(config, int(spec[K.SPEC_LABEL]), 0, 0)
            row[:] = body.text(suffixes)
            return reach
        least, most = int(spec[K.SPEC_MIN]) - config[K.R_B], int(spec[K.SPEC_MAX]) - config[K.R_B]
        np.bitwise_or(row, body.content(most), out=row)
        if least > body.most_characters:
            return 0
        # What follows the quote does not depend on how many characters came before it.
        suffixes, reach = self.closed(config, int(spec[K.SPEC_LABEL]), 0, max(config[K.R_B], int(spec[K.SPEC_MIN])))
        if suffixes is not None:
            body.allow(suffixes, least, most, row)
        return reach

    def _fill_by_length(self, config: Config, row: TokenMask, spec: npt.NDArray[np.int32]) -> int:
        """The same where the verdict depends on the length: each interval of lengths closes on its own."""
        body = self.body
        behind, last = config[K.R_B], int(spec[K.SPEC_MAX])
        np.bitwise_or(row, body.content(last - behind), out=row)
        depth, low = 0, int(spec[K.SPEC_MIN])
        while low <= last:
            high = min(int(spec[K.SPEC_HIGH]), last)
            if spec[K.SPEC_LABEL] and behind <= high and low - behind <= body.most_characters:
                suffixes, reach = self.closed(config, int(spec[K.SPEC_LABEL]), 0, max(behind, low))
                depth = max(depth, reach)
                if suffixes is not None:
                    body.allow(suffixes, low - behind, high - behind, row)
            low, spec = high + 1, self.automaton.tables.specs[spec[K.SPEC_START]]
        return depth

    # -- automata --------------------------------------------------------------------------------

    def _fill_automaton(self, config: Config, row: TokenMask) -> int | None:
        """Inside a string that an automaton reads."""
        text = ContentMask(self, config)
        return text.reach if text.fill(row) else None

    def closings(self, config: Config) -> npt.NDArray[np.int64]:
        """Where tokens close a string that an automaton reads: notes of ``content_walk`` in the trie of such tokens."""
        plain = config[: K.CONFIG_WIDTH]
        return ContentMask(self, plain).quotes().notes

    def closed(self, config: Config, label: int, state: int, n: int) -> tuple[npt.NDArray[np.uint32] | None, int]:
        """The suffixes allowed after a quote at ``state``, which has ``label``, and how far they reach."""
        kept = config[K.CONFIG_WIDTH :]
        key = (config[K.R_VALUE] == 0, config[K.R_FRAME], config[K.R_COUNT], config[K.R_CELL], label, kept)
        found = self._closed.get(key)
        if found is None:
            regs = list(config)
            regs[K.R_A], regs[K.R_B] = state, n
            after = self.automaton.read(tuple(regs), b'"')
            if len(self._closed) >= MOST_CLOSED:
                self._closed.clear()
            found = self._closed[key] = (None, 0) if after is None else self.allowed_suffixes(after)
        return found
