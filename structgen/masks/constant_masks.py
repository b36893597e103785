"""Masks inside a string that must, or may, be one of some constants: names of properties, values of an enum.

Half of the masks that must be computed stand inside a name, for every name is met once. Content is
decided along the constants alone; tokens that close the string are taken by what may follow the quote, which
constants that lead to the same value share. Only what a token could spell otherwise (escapes), and a token that
holds the end of a constant and the quote, is left to a walk.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from structgen.automata.document.automaton import Config
from structgen.dtypes import TokenMask
from structgen.kernels import document as K
from structgen.kernels.jit import direct
from structgen.kernels.spelled import spell

if TYPE_CHECKING:
    from structgen.masks.string_masks import StringMasks

__all__ = ["ConstantMasks"]

_MOST_NODES = 256


class ConstantMasks:
    """What a ``StringMasks`` does where constants are read."""

    def __init__(self, strings: StringMasks) -> None:
        self.strings = strings
        self.machine = strings.machine
        self.automaton = strings.automaton
        self.body = strings.body

    def fill_closed(self, config: Config, row: TokenMask) -> int | None:
        """Inside one of some constants and nothing else; None where a walk must do it."""
        tables = self.automaton.tables
        low, high, at = config[K.R_A], config[K.R_B], config[K.R_C]
        left, first = -1, 0
        if not config[K.R_VALUE]:
            frame = tables.frames[config[K.R_FRAME]].tolist()
            if frame[K.F_AVAILABLE] >= 0:
                return None
            left = frame[K.F_HIGH] & ~config[K.R_COUNT]
            first = int(tables.specs[frame[K.F_KEYS], K.SPEC_LOW])
        trie = self.machine.vocabulary.trie
        nodes = np.empty(_MOST_NODES, np.int64)
        n = direct(spell)(
            self.body.roots, self.body.pairs, *trie[:5], tables.lit_start, tables.lit_bytes,
            low, high, left, first, at, row, nodes,
        )  # fmt: skip
        if n < 0:
            row[:] = 0
            return None
        reach = 0
        if self._ends(low, at) and (left < 0 or left >> (low - first) & 1):
            reach = self._close(config, row)
        if n:
            found = sorted(set(nodes[:n].tolist()))
            reach = max(reach, self.machine.walk(trie, config, row, entries=found))
        return reach

    def fill_open(self, config: Config, row: TokenMask) -> int:
        """Inside a constant among which any other text may stand, too: as free text, then corrected."""
        reach, suffixes = 0, None
        after = self._after_text(config)
        if after is not None:
            suffixes, reach = self.strings.allowed_suffixes(after)
        row[:] = self.body.text(suffixes)
        if self._is_spelled_to_its_end(config):
            # Some token holds the rest of a constant and a quote: what free text allowed there is decided anew.
            return max(reach, self.machine.walk(self.machine.vocabulary.trie, config, row, stop_free=True))
        if self._ends(config[K.R_A], config[K.R_C]):
            np.bitwise_and(row, self.body.not_closing_at_once, out=row)
            reach = max(reach, self._close(config, row))
        return reach

    def _ends(self, index: int, at: int) -> bool:
        start = self.automaton.tables.lit_start
        return bool(start[index + 1] - start[index] == at)

    def _close(self, config: Config, row: TokenMask) -> int:
        """Allow the tokens that begin with the quote that ends constant ``config[R_A]``."""
        after = self._after_name(config, config[K.R_A])
        if after is None:
            return 0
        suffixes, reach = self.strings.allowed_suffixes(after)
        self.body.allow_at_once(suffixes, row)
        return reach

    def _after_text(self, config: Config) -> Config | None:
        """Where a quote leads from text that is none of the constants."""
        if not config[K.R_VALUE]:
            return self._after_name(config, -1)
        free = list(config)
        free[K.R_MODE], free[K.R_A], free[K.R_B], free[K.R_C] = K.M_FREE, 0, 0, 0
        return self.automaton.read(tuple(free), b'"')

    def _after_name(self, config: Config, index: int) -> Config | None:
        """Where the quote leads that ends constant ``index``, -1 for a name that is none of the constants.

        In plain objects the tables tell without the kernel, which takes longer to be called than to run.
        """
        tables = self.automaton.tables
        frame = config[K.R_FRAME]
        columns = tables.frames[frame].tolist()
        if config[K.R_VALUE] or columns[K.F_KIND] != K.PLAIN_OBJECT or len(config) > K.CONFIG_WIDTH:
            if index < 0:
                config = (K.M_FREE, 0, 0, 0, *config[4:])
            return self.automaton.read(config, b'"')
        number = columns[K.F_NEXT] if index < 0 else index - int(tables.specs[columns[K.F_KEYS], K.SPEC_LOW])
        if not (columns[K.F_HIGH] & ~config[K.R_COUNT]) >> number & 1:
            return None
        child = columns[K.F_CHILDREN] + number
        if tables.children[child] < 0:
            self.automaton.fill(K.NEED_CHILD, frame, number)
        value = int(tables.children[child])
        if not value:
            return None
        count = config[K.R_COUNT] | (1 << number if index >= 0 else 0)
        if columns[K.F_MAY_GO_ON]:
            frame = int(tables.children[columns[K.F_MAY_GO_ON] + number])
        return (K.M_COLON, 0, 0, 0, 0, value, frame, count, config[K.R_CELL])

    def _is_spelled_to_its_end(self, config: Config) -> bool:
        """Whether some token holds the rest of a constant, at least a byte, and the quote after it."""
        tables = self.automaton.tables
        starts = tables.lit_start[config[K.R_A] : config[K.R_B] + 1].tolist()
        rests = (tables.lit_bytes[start + config[K.R_C] : end].tobytes() for start, end in pairwise(starts))
        return any(rest and self.body.is_spelled(rest) for rest in rests)
