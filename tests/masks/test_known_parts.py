"""Parts of usual terminals that are known beforehand: the masks are those of a vocabulary of which nothing is."""

from __future__ import annotations

import random

import numpy as np
import pytest

from structgen.grammar_constraint import lark
from structgen.kernels import part_pool
from structgen.masks import known_parts as module
from structgen.masks.grammar_machine import GrammarMachine
from structgen.masks.known_parts import KnownParts, known_parts
from structgen.masks.learned_parts import learn
from structgen.masks.lexeme_runs import lexeme_runs
from structgen.masks.mask import empty_mask
from structgen.usual_terminals import prepare_terminals
from structgen.vocab.vocabulary import Vocabulary
from tests.support.grammar_masks import compare_with_bytes

TOKENS = [bytes([b]) for b in b"if(a)x=1+2;{}[] \n\".\\0,:-e'#/*u"] + [
    *(b"if(", b"if (", b" (", b");", b"foo", b"=1", b"1.", b".5", b"12", b"1e", b"e5", b"1.5e", b"-1", b'",', b'": "'),
    *(b'": ', b"}]", b'"]}', b'\\"', b'\\\\"', b"\\u00", b'\\u00e9"', b" a=1;", b"x=1.5;if(a){", b"\xc3", b"\xa9"),
    *(b"\xc3\xa9", b'\xc3\xa9"', b"//", b"// a\n", b"/*", b"*/", b"/* */x", b"  ", b" \n ", b'a"b', b"'a'", b"ifx"),
    *(b"# x", b"#\n", b"[1,", b"[[", b'{"a": 1', b'":1,"', b"00", b"a1", b"f", b"3.", b"e+1"),
]
GRAMMARS = {
    "JSON": r"""
start: value
value: "{" [pair ("," pair)*] "}" | "[" [value ("," value)*] "]" | STRING | NUMBER
pair: STRING ":" value
STRING: /"([^"\\\x00-\x1f]|\\(["\\\/bfnrt]|u[0-9a-fA-F]{4}))*"/
NUMBER: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/
%ignore /[ \t\n\r]+/
""",
    "lookbehind": r"""
start: (ESCAPED_STRING [":" SIGNED_NUMBER] ";")+
%import common (ESCAPED_STRING, SIGNED_NUMBER, WS)
%ignore WS
""",
    "lookbehinds": r"""
start: (ESCAPED_STRING | OTHER) (ESCAPED_STRING | ":" OTHER)* ";"
OTHER: /'.*?(?<!\\)(\\\\)*?'/
%import common.ESCAPED_STRING
""",
    "keywords": r"""
start: statement+
statement: "if" "(" value ")" statement | NAME "=" value ";" | "{" statement* "}"
value: NAME | INT | FLOAT | value "+" value | value "." NAME
NAME: /[A-Za-z_][A-Za-z0-9_]*/
FLOAT: /[0-9]+\.[0-9]+/
INT: /[0-9]+/
%import common (WS, CPP_COMMENT, C_COMMENT)
%ignore WS
%ignore CPP_COMMENT
%ignore C_COMMENT
""",
    "indentation": r"""
start: (_NEWLINE | statement)*
statement: NAME "=" NUMBER _NEWLINE | "if" NAME ":" _NEWLINE _INDENT statement+ _DEDENT
_NEWLINE: (/\r?\n[\t ]*/ | SH_COMMENT)+
%import common.CNAME -> NAME
%import common (NUMBER, SH_COMMENT, WS_INLINE)
%ignore WS_INLINE
%ignore SH_COMMENT
%declare _INDENT _DEDENT
""",
}


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    found = Vocabulary.from_bytes([*TOKENS, b"</s>"], eos_ids=[len(TOKENS)])
    prepare_terminals(found)
    return found


@pytest.mark.parametrize("heavy", [1, 4, 10**9])
@pytest.mark.parametrize("name", GRAMMARS)
def test_masks_are_the_tokens_whose_bytes_can_be_read(name: str, heavy: int, vocabulary: Vocabulary) -> None:
    """With parts taken in from what is known, however small they are."""
    bound = GrammarMachine(lark(GRAMMARS[name]).chosen.automaton(), vocabulary, heavy=heavy)
    compare_with_bytes(bound, TOKENS, random.Random(heavy), n_walks=12, length=14)
    taken = np.isin(bound._parts.tables.loops[:, 0], [part_pool.KNOWN, part_pool.BY_CALLER]).any()
    # of patterns that share a lookbehind, nothing is recognised
    assert heavy > len(TOKENS) or taken == (name != "lookbehinds")


def test_a_pattern_that_is_spelled_otherwise_is_scanned(vocabulary: Vocabulary) -> None:
    bound = GrammarMachine(lark("start: /x[0-9]*/").chosen.automaton(), vocabulary, heavy=1)
    compare_with_bytes(bound, TOKENS, random.Random(0), n_walks=3, length=5)
    looked = set(bound._parts.tables.loops[:, 0].tolist())
    assert part_pool.UNKNOWN_BEFORE in looked or part_pool.LOOKED_AT in looked
    assert not looked & {part_pool.KNOWN, part_pool.BY_CALLER}


def test_nothing_is_known_of_other_vocabularies_nor_added_by_texts(vocabulary: Vocabulary) -> None:
    n = len(known_parts(vocabulary))
    assert n > 100
    bound = GrammarMachine(lark("start: /[a-f]+x/").chosen.automaton(), vocabulary, heavy=1)
    bound.fill_mask(bound.start(), empty_mask(vocabulary.n_tokens))
    assert len(known_parts(vocabulary)) == n
    assert not known_parts(Vocabulary.from_bytes([b"a", b"b"]))


def test_sets_are_split_into_what_is_known_and_others(vocabulary: Vocabulary) -> None:
    """Numbers begin where tokens do, behind a blank, and here also behind a name that ended within a token."""
    text = "start: (NAME | INT | /[=;]/)+\nNAME: /[A-Za-z_][A-Za-z0-9_]*/\nINT: /[0-9]+/\n%ignore /[ \\t\\n\\r]+/\n"
    bound = GrammarMachine(lark(text).chosen.automaton(), vocabulary, heavy=1)
    compare_with_bytes(bound, TOKENS, random.Random(5), n_walks=12, length=10)
    runs, store = lexeme_runs(vocabulary), bound._parts
    names = store.tables.names
    met: dict[int, list[set[int]]] = {}
    for name, state, _, _ in names[(names[:, 3] != 0) & (names[:, 2] == 0) & (names[:, 0] > 0)].tolist():
        met.setdefault(state, []).append(set(store.nodes(name).tolist()))
    kinds = (set(runs.firsts.tolist()), set(runs.behind_blank.tolist()))
    assert any(all(any(nodes & kind for nodes in found) for kind in kinds) for found in met.values())
    assert not any(all(nodes & kind for kind in kinds) for found in met.values() for nodes in found)


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 400)
    found = Vocabulary.from_bytes([*TOKENS, b"another"])
    known = prepare_terminals(found)
    assert isinstance(known, KnownParts)
    assert 0 < known.n_bytes <= 400
    assert repr(known).startswith("KnownParts(")


def test_lookaheads_are_refused(vocabulary: Vocabulary) -> None:
    with pytest.raises(ValueError, match="depends on more"):
        learn(lark("start: /a(?!b)/ /c+/").chosen.automaton(), vocabulary)
