"""Where loops are left, beside reading every token from every node."""

from __future__ import annotations

import random

import numpy as np
import pytest

from structgen.kernels import loop_map
from structgen.masks.lexeme_runs import LexemeRuns
from structgen.masks.mask import allowed_ids
from structgen.masks.text_runs import utf8_table
from structgen.vocab.vocabulary import Vocabulary

CHARACTERS = [*"abcd;\"'\n", "é", "€", "😀"]


def vocabulary(rng: random.Random) -> Vocabulary:
    """Words, and what is left of some when their first or last byte is cut off."""
    words = {"".join(rng.choices(CHARACTERS, k=rng.randint(1, 4))).encode() for _ in range(150)}
    cut = {word[rng.randint(0, 1) : len(word) - rng.randint(0, 1)] for word in words if len(word) > 2}
    return Vocabulary.from_bytes([*sorted(words | cut), b"</s>"], eos_ids=[len(words | cut)])


def reads(data: bytes, letters: str, beyond: bool) -> bool:
    """Whether ``data`` is characters of the loop, the last one perhaps unfinished."""
    for end in range(len(data), max(len(data) - 4, -1), -1):
        try:
            text = data[:end].decode()
        except UnicodeDecodeError:
            continue
        rest = data[end:]
        whole = [
            rest + bytes(more) for more in ([0x80], [0x80, 0x80], [0x80, 0x80, 0x80], [0xBF], [0xBF] * 2, [0xBF] * 3)
        ]
        if rest and not any(_is_text(each) for each in whole):
            return False
        return all(c in letters if c.isascii() else beyond for c in text) and (beyond or not rest)
    return False


def _is_text(data: bytes) -> bool:
    try:
        return len(data.decode()) == 1
    except UnicodeDecodeError:
        return False


def below(runs: LexemeRuns, left: np.ndarray, node: int) -> list[int]:
    """Tokens further down than ``node`` that stay in the loop."""
    trie, at, place, found = runs.trie, 0, node + 1, []
    end = int(trie.subtree_end[node])
    while place < end:
        at = int(loop_map.next_exit(left, at, len(left), place))
        following = min(int(left[at]) >> 1, end) if at < len(left) else end
        found += trie.token_ids[trie.token_start[place] : trie.token_start[following]].tolist()
        place = int(trie.subtree_end[following]) if following < end else end
    return sorted(found)


@pytest.mark.parametrize("seed", range(12))
def test_tokens_between_exits_are_those_that_stay(seed: int) -> None:
    rng = random.Random(seed)
    known = vocabulary(rng)
    letters, beyond = "".join(rng.sample("abcd;\"'\n", 4)), rng.random() < 0.5
    loops = np.array([chr(byte) in letters for byte in range(128)], dtype=np.uint8)
    runs = LexemeRuns(known)
    run = runs.run((loops, beyond))
    left = runs.left[run.first : run.last]
    trie, paths = runs.trie, {0: b""}
    for node in range(len(trie.byte)):
        if node:
            paths[node] = paths[int(trie.parent[node])] + bytes([trie.byte[node]])
        if node and trie.byte[node] >= 128:
            continue  # loops are not entered within a character
        tokens = [t for t in range(known.n_tokens - 1) if known.token_bytes(t).startswith(paths[node])]
        rests = {t: known.token_bytes(t)[len(paths[node]) :] for t in tokens}
        wanted = [t for t, rest in rests.items() if rest and reads(rest, letters, beyond)]
        assert below(runs, left, node) == sorted(wanted), (paths[node], letters, beyond)
    assert allowed_ids(run.row, known.n_tokens).tolist() == below(runs, left, 0)
    stays = np.array(run.stays, dtype=np.uint32)
    assert allowed_ids(stays, known.n_tokens).tolist() == [
        t for t in below(runs, left, 0) if known.token_bytes(t)[-1] < 128
    ]


def test_the_map_is_of_the_usual_utf8() -> None:
    """Bytes that are no character leave a loop of all characters, and lead nowhere."""
    runs = LexemeRuns(Vocabulary.from_bytes([b"a\xff", b"\xc3a", b"\xc3\xa9", b"</s>"], eos_ids=[3]))
    run = runs.run((np.ones(128, dtype=np.uint8), True))
    assert utf8_table().shape == (8, 256)
    assert allowed_ids(run.row, 4).tolist() == [2]
    assert len(run.exits) == 0
    assert (runs.left[run.first : run.last] & 1).all()
