"""Monitors of parts of a text: marks split anywhere, several parts, masks that agree with steps."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest

from structgen.masks.mask import allowed_ids
from structgen.monitors.machine import FreeMachine, MonitoredConfig, MonitoredMachine
from structgen.monitors.sections import inside
from structgen.vocab.vocabulary import Vocabulary
from tests.monitors.fakes import FakeEngine, member_monitor

WORDS = ("```", "py\n", "``", "`", "x", " = ", "x.", ".host", ".zz", "host", "zz", "\n", "\n```", ".", "`py\nx")
TOKENS = [word.encode() for word in WORDS]


def product() -> MonitoredMachine:
    vocabulary = Vocabulary.from_bytes([*TOKENS, b"</s>"], eos_ids=[len(TOKENS)])
    monitor = inside(member_monitor(FakeEngine(("host", "port")), suffix=""), "```py\n", "```")
    return MonitoredMachine(FreeMachine(vocabulary), [monitor], min_group=1)


@pytest.mark.parametrize(
    ("text", "is_allowed"),
    [
        ("x.zz", True),
        ("```py\nx = x.host\n```", True),
        ("```py\nx = x.zz", False),
        ("```py\nx = x.host\n```x = x.zz", True),
        ("```py\nx\n``````py\nx = x.zz", False),
        ("``` py\nx = x.zz", True),
        ("```py\nx = x.```", False),
    ],
)
def test_marks_are_found_however_the_text_is_cut(text: str, is_allowed: bool) -> None:
    machine = product()
    for size in range(1, len(text) + 1):
        config: MonitoredConfig | None = machine.start()
        # A token that opens a part is not judged beyond the mark, so none does.
        parts = re.findall(rb"[\s\S]*?```py\n|[\s\S]+", text.encode())
        for piece in (part[i : i + size] for part in parts for i in range(0, len(part), size)):
            config = None if config is None else machine.advance_bytes(config, piece)
        assert (config is not None) is is_allowed, (size, text)


@pytest.mark.parametrize("seed", range(6))
def test_masks_allow_only_what_can_come(seed: int) -> None:
    rng = random.Random(seed)
    machine = product()
    config = machine.advance_bytes(machine.start(), b"```p")
    row = np.zeros(machine.vocabulary.n_words, dtype=np.uint32)
    for _ in range(25):
        machine.fill_mask(config, row)
        allowed = set(allowed_ids(row, len(TOKENS)).tolist()) - set(machine.vocabulary.eos_ids)
        taken = {i for i in range(len(TOKENS)) if machine.advance(config, i) is not None}
        assert allowed <= taken and allowed
        config = machine.advance(config, rng.choice(sorted(allowed)))


def test_a_part_without_an_end_goes_on() -> None:
    monitor = inside(member_monitor(FakeEngine(("host",)), suffix=""), "</think>")
    state = monitor.feed(monitor.start(), b"maybe x.zz or </think>y = x")
    assert monitor.advance(state, b".host") is not None and monitor.advance(state, b".zz") is None
    with pytest.raises(ValueError):
        inside(monitor, "")
