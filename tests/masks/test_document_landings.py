"""Landings of tokens against reading each token by itself."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import structgen as sg
from structgen.dtypes import freeze
from structgen.masks.document_landings import Landings
from structgen.masks.document_machine import DocumentMachine
from structgen.vocab import Vocabulary
from tests.masks.test_document_machine import CASES, pieces


def deep() -> Vocabulary:
    """Tokens that push more cells than a landing carries, beside single bytes."""
    tokens = [*(bytes([b]) for b in range(256)), b"[[[[[[", b"[[[[[[]", b"[[[[", b'{"a":{"a":{"a":[[[', b"[[[[]]"]
    return Vocabulary.from_bytes([*tokens, b"</s>"], eos_ids=[len(tokens)])


def check(schema: Any, documents: list[Any], vocabulary: Vocabulary) -> None:
    """Along the documents, every token lands where reading it leads."""
    matcher = sg.json_schema(schema, property_order="any").bind(vocabulary).start()
    machine = matcher.machine
    assert isinstance(machine, DocumentMachine)
    automaton = machine.automaton
    landings = Landings(automaton, vocabulary)
    ids = freeze([i for i, token in enumerate(vocabulary.tokens) if token], np.int32)
    for document in documents:
        fork = matcher.fork()
        for byte in json.dumps(document, ensure_ascii=False).encode():
            expected: dict[Any, list[int]] = {}
            found = landings.of(fork.config, ids)
            for token in ids.tolist():
                after = automaton.read(fork.config, vocabulary.tokens[token])
                if after is not None:
                    expected.setdefault(after, []).append(token)
            assert [(after, sorted(tokens.tolist())) for after, tokens in found] == list(expected.items())
            assert fork.advance_bytes(bytes([byte]))


@pytest.mark.parametrize("name, schema, documents", CASES, ids=[case[0] for case in CASES])
def test_tokens_land_where_reading_them_leads(name: str, schema: Any, documents: list[Any]) -> None:
    check(schema, documents[:2], pieces())


@pytest.mark.parametrize("schema", [True, {"items": {"items": {"minItems": 1}}}, {"uniqueItems": True}])
def test_tokens_that_open_many_containers_land_where_reading_them_leads(schema: Any) -> None:
    check(schema, [[[[[1]]], {"a": [[2]]}], {"a": {"a": {"a": [[[]]]}}}][: 1 if schema is not True else 2], deep())
