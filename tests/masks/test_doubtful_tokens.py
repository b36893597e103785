"""Lists of tokens that judged strings and kept names must ask about."""

from __future__ import annotations

from itertools import pairwise

import pytest

from structgen.masks.doubtful_tokens import doubtful_tokens
from structgen.vocab.vocabulary import Vocabulary

TOKENS = [
    *(bytes([b]) for b in range(256)),
    b'"a"',
    b'["a","b"]',
    b'a":"a"',
    b'"a',
    b'""',
    b'"aa"',
    b'"',
    b'x"a"y"a"',
    b"</s>",
]


@pytest.mark.parametrize("text", [b'"a"', b'""', b'"b"', b'"aa"', b'"c"', b'"a"y"a"', b'":"'])
def test_tokens_with_a_string_are_found_at_one_look(text: bytes) -> None:
    vocabulary = Vocabulary.from_bytes(TOKENS, eos_ids=[len(TOKENS) - 1])
    found = set(doubtful_tokens(vocabulary).with_string(text))
    assert found == {token for token, data in enumerate(TOKENS) if data.count(b'"') > 1 and text in data}


def test_spelled_tokens_keep_their_bytes() -> None:
    vocabulary = Vocabulary.from_bytes(TOKENS, eos_ids=[len(TOKENS) - 1])
    for spelled in (*doubtful_tokens(vocabulary).strings, *doubtful_tokens(vocabulary).digits):
        data = spelled.data.tobytes()
        cuts = spelled.offsets.tolist()
        assert [data[a:b] for a, b in pairwise(cuts)] == [TOKENS[t] for t in spelled.ids.tolist()]
