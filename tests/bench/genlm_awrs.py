"""Measures genlm-control's AWRS on a recording; runs in its own environment, without structgen.

pip install genlm-control==0.4.1        # elsewhere: its dependencies are many
python tests/bench/genlm_awrs.py FILE
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import torch
from genlm.control import Potential
from genlm.control.sampler.token import AWRS

sys.path.insert(0, str(Path(__file__).parent))
from awrs_recording import Recording, measure, show


class Scores(Potential):
    """The recorded scores of the prefix at hand."""

    def __init__(self, recording: Recording) -> None:
        ends = set(recording.eos_ids)
        self.ids = [t for t in range(len(recording.tokens)) if t not in ends]
        super().__init__(vocabulary=self.ids)
        order = [*self.ids, recording.eos_ids[0]]
        self.rows = torch.as_tensor(recording.logprobs[:, order])
        self.at = 0

    async def prefix(self, context):
        return 0.0

    async def complete(self, context):
        return 0.0

    async def logw_next(self, context):
        return self.make_lazy_weights(self.rows[self.at])


class Condition(Potential):
    """The recorded predicate."""

    def __init__(self, ids: list[int], eos: int) -> None:
        super().__init__(vocabulary=ids)
        self.eos_id = eos
        self.allows = None

    async def prefix(self, context):
        return 0.0 if not context or self.allows(context[-1]) else float("-inf")

    async def complete(self, context):
        return 0.0 if self.allows(self.eos_id) else float("-inf")


def main(path: str) -> None:
    torch.set_num_threads(1)
    recording = Recording(path)
    scores = Scores(recording)
    condition = Condition(scores.ids, recording.eos_ids[0])
    loop = asyncio.new_event_loop()
    for max_accepts in (2, 3):
        sampler = AWRS(scores, condition, seed=0, max_accepts=max_accepts, autobatch=False)

        def draw(prefix, allows, sampler=sampler):
            scores.at, condition.allows = prefix, allows
            return float(loop.run_until_complete(sampler.sample([]))[1])

        show(f"genlm-control AWRS(max_accepts={max_accepts})", measure(recording, draw, 60))


if __name__ == "__main__":
    main(sys.argv[1])
