"""What ``generate`` makes of samplers that come back without a text."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest

import structgen as sg
from structgen.errors import IncompleteError
from structgen.models.table import Table
from structgen.samplers.samples import Samples


class Returning:
    """A sampler that returns the same whatever it is asked."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples

    def sample(self, model: Any, prompt: Any = None, **options: Any) -> Samples:
        return self.samples


def mood_by(samples: Samples) -> Any:
    model = Table.random(0)

    @sg.generate(model=model, sampler=Returning(samples))
    def mood(text: str) -> Literal["calm", "cross"]:
        """{text}"""

    return mood


def test_an_interrupted_run_without_a_text_is_an_interrupt() -> None:
    nothing = Samples((), (), np.zeros(0), np.zeros(0), (), extra={"cancelled": True})
    with pytest.raises(KeyboardInterrupt):
        mood_by(nothing)("x")


@pytest.mark.parametrize("reason", ["dead_end", "rejected", "length"])
def test_a_draw_of_weight_zero_is_no_answer(reason: str) -> None:
    """Out of budget under a predicate a draw ends like an unconstrained one, but weighs nothing."""
    dead = Samples(((1,),), ("calm",), np.zeros(1), np.array([-np.inf]), (reason,))
    with pytest.raises(IncompleteError) as caught:
        mood_by(dead)("x")
    assert caught.value.text == "calm"
