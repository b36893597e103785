"""Masks inside argument lists allow only what can come, and lose no text."""

from __future__ import annotations

import random

import numpy as np
import pytest

from structgen.masks.mask import allowed_ids
from structgen.monitors.analysis import Analysis
from structgen.monitors.arguments import ArgumentRule
from structgen.monitors.call_rows import has_events
from structgen.monitors.engines.signatures import parse_signature
from structgen.monitors.machine import FreeMachine, MonitoredMachine
from structgen.monitors.members import MemberRule
from structgen.monitors.python_scanner import PythonScanner
from structgen.monitors.text import Rule, TextMonitor
from structgen.vocab.vocabulary import Vocabulary
from tests.monitors.fakes import FakeEngine

PIECES: tuple[str, ...] = (
    "f(",
    "()",
    "())",
    "),",
    ", b",
    "(a",
    "(a,",
    "b=",
    "b=1",
    "=1",
    "==",
    "key",
    "key=",
    " )",
    " x",
    "( x",
    "x.host",
)
PIECES += (
    "'",
    "')",
    "'a, (b)'",
    "# (a)",
    ".host",
    ".zz",
    "()\n",
    "f'{f(",
    "}'",
    "\n",
    "lambda a, b: ",
    " for a, b in x",
    "*",
)
LABELS = ["(a, b=1, *, key)", "()", "(a, /, b)", "(*args, **kw)"]


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("seed", range(5))
def test_masks_allow_only_what_can_come_and_lose_no_text(label: str, seed: int) -> None:
    tokens = [bytes([i]) for i in range(256)] + [piece.encode() for piece in PIECES]
    words = Vocabulary.from_bytes([*tokens, b"</s>"], eos_ids=[len(tokens)])
    signatures = parse_signature({"label": label, "parameters": []} if label == "()" else {"label": label})
    assert signatures is not None
    analysis = Analysis(FakeEngine(("host", "port"), signatures=signatures), "", "\nend = 1\n")
    rules: list[Rule] = [MemberRule(analysis), ArgumentRule(analysis)]
    machine = MonitoredMachine(FreeMachine(words), [TextMonitor("python", PythonScanner(), rules)])
    assert machine._calls is not None
    rng = random.Random(seed)
    config = machine.advance_bytes(machine.start(), b"y = f(")
    row = np.zeros(words.n_words, dtype=np.uint32)
    choices = [i for i, token in enumerate(tokens) if len(token) > 1 or token in b"abx(),='. \n*"]
    for _ in range(40):
        machine.fill_mask(config, row)
        allowed = set(allowed_ids(row, words.n_tokens).tolist()) - set(words.eos_ids)
        taken = {i for i in range(len(tokens)) if machine.advance(config, i) is not None}
        assert allowed <= taken, [tokens[i] for i in allowed - taken]
        assert taken - allowed <= set(range(256, len(tokens))), [tokens[i] for i in taken - allowed if i < 256]
        config = machine.advance(config, rng.choice(sorted(allowed & set(choices))))
        assert config is not None


def test_events() -> None:
    assert not any(map(has_events, (b"(", b"(a", b"()", b"()\n", b",b", b"=1", b")", b"):\n", b"name", b" =")))
    assert all(map(has_events, (b"())", b"x)", b"(a)", b"a, b", b", b", b"f(x", b"( x", b"a=1", b"a ==")))
    assert not has_events(b"a ==", in_call=False) and has_events(b"(a ==", in_call=False)
