"""Vocabularies from bytes: ids, specials, spelling, the trie."""

from __future__ import annotations

import random
from types import SimpleNamespace

import numpy as np
import pytest

from structgen.errors import VocabularyError
from structgen.vocab import Vocabulary
from tests.support import vocabularies


def test_special_ids_have_names_and_no_bytes() -> None:
    vocabulary = Vocabulary.from_bytes([b"a", b"<s>", b"</s>", b"<|eot|>"], eos_ids=[2, 3], special_ids=[1])
    assert vocabulary.eos_ids == (2, 3)
    assert vocabulary.special_ids == {1, 2, 3}
    assert [vocabulary.token_bytes(i) for i in range(4)] == [b"a", b"", b"", b""]
    assert vocabulary.special_text(3) == "<|eot|>"
    assert vocabulary.trie.token_ids.tolist() == [0]


def test_no_bytes_at_all_is_refused() -> None:
    with pytest.raises(VocabularyError):
        Vocabulary.from_bytes([b"", b"</s>"], eos_ids=[1])


@pytest.mark.parametrize("ids", [[5], [-1]])
def test_special_ids_out_of_range_are_refused(ids: list[int]) -> None:
    with pytest.raises(VocabularyError):
        Vocabulary.from_bytes([b"a"], eos_ids=ids)


@pytest.mark.parametrize("name", vocabularies.ALL)
def test_trie_holds_each_ordinary_token_at_its_path(name: str) -> None:
    vocabulary = vocabularies.ALL[name]()
    trie = vocabulary.trie
    path: list[int] = []
    spelled: dict[int, bytes] = {}
    for node in range(trie.n_nodes):
        if node:
            del path[trie.depth[node] - 1 :]
            path.append(int(trie.byte[node]))
        assert len(path) == trie.depth[node]
        for token_id in trie.token_ids[trie.token_start[node] : trie.token_start[node + 1]].tolist():
            assert token_id not in spelled
            spelled[token_id] = bytes(path)
    assert spelled == {i: t for i, t in enumerate(vocabulary.tokens) if t}


@pytest.mark.parametrize("name", vocabularies.ALL)
def test_trie_subtrees_end_where_depth_returns(name: str) -> None:
    trie = vocabularies.ALL[name]().trie
    for node in range(trie.n_nodes):
        deeper = trie.depth[node + 1 :] > trie.depth[node]
        end = trie.n_nodes if deeper.all() else node + 1 + int(np.argmin(deeper))
        assert trie.subtree_end[node] == end


@pytest.mark.parametrize("name", vocabularies.ALL)
def test_trie_children_are_sorted_and_distinct(name: str) -> None:
    trie = vocabularies.ALL[name]().trie
    for node in range(trie.n_nodes):
        child, edges = node + 1, []
        while child < trie.subtree_end[node]:
            edges.append(int(trie.byte[child]))
            child = int(trie.subtree_end[child])
        assert edges == sorted(set(edges))


def test_arrays_are_frozen() -> None:
    vocabulary = vocabularies.hostile()
    for array in (*vocabulary.trie, vocabulary.data, vocabulary.offsets):
        assert not array.flags.writeable and array.flags.c_contiguous


def test_encode_bytes_is_longest_match() -> None:
    vocabulary = vocabularies.hostile()
    assert vocabulary.decode(vocabulary.encode_bytes(b"2024-01")) == b"2024-01"
    assert [vocabulary.token_bytes(i) for i in vocabulary.encode_bytes(b"2024-01")] == [b"2024", b"-0", b"1"]


def test_encode_bytes_uses_the_lowest_of_duplicates() -> None:
    assert vocabularies.hostile().encode_bytes(b"a") == [2]


def test_encode_bytes_finds_a_way_where_longest_match_is_stuck() -> None:
    vocabulary = Vocabulary.from_bytes([b"ab", b"abc", b"cd", b"</s>"], eos_ids=[3])
    assert vocabulary.encode_bytes(b"abcd") == [0, 2]


def test_encode_bytes_names_missing_bytes() -> None:
    with pytest.raises(VocabularyError) as caught:
        vocabularies.letters().encode_bytes(b"aXbY")
    assert caught.value.missing == b"XY"


def test_encode_fewest_is_never_longer_and_spells_the_same() -> None:
    rng = random.Random(3)
    vocabulary = vocabularies.random_tokens()
    for _ in range(100):
        data = bytes(rng.choices(b'ab01-" ,', k=rng.randint(0, 25)))
        fewest, greedy = vocabulary.encode_fewest(data), vocabulary.encode_bytes(data)
        assert vocabulary.decode(fewest) == vocabulary.decode(greedy) == data
        assert len(fewest) <= len(greedy)


def test_missing_and_single_bytes() -> None:
    vocabulary = Vocabulary.from_bytes([b"a", b"bc", b"$"], eos_ids=[2])
    assert set(range(256)) - set(vocabulary.missing_bytes()) == set(b"abc")
    assert np.flatnonzero(vocabulary.single_bytes).tolist() == [ord("a")]
    assert vocabularies.all_bytes().missing_bytes() == b""


def test_content_hash_tells_apart_bytes_ends_and_names() -> None:
    made = [
        Vocabulary.from_bytes([b"a", b"b", b"$"], eos_ids=[2]),
        Vocabulary.from_bytes([b"ab", b"", b"$"], eos_ids=[2]),
        Vocabulary.from_bytes([b"a", b"b", b"$"], eos_ids=[1]),
        Vocabulary.from_bytes([b"a", b"b", b"#"], eos_ids=[2]),
        Vocabulary.from_bytes([b"a", b"b", b"$"], eos_ids=[2], special_ids=[0]),
    ]
    assert len({v.content_hash for v in made}) == len(made)
    again = Vocabulary.from_bytes([b"a", b"b", b"$"], eos_ids=[2])
    assert again == made[0] and hash(again) == hash(made[0])


def test_from_tiktoken_reads_bytes_specials_and_holes() -> None:
    ranks = {b"a": 0, b"\xff": 1, b"ab": 2}
    ids = {i: t for t, i in ranks.items()}

    def single(token_id: int) -> bytes:
        return ids[token_id]

    encoding = SimpleNamespace(
        n_vocab=6,
        special_tokens_set={"<|endoftext|>"},
        eot_token=5,
        encode_single_token=lambda text: {"<|endoftext|>": 5}[text],
        decode_single_token_bytes=single,
    )
    vocabulary = Vocabulary.from_tiktoken(encoding)
    assert vocabulary.tokens == [b"a", b"\xff", b"ab", b"", b"", b""]
    assert vocabulary.eos_ids == (5,) and vocabulary.special_text(5) == "<|endoftext|>"


def test_repr_has_sizes() -> None:
    assert repr(vocabularies.letters()) == "Vocabulary(8 tokens, 8 trie nodes, eos [7])"
