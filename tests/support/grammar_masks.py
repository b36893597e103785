"""Masks of grammars along random walks, compared with what slow judges allow."""

from __future__ import annotations

import itertools
import random

from structgen.masks.grammar_machine import GrammarMachine
from structgen.masks.mask import allowed_ids, empty_mask
from structgen.vocab.vocabulary import Vocabulary
from tests.support.earley import Earley, Rules, productive

PIECES = ["".join(p) for n in (1, 2, 3) for p in itertools.product("ab", repeat=n)] + ["c", "ac", "ca", "cc", "abca"]
VOCABULARY = Vocabulary.from_bytes([piece.encode() for piece in PIECES] + [b"</s>"], eos_ids=[len(PIECES)])
EOS = len(PIECES)

SHAPES: dict[str, Rules] = {
    "left-recursive": {"start": [("start", "a"), ("b",)]},
    "right-recursive": {"start": [("a", "start"), ("b",)]},
    "centre-recursive": {"start": [("a", "start", "b"), ("c",)]},
    "even palindromes": {"start": [("a", "start", "a"), ("b", "start", "b"), ()]},
    "odd palindromes": {"start": [("a", "start", "a"), ("b", "start", "b"), ("a",), ("b",)]},
    "ambiguous": {"start": [("start", "start"), ("a",), ("b",)]},
    "nullable and ambiguous": {"start": [("start", "start"), ("a",), ()]},
    "unit cycle": {"start": [("x",), ("a",)], "x": [("start",), ("b", "x")]},
    "cyclic by nullable": {"start": [("x", "start", "y"), ("a",)], "x": [(), ("b",)], "y": [(), ("c",)]},
    "hidden left recursion": {"start": [("x", "start", "a"), ("c",)], "x": [(), ("b",)]},
    "nullable tail": {"start": [("a", "x", "y")], "x": [(), ("b", "x")], "y": [(), ("c", "x")]},
    "not LR(k)": {"start": [("x", "a"), ("y", "b")], "x": [("c", "x"), ("c",)], "y": [("c", "y"), ("c",)]},
}


def random_rules(rng: random.Random) -> Rules:
    while True:
        names = ["start", "x", "y"][: rng.randint(1, 3)]
        rules = {
            name: list(
                {
                    tuple(rng.choice(["a", "b", "c", *names]) for _ in range(rng.choice([0, 1, 1, 2, 2, 3])))
                    for _ in range(rng.randint(1, 3))
                }
            )
            for name in names
        }
        if productive(rules):
            return rules


def expected(oracle: Earley, text: str) -> set[int]:
    """The tokens of ``VOCABULARY`` that may come behind ``text``."""
    ids = {i for i, piece in enumerate(PIECES) if oracle.is_viable(text + piece)}
    return ids | ({EOS} if oracle.accepts(text) else set())


def compare_with_earley(
    rules: Rules, bound: GrammarMachine, rng: random.Random, *, n_walks: int, length: int = 4
) -> None:
    """Random walks of ``bound``, a machine over ``VOCABULARY``, each mask beside an Earley recogniser's."""
    oracle, row = Earley(rules, "start"), empty_mask(VOCABULARY.n_tokens)
    for _ in range(n_walks):
        text, config = "", bound.start()
        for _ in range(length):
            bound.fill_mask(config, row)
            allowed = set(allowed_ids(row, VOCABULARY.n_tokens).tolist())
            assert allowed == expected(oracle, text), (rules, text)
            assert bound.is_accepting(config) == oracle.accepts(text)
            choices = sorted(allowed - {EOS})
            if not choices:
                break
            token = rng.choice(choices)
            following = bound.advance(config, token)
            assert following is not None
            text, config = text + PIECES[token], following


def compare_with_bytes(
    bound: GrammarMachine, tokens: list[bytes], rng: random.Random, *, n_walks: int, length: int
) -> None:
    """Random walks of ``bound``, whose vocabulary is ``tokens`` and an end, each mask beside reading every token."""
    n, row = len(tokens), empty_mask(len(tokens) + 1)
    for _ in range(n_walks):
        config = bound.start()
        for _ in range(length):
            bound.fill_mask(config, row)
            allowed = set(allowed_ids(row, n + 1).tolist()) - {n}
            wanted = {i for i, token in enumerate(tokens) if bound.automaton.advance(config, token)}
            assert allowed == wanted, config
            if not wanted:
                break
            following = bound.advance(config, rng.choice(sorted(wanted)))
            assert following is not None
            config = following
