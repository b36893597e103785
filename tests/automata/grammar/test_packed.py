"""Packed grammars come back as they were; damage is found."""

from __future__ import annotations

import numpy as np
import pytest

from structgen import grammars
from structgen.automata.grammar.choose import ChosenParser, choose_parser
from structgen.automata.grammar.packed import pack, unpack
from structgen.frontends.lark import read_lark

INDENTED = """
start: (_NEWLINE | stmt)*
stmt: "pass" _NEWLINE | "if" ":" _NEWLINE _INDENT stmt+ _DEDENT | LPAR /a+?(?=b)(?<!c)b{2,3}/i RPAR _NEWLINE
LPAR: "("
RPAR: ")"
_NEWLINE: /(\\r?\\n[\\t ]*)+/
%declare _INDENT _DEDENT
"""
TEXTS = {
    "sql": grammars.text("sql"),
    "c": grammars.text("c"),
    "indented": INDENTED,
    "ambiguous": 'start: start start | "a"',
}


def compiled(name: str) -> ChosenParser:
    return choose_parser(read_lark(TEXTS[name]), "auto", TEXTS[name])


@pytest.mark.parametrize("name", TEXTS)
def test_a_packed_grammar_comes_back(name: str) -> None:
    before = compiled(name)
    after = unpack(pack(before))
    assert (after.grammar, after.name, after.warnings) == (before.grammar, before.name, before.warnings)
    assert (after.tables is None) == (before.tables is None)
    if before.tables is not None and after.tables is not None:
        for column in ("action", "goto", "length", "left"):
            assert np.array_equal(getattr(after.tables, column), getattr(before.tables, column))
        assert after.tables.kernels == before.tables.kernels
        assert after.tables.productions == before.tables.productions


@pytest.mark.parametrize("place", [0, 30, 100, -1])
def test_a_changed_byte_is_found(place: int) -> None:
    data = bytearray(pack(compiled("indented")))
    data[place] ^= 1
    with pytest.raises(ValueError, match="damaged"):
        unpack(bytes(data))


def test_a_cut_file_is_found() -> None:
    with pytest.raises(ValueError, match="damaged"):
        unpack(pack(compiled("indented"))[:-4])
