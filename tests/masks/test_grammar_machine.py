"""Grammar masks against an Earley recogniser, token by token and byte by byte."""

from __future__ import annotations

import random

import numpy as np
import pytest

from structgen.grammar_constraint import GrammarConstraint, lark
from structgen.masks.grammar_machine import GrammarMachine
from structgen.masks.mask import allowed_ids, empty_mask
from structgen.masks.matcher import Matcher
from structgen.vocab.vocabulary import Vocabulary
from tests.support.earley import Rules, lark_text
from tests.support.grammar_masks import (
    SHAPES,
    VOCABULARY,
    compare_with_bytes,
    compare_with_earley,
    random_rules,
)


def machine(rules: Rules, parser: str, *, heavy: int = 2) -> GrammarMachine:
    constraint = lark(lark_text(rules), parser=parser)  # type: ignore[arg-type]
    return GrammarMachine(constraint.chosen.automaton(), VOCABULARY, heavy=heavy)


def compare(rules: Rules, parser: str, rng: random.Random, *, n_walks: int = 6) -> None:
    compare_with_earley(rules, machine(rules, parser, heavy=rng.choice([2, 6, 10**9])), rng, n_walks=n_walks)


@pytest.mark.parametrize("name", SHAPES)
def test_masks_equal_earleys_for_every_kind_of_recursion(name: str) -> None:
    compare(SHAPES[name], "earley", random.Random(1))


@pytest.mark.parametrize("name", ["left-recursive", "right-recursive", "centre-recursive", "nullable tail"])
def test_lalr_masks_equal_earleys(name: str) -> None:
    compare(SHAPES[name], "lalr", random.Random(2))


@pytest.mark.parametrize("seed", [*range(40), 1012])  # 1012: more than 64 cells before a mask
def test_masks_equal_earleys_on_random_grammars(seed: int) -> None:
    rng = random.Random(seed)
    compare(random_rules(rng), "earley", rng, n_walks=4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1400))
def test_masks_equal_earleys_on_many_random_grammars(seed: int) -> None:
    rng = random.Random(seed)
    compare(random_rules(rng), "earley", rng)


LEXICAL = r"""
start: stmt+
stmt: "if" "(" e ")" stmt | NAME "=" e ";" | "{" stmt* "}"
e: e "+" t | t
t: NAME | NUMBER | "(" e ")" | ESCAPED_STRING
NAME: /[a-z]+/
NUMBER: /[0-9]+(\.[0-9]+)?(?![a-z])/
%import common.ESCAPED_STRING
%ignore /[ \n]+/
"""
LEXICAL_TOKENS = [bytes([b]) for b in b'if(a)x=1+2;{} \n".\\0'] + [
    b"if(",
    b"if (",
    b" (",
    b");",
    b"foo",
    b"=1",
    b"1.",
    b".5",
    b"ifx",
    b"i",
    b" if",
    b'a"',
    b'"a',
    b'";',
    b"};",
    b"}}",
    b'\\"',
    b" a=1;",
    b"x=1.5;if(a){",
    b"\xc3",
    b"\xa9",
    b"\xc3\xa9",
    b"+(",
    b'+("',
    b"f(",
]


@pytest.mark.parametrize("heavy", [3, 10**9])
def test_masks_are_the_tokens_whose_bytes_can_be_read(heavy: int) -> None:
    """Keywords within names, lookaheads, strings that hide quotes, tokens over several lexemes."""
    n = len(LEXICAL_TOKENS)
    vocabulary = Vocabulary.from_bytes([*LEXICAL_TOKENS, b"</s>"], eos_ids=[n])
    bound = GrammarMachine(lark(LEXICAL).chosen.automaton(), vocabulary, heavy=heavy)
    compare_with_bytes(bound, LEXICAL_TOKENS, random.Random(0), n_walks=20, length=12)


NESTED = r"""
start: value
value: "[" [value ("," value)*] "]" | "(" [value ("," value)*] ")" | NAME | "true" | "not" value
NAME: /[a-z]+/
%ignore " "
"""
NESTED_TOKENS = [bytes([b]) for b in b"[](), truenox"] + [
    *(b"[[", b"((", b"])", b")]", b"]]", b"))", b"),", b"],", b", [", b",(", b"true", b"not", b"not ", b"x]", b"x)"),
    *(b" ]", b" )", b"true)", b"true]", b"],[", b"),(", b"],(", b") ,", b"notx", b" x,", b"t]", b"rue", b"not(", b"no"),
]


def groups(bound: GrammarMachine) -> list[int]:
    """The parts of all start parts' groups; 0 where they are not built."""
    tables = bound._parts.tables
    starts = [int(at) for _, _, kind, at in tables.names if at and kind == 1]
    return [int(part) for at in starts for part in tables.pool[at + 3 : at + 3 + tables.pool[at]]]


@pytest.mark.parametrize("heavy", [3, 10**9])
@pytest.mark.parametrize("seed", range(4))
def test_parts_that_one_stack_has_no_use_for_are_built_for_the_next(heavy: int, seed: int) -> None:
    """Behind a value the parser's state knows of both brackets, and a stack takes one of them."""
    n = len(NESTED_TOKENS)
    vocabulary = Vocabulary.from_bytes([*NESTED_TOKENS, b"</s>"], eos_ids=[n])
    bound = GrammarMachine(lark(NESTED).chosen.automaton(), vocabulary, heavy=heavy)
    config = bound.start()
    for token in (b"[", b"x"):
        config = bound.advance(config, NESTED_TOKENS.index(token))
        bound.fill_mask(config, empty_mask(vocabulary.n_tokens))
    skipped = groups(bound).count(0)
    assert skipped or heavy > 3
    compare_with_bytes(bound, NESTED_TOKENS, random.Random(seed), n_walks=20, length=14)


FORKED = r"""
start: stmt+
stmt: IF NAME ";" | NAME "=" NUMBER ";" | PICK NAME ";" | NUMBER "." NAME ";"
IF: /if(?!\w)/
PICK.1: /pick(?= +[a-z])/
NAME: /(?a:[^\W\di]\w*|i([^\Wf]\w*|f\w+|(?!\w)))/
NUMBER: /(?!0[0-9])[0-9]+(\.[0-9]+)?(?!\w)/
%ignore / +/
"""
FORKED_TOKENS = [bytes([b]) for b in b"ifpckx019.;= "] + [
    b"if", b"if ", b" if", b"ifx", b"in", b"pick", b"pick ", b"pick x", b" pick", b"pi", b"ck", b"1.", b".5", b"1.5",
    b"1.x", b"00", b"10", b";if", b"; i", b"= 1", b"=1;", b"x=", b" x", b"i;", b"f;", b"if;", b"x;p", b"\xc3\xa9",
    b"i\xc3", b"\xa9",
]  # fmt: skip


@pytest.mark.parametrize("heavy", [2, 5, 10**9])
def test_masks_under_lookaheads_are_the_tokens_whose_bytes_can_be_read(heavy: int) -> None:
    """Lexemes that start with a condition, go on in several ways, or may end although a longer one is possible."""
    n = len(FORKED_TOKENS)
    vocabulary = Vocabulary.from_bytes([*FORKED_TOKENS, b"</s>"], eos_ids=[n])
    bound = GrammarMachine(lark(FORKED).chosen.automaton(), vocabulary, heavy=heavy)
    compare_with_bytes(bound, FORKED_TOKENS, random.Random(heavy), n_walks=40, length=14)


INDENTED = r"""
start: (_NEWLINE | stmt)*
stmt: "pass" _NEWLINE | "if" NAME ":" _NEWLINE _INDENT stmt+ _DEDENT | NAME "=" LPAR NAME RPAR _NEWLINE
LPAR: "("
RPAR: ")"
NAME: /[a-z]+/
_NEWLINE: (/\r?\n[\t ]*/ | /#[^\n]*/)+
%declare _INDENT _DEDENT
%ignore /[ \t]+/
"""
INDENTED_TOKENS = [
    b"if",
    b" ",
    b"x",
    b":",
    b"\n",
    b"  ",
    b"pass",
    b"\n  ",
    b"\n    ",
    b"    pass\n",
    b"=(",
    b"a)",
    b"# c",
    b"\n\n",
    b"if x:\n  pass\n",
    b"\nx=(a)",
]


@pytest.mark.parametrize("heavy", [2, 10**9])
def test_indented_masks_are_the_tokens_whose_bytes_can_be_read(heavy: int) -> None:
    n = len(INDENTED_TOKENS)
    vocabulary = Vocabulary.from_bytes([*INDENTED_TOKENS, b"</s>"], eos_ids=[n])
    bound = GrammarMachine(lark(INDENTED).chosen.automaton(), vocabulary, heavy=heavy)
    compare_with_bytes(bound, INDENTED_TOKENS, random.Random(3), n_walks=20, length=10)


def byte_machine(constraint: GrammarConstraint) -> GrammarMachine:
    vocabulary = Vocabulary.from_bytes([bytes([b]) for b in range(256)] + [b"</s>"], eos_ids=[256])
    found = constraint.bind(vocabulary).machine
    assert isinstance(found, GrammarMachine)
    return found


@pytest.mark.parametrize("text", ["", "if(", 'x="a', "x=1.", "{{", "x=(1+(", "i", "x=1"])
def test_a_shortest_completion_completes(text: str) -> None:
    constraint = lark(LEXICAL)
    bound = byte_machine(constraint)
    config = bound.advance_bytes(bound.start(), text.encode()) if text else bound.start()
    assert config is not None
    completion = bound.shortest_completion(config)
    assert constraint.accepts(text.encode() + completion)
    assert (completion == b"") == constraint.accepts(text)


def test_forced_bytes_stop_where_there_is_a_choice() -> None:
    bound = byte_machine(lark('start: "abc" ("d" | "e") "fgh"'))
    assert bound.forced_bytes(bound.start()) == b"abc"
    config = bound.advance_bytes(bound.start(), b"abcd")
    assert config is not None and bound.forced_bytes(config) == b"fgh"


def test_a_random_walk_under_a_budget_ends_in_a_sentence() -> None:
    constraint = lark(LEXICAL)
    bound = byte_machine(constraint)
    rng = random.Random(5)
    for budget in (8, 20, 40):
        for _ in range(5):
            matcher, row = Matcher(bound), empty_mask(257)
            for left in range(budget, 0, -1):
                matcher.fill_mask(row, left)
                token = rng.choice(allowed_ids(row, 257).tolist())
                if token == 256:
                    break
                matcher.advance(token)
            assert token == 256
            assert constraint.accepts(matcher.text)


def test_a_mask_serves_every_stack_that_agrees_where_it_looked() -> None:
    bound = byte_machine(lark('start: "(" start ")" | "x"'))
    row = empty_mask(257)
    for depth in (5, 50, 500):
        config = bound.advance_bytes(bound.start(), b"(" * depth)
        assert config is not None
        before = bound.n_cold
        bound.fill_mask(config, row)
        assert depth == 5 or bound.n_cold == before


def test_a_thousand_levels_of_nesting_can_be_closed() -> None:
    constraint = lark('start: "(" start ")" | "x"')
    bound = byte_machine(constraint)
    config = bound.advance_bytes(bound.start(), b"(" * 1000)
    assert config is not None
    assert bound.shortest_completion(config) == b"x" + b")" * 1000


def test_special_tokens_and_end_of_sequence_do_not_advance() -> None:
    bound = byte_machine(lark('start: "a"'))
    config = bound.advance_bytes(bound.start(), b"a")
    assert config is not None
    assert bound.advance(config, 256) is None
    row = np.zeros(9, dtype=np.uint32)
    bound.fill_mask(config, row)
    assert allowed_ids(row, 257).tolist() == [256]
