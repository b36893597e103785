"""A monitor as a potential: weight 1 where it allows the text, less (or nothing) where it does not.

With the default of ``-inf`` it is the monitor's indicator and goes wherever a hard factor
goes. With a finite ``log_penalty`` each token that a gate would forbid costs that much
instead of being impossible: samplers that weigh (SMC, AWRS) then prefer what the analysis
knows, and a wrong analysis cannot make the target empty. After a forbidden byte the
monitor is lenient until the token's end, then goes on.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from structgen.dtypes import WORD
from structgen.monitors.machine import FreeMachine, MonitoredConfig, MonitoredMachine
from structgen.monitors.protocol import Monitor
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["MonitorPotential"]

MOST_PREFIXES = 4096


class MonitorPotential:
    """``prefix``, ``complete`` and ``logw_next`` of monitors over one vocabulary (see ``Potential``).

    Parameters
    ----------
    monitors : what weighs
    vocabulary : the tokens
    log_penalty : nats added for each token that is held back; ``-inf`` forbids it
    min_group : see ``MonitoredMachine``; 1 makes the weights independent of how text splits

    Raises
    ------
    ValueError : ``log_penalty`` is positive or NaN
    """

    def __init__(
        self,
        monitors: Sequence[Monitor],
        vocabulary: Vocabulary,
        *,
        log_penalty: float = -math.inf,
        min_group: int = 1,
    ) -> None:
        if not log_penalty <= 0:
            raise ValueError(f"log_penalty is {log_penalty}; it must be at most 0")
        self.log_penalty = log_penalty
        self.vocabulary = vocabulary
        self._machine = MonitoredMachine(FreeMachine(vocabulary), monitors, min_group=min_group)
        self._places: OrderedDict[tuple[int, ...], tuple[float, MonitoredConfig]] = OrderedDict()

    def prefix(self, token_ids: Sequence[int]) -> float:
        """Log weight of the tokens so far."""
        return self._place(tuple(token_ids))[0]

    def complete(self, token_ids: Sequence[int]) -> float:
        """Log weight of the text if it ends here."""
        weight, config = self._place(tuple(token_ids))
        return weight if weight == -math.inf or self._machine.is_accepting(config) else weight + self.log_penalty

    def logw_next(self, token_ids: Sequence[int]) -> npt.NDArray[np.float64]:
        """(V,) float64: 0 where the token is allowed, ``log_penalty`` where it is not."""
        weight, config = self._place(tuple(token_ids))
        n_tokens = self.vocabulary.n_tokens
        if weight == -math.inf:
            return np.full(n_tokens, -math.inf)
        row = np.zeros(self.vocabulary.n_words, dtype=WORD)
        self._machine.fill_mask(config, row)
        allowed = np.unpackbits(row.view(np.uint8), bitorder="little")[:n_tokens].astype(np.bool_)
        return np.where(allowed, 0.0, self.log_penalty)

    def _place(self, token_ids: tuple[int, ...]) -> tuple[float, MonitoredConfig]:
        """Weight and configuration after a prefix, from the longest prefix that is known."""
        found = self._places.get(token_ids)
        if found is not None:
            return found
        if not token_ids:
            found = 0.0, self._machine.start()
        else:
            weight, config = self._place(token_ids[:-1])
            after: Any = None if weight == -math.inf else self._machine.advance(config, token_ids[-1])
            if after is not None:
                found = weight, after
            elif self.log_penalty == -math.inf or not self.vocabulary.token_bytes(token_ids[-1]):
                found = -math.inf, config
            else:
                found = weight + self.log_penalty, self._machine.skip(config, token_ids[-1])
        self._places[token_ids] = found
        while len(self._places) > MOST_PREFIXES:
            self._places.popitem(last=False)
        return found
