"""Masks where lexemes get in each other's way, against Lark: no token without a completion, none left out."""

from __future__ import annotations

import random
from functools import cache

import pytest
from lark import Lark
from lark.exceptions import LarkError

from structgen.automata.grammar.automaton import Threads
from structgen.errors import ConstraintError
from structgen.grammar_constraint import GrammarConstraint, lark
from structgen.masks.grammar_machine import GrammarMachine
from structgen.masks.mask import allowed_ids, empty_mask
from structgen.vocab.vocabulary import Vocabulary
from tests.support.lexical import PIECES, random_lexical_grammar, short_texts

EOS = len(PIECES)
VOCABULARY = Vocabulary.from_bytes([piece.encode() for piece in PIECES] + [b"</s>"], eos_ids=[EOS])
IDS = {piece: i for i, piece in enumerate(PIECES)}


class LarkFailsError(Exception):
    """Lark reports a bug of its own."""


class Pair:
    """A grammar bound here, and Lark's parser of it."""

    def __init__(self, constraint: GrammarConstraint, theirs: Lark, heavy: int) -> None:
        self.constraint = constraint
        self.theirs = theirs
        self.machine = GrammarMachine(constraint.chosen.automaton(), VOCABULARY, heavy=heavy)
        self.row = empty_mask(VOCABULARY.n_tokens)
        self.mask = cache(self._mask)

    def accepts(self, text: str) -> bool:
        try:
            self.theirs.parse(text)
        except LarkError:
            return False
        except RuntimeError as error:
            raise LarkFailsError from error
        return True

    def _mask(self, config: object) -> frozenset[int]:
        self.machine.fill_mask(config, self.row)
        return frozenset(allowed_ids(self.row, VOCABULARY.n_tokens).tolist())

    def check_complete(self, texts: list[str], rng: random.Random) -> None:
        """Each way to begin the rest of an accepted text is allowed."""
        for text in texts:
            config: Threads | None = self.machine.start()
            at = 0
            while at < len(text):
                fitting = [piece for piece in PIECES if text.startswith(piece, at)]
                assert {IDS[piece] for piece in fitting} <= self.mask(config), (text, at)
                piece = rng.choice(fitting)
                config, at = self.machine.advance(config, IDS[piece]), at + len(piece)
                assert config is not None
            assert EOS in self.mask(config), text

    def check_sound(self, rng: random.Random) -> None:
        """Each allowed token has a completion."""
        config: Threads | None = self.machine.start()
        text = ""
        for _ in range(4):
            allowed = self.mask(config)
            assert allowed
            assert (EOS in allowed) == self.accepts(text)
            for token in sorted(allowed - {EOS}):
                after = self.machine.advance(config, token)
                assert after is not None, (text, PIECES[token])
                rest = self.machine.shortest_completion(after).decode()
                assert self.accepts(text + PIECES[token] + rest), (text, PIECES[token], rest)
            if allowed == {EOS}:
                return
            token = rng.choice(sorted(allowed - {EOS}))
            config, text = self.machine.advance(config, token), text + PIECES[token]


def check(grammar: str, parser: str, rng: random.Random) -> bool | None:
    """False where Lark refuses the grammar or fails on it, None where it accepts no text."""
    try:
        return check_all(grammar, parser, rng)
    except LarkFailsError:
        return False


def check_all(grammar: str, parser: str, rng: random.Random) -> bool | None:
    """The same, but for the failures."""
    try:
        theirs = Lark(grammar, parser=parser)
        ours = lark(grammar, parser=parser, cache=False)  # type: ignore[arg-type]
    except (ConstraintError, LarkError, AssertionError):
        return False
    pair = Pair(ours, theirs, rng.choice([2, 10**9]))
    accepted = [text for text in short_texts(4) if pair.accepts(text)]
    assert accepted == [text for text in short_texts(4) if ours.accepts(text)]
    pair.check_complete(rng.sample(accepted, min(len(accepted), 40)), rng)
    if not pair.mask(pair.machine.start()):
        assert not accepted
        return None
    for _ in range(3):
        pair.check_sound(rng)
    return True


@pytest.mark.parametrize("parser", ["lalr", "earley"])
@pytest.mark.parametrize("seed", range(12))
def test_masks_have_no_dead_ends_under_random_terminals(seed: int, parser: str) -> None:
    rng = random.Random(seed)
    verdicts = [check(random_lexical_grammar(rng), parser, rng) for _ in range(6)]
    assert True in verdicts


@pytest.mark.slow
@pytest.mark.parametrize("parser", ["lalr", "earley"])
@pytest.mark.parametrize("seed", range(100, 250))
def test_masks_have_no_dead_ends_under_many_random_terminals(seed: int, parser: str) -> None:
    rng = random.Random(seed)
    for _ in range(10):
        check(random_lexical_grammar(rng), parser, rng)


GRAMMARS = {
    "a comment that nothing ends": 'start: "a" "b"\n%ignore / [^c]*/',
    "a comment that the text may end with": 'start: "a" "b"?\n%ignore / [^c]*/',
    "one terminal swallows the next": "start: A B | A\nA: /a+/\nB: /ab/",
    "the next has to follow at once": 'start: A B\nA: /a(?=b)/\nB: "b"\n%ignore " "',
    "a lookahead that nothing meets": 'start: A "c" | "b"\nA: /a(?=b)/',
    "a lookahead before all that begins": "start: A A?\nA: /(?!aa)[ab]+/",
    "hidden by priority": 'start: A "c" | B\nA.1: /ab/\nB: /a[bc]/',
    "a keyword under a lookahead": 'start: NAME "b" | "ab" "c"\nNAME: /[ab]+(?!a)/',
    "a keyword that is all its pattern matches": 'start: "ab" "a" start | T "a"\nT: /ab/',
    "a keyword that nothing can follow": 'start: "ab" N "c" | T "a"\nN: /a(?=b)/\nT: /[ac]*b/',
    "an ignored text that a pattern matches": 'start: T+\nT: /[^a]+/\n%ignore " "',
    "a string that an ignored pattern matches": 'start: "c" "a"\n%ignore /c+/',
    "shift preferred where the text cannot end": 'start: "ab" x? ("a" "b")+\nx: y y\ny: | start | start start',
    "shift preferred to reduce": 'start: x "a" | x\nx: "b" "a"?',
}


@pytest.mark.parametrize("parser", ["lalr", "earley"])
@pytest.mark.parametrize("name", GRAMMARS)
def test_masks_have_no_dead_ends(name: str, parser: str) -> None:
    assert check(GRAMMARS[name], parser, random.Random(1)) is not False


def test_grammars_of_programming_languages_are_known_to_have_none() -> None:
    """The plain walk is for others: it asks about every byte."""
    plain = 'start: (NAME "=" NUMBER ";")*\nNAME: /[a-z]+/\nNUMBER: /[0-9]+/\n%ignore /[ \\n]+/\n%ignore /#[^\\n]*/'
    assert not lark(plain).chosen.collides
    assert lark(plain.replace("[ \\n]", " ")).chosen.collides
