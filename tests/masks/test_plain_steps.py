"""What is told without the kernel is what the kernel says."""

from __future__ import annotations

import random

import numpy as np
import pytest

import structgen as sg
from structgen.kernels import document as K
from structgen.masks.document_machine import DocumentMachine
from structgen.masks.plain_steps import PlainSteps
from tests.masks.test_document_sharing import SCHEMAS, vocabulary

NAMES = {
    "type": "object",
    "properties": {name: {} for name in ("a", "ab", "aba", "abb", "b", "bé", "", "\\", "a\n", 'a"')},
}
MORE: dict[str, object] = {
    "names": NAMES,
    "names alone": NAMES | {"additionalProperties": False},
    "constants": {"items": {"enum": ["a", "abab", "1ca1"]}},
    "free": {"items": {"type": "string"}},
    "counted": {"items": {"type": "string", "maxLength": 4}},
}


@pytest.mark.parametrize("whitespace", ["any", "bounded", "pretty"])
@pytest.mark.parametrize("order", ["any", "declared"])
@pytest.mark.parametrize("name", [*SCHEMAS, *MORE])
def test_steps_are_those_of_the_automaton(name: str, order: str, whitespace: str) -> None:
    words = vocabulary(9)
    machine = sg.json_schema((SCHEMAS | MORE)[name], property_order=order, whitespace=whitespace).bind(words).machine
    assert isinstance(machine, DocumentMachine)
    steps = PlainSteps(machine.automaton, machine.sharing)
    draws = random.Random(name)
    row = np.zeros(words.n_words, np.uint32)
    seen, told = set(), set()
    for _ in range(60):
        config = machine.start()
        for _ in range(14):
            if config not in seen:
                seen.add(config)
                for data in (
                    *words.tokens[:-1],
                    b'":',
                    b'a":',
                    b'b":',
                    b'ab":',
                    'é":'.encode(),
                    b'\\":',
                    b'\n":',
                    b'"":',
                    b' "',
                    b'\n "',
                    b'"',
                    b'  "',
                    b'a b",',
                    b'ab",',
                ):
                    after = steps.after(config, data)
                    if after is not None:
                        told.add((config[K.R_MODE], after[K.R_MODE]))
                        assert after == machine.automaton.read(config, data), (config, data)
                        assert all(type(register) is int for register in after)
            machine.fill_mask(config, row)
            allowed = [token for token in range(words.n_tokens - 1) if row[token >> 5] >> (token & 31) & 1]
            if not allowed:
                break
            config = machine.advance(config, draws.choice(allowed)) or machine.start()
    if whitespace != "any":
        return  # the walks are short
    if name in ("names", "names alone", "constants", "closed", "nested"):
        assert (K.M_LITERAL, K.M_LITERAL) in told
    if name in ("names", "names alone", "closed", "nested", "recursive"):
        assert (K.M_LITERAL, K.M_VALUE) in told
    if name in ("free", "counted", "open", "array"):
        assert (K.M_FREE, K.M_FREE) in told
    if name in ("open", "required", "nested"):
        assert (K.M_FIRST_KEY, K.M_LITERAL) in told and (K.M_VALUE, K.M_FREE) in told
        assert (K.M_FREE, K.M_KEY) in told or order == "declared"
    if name == "lengths":
        assert {(K.M_VALUE, K.M_LITERAL), (K.M_VALUE, K.M_CONTENT)} <= told
