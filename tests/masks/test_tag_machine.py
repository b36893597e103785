"""Structural tags against trying every token byte by byte."""

from __future__ import annotations

import random

import pytest

from structgen.constraint import choice, regex
from structgen.grammar_constraint import Tag, structural_tags
from structgen.masks.mask import allowed_ids, empty_mask
from structgen.masks.tag_machine import TagMachine
from structgen.vocab.vocabulary import Vocabulary
from tests.support.tag_oracle import TagOracle

TOKENS = [bytes([b]) for b in b"<n>/x12 ab!"] + [
    b"<n",
    b"<n>",
    b"<n>1",
    b"<n>12</n>",
    b"1</",
    b"</n>x",
    b"n>2<",
    b"/n><n>1",
    b"<x>",
    b">a",
    b"a<",
]
EOS = len(TOKENS)
VOCABULARY = Vocabulary.from_bytes([*TOKENS, b"</s>"], eos_ids=[EOS])


def bound(at_least: int = 0, at_most: int | None = None) -> TagMachine:
    tags = [Tag("<n>", regex("[12]+"), "</n>"), ("<x>", choice(["a", "ab"]), "!")]
    found = structural_tags(tags, at_least=at_least, at_most=at_most).bind(VOCABULARY).machine
    assert isinstance(found, TagMachine)
    return found


@pytest.mark.parametrize(("at_least", "at_most"), [(0, None), (1, None), (1, 1), (0, 2)])
def test_masks_are_the_tokens_whose_bytes_can_be_read(at_least: int, at_most: int | None) -> None:
    machine, rng, row = bound(at_least, at_most), random.Random(1), empty_mask(VOCABULARY.n_tokens)
    for _ in range(40):
        config = machine.start()
        for _ in range(10):
            machine.fill_mask(config, row)
            allowed = set(allowed_ids(row, VOCABULARY.n_tokens).tolist())
            wanted = {i for i, token in enumerate(TOKENS) if machine.advance_bytes(config, token)}
            assert allowed - {EOS} == wanted
            assert (EOS in allowed) == machine.is_accepting(config)
            following = machine.advance(config, rng.choice(sorted(wanted)))
            assert following is not None
            config = following


PIECES = [*"ab<>x/", "<a", "a>", "<a>", "</", "</a>", "<b", "b>", "<b>", "ab", "><", "a</a>", "<a>a", "//", "/>",
          "</a><a>", "x<a>ab</a>x", "<<", "<a><b>", "aa"]  # fmt: skip
BEGINS = ["<a>", "<b>", "<", "<a", "a>", "ab", "<<a>", "aa", "<a><b>"]
ENDS = ["</a>", ">", "/", "a", "</", "ab", "aa"]
INSIDE = ["[ab]+", "a*", "(ab)*", "[ab<]*", "a|ab", "[^x]{0,3}", "(<a>)*b?"]


def compare_with_oracle(seed: int) -> None:
    """Triggers that overlap, tags that could go on or end, tokens across all of them."""
    rng = random.Random(seed)
    tags = [(begin, rng.choice(INSIDE), rng.choice(ENDS)) for begin in rng.sample(BEGINS, rng.randint(1, 3))]
    at_least = rng.choice([0, 0, 1, 2])
    at_most = rng.choice([None, None, max(at_least, 1), max(at_least, 1) + 1])
    oracle = TagOracle(tags, at_least, at_most)
    vocabulary = Vocabulary.from_bytes([*(piece.encode() for piece in PIECES), b"</s>"], eos_ids=[len(PIECES)])
    constraint = structural_tags([(b, regex(r), e) for b, r, e in tags], at_least=at_least, at_most=at_most)
    machine, row = constraint.bind(vocabulary).machine, empty_mask(vocabulary.n_tokens)
    for _ in range(4):
        text, config = "", machine.start()
        for _ in range(6):
            machine.fill_mask(config, row)
            allowed = set(allowed_ids(row, vocabulary.n_tokens).tolist())
            wanted = {i for i, piece in enumerate(PIECES) if oracle.is_viable(text + piece)}
            assert allowed == wanted | ({len(PIECES)} if oracle.accepts(text) else set()), (tags, text)
            assert oracle.accepts(text + machine.shortest_completion(config).decode()), (tags, text)
            if not wanted:
                break
            token = rng.choice(sorted(wanted))
            text, config = text + PIECES[token], machine.advance(config, token)


@pytest.mark.parametrize("seed", range(12))
def test_masks_and_completions_agree_with_an_oracle(seed: int) -> None:
    compare_with_oracle(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 400))
def test_many_masks_and_completions_agree_with_an_oracle(seed: int) -> None:
    compare_with_oracle(seed)


@pytest.mark.parametrize(
    ("text", "at_least", "at_most", "verdict"),
    [
        (b"ab", 0, None, True),
        (b"a<n>12</n>b", 0, None, True),
        (b"a<n>12", 0, None, False),
        (b"a<n>b", 0, None, None),
        (b"ab", 1, None, False),
        (b"<n>1</n>", 1, 1, True),
        (b"<n>1</n><n>", 1, 1, None),
        (b"<n>1</n><n", 1, 1, True),
        (b"<x>ab!", 0, None, True),
        (b"<x>a!<n>1</n>", 2, None, True),
        (b"<<n>1</n>", 1, None, True),
    ],
)
def test_verdicts(text: bytes, at_least: int, at_most: int | None, verdict: bool | None) -> None:
    """None: no such text can even begin."""
    machine = bound(at_least, at_most)
    config = machine.advance_bytes(machine.start(), text)
    assert (None if config is None else machine.is_accepting(config)) is verdict


@pytest.mark.parametrize("text", [b"", b"a", b"a<n>1", b"<n>1</", b"<n>"])
def test_completions_complete(text: bytes) -> None:
    machine = bound(at_least=1)
    config = machine.advance_bytes(machine.start(), text)
    assert config is not None
    after = machine.advance_bytes(config, machine.shortest_completion(config))
    assert after is not None and machine.is_accepting(after)


@pytest.mark.parametrize(
    ("tags", "options"),
    [
        ([], {}),
        ([("", regex("a"), "b")], {}),
        ([("a", regex("a"), "")], {}),
        ([("a", regex("a"), "b")] * 2, {}),
        ([("a", regex("a"), "b")], {"at_least": 2, "at_most": 1}),
    ],
)
def test_bad_tags_are_refused(tags: list[tuple[str, object, str]], options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"tag|begin|at_most"):
        structural_tags(tags, **options)  # type: ignore[arg-type]
