"""Forced bytes in the model's own tokens.

Forced bytes can be fed to the model without sampling, but their split into tokens is a
choice. A model expects the split its tokenizer makes, and the tokenizer may join the end
of the forced bytes with what follows them. So tokens are kept only up to the last place
where that cannot happen.
"""

from __future__ import annotations

from collections.abc import Callable

from structgen.vocab.vocabulary import Vocabulary

__all__ = ["surely_forced"]


def surely_forced(
    vocabulary: Vocabulary,
    data: bytes,
    *,
    open_end: bool,
    encode: Callable[[bytes], list[int]] | None = None,
) -> list[int]:
    """The tokens of ``data`` that stay the same whatever follows it.

    With ``open_end``, a token is dropped, and all after it, if the rest of ``data`` from
    its first byte on is also the beginning of a longer token. With a tokenizer's own
    ``encode`` the same rule is applied to its tokens, and one more token is kept back,
    since merges may reach one token to the left.

    Parameters
    ----------
    data : forced bytes
    open_end : other bytes may follow; False where ``data`` completes the text
    encode : bytes to token ids; longest match if None, or where what it makes does not spell ``data``
    """
    own = encode(data) if encode is not None else []
    is_own = vocabulary.decode(own) == data
    spelled = own if is_own else vocabulary.encode_bytes(data)
    if not open_end:
        return spelled
    kept: list[int] = []
    position = 0
    for token_id in spelled:
        if has_longer_token(vocabulary, data[position:]):
            break
        kept.append(token_id)
        position += len(vocabulary.token_bytes(token_id))
    return kept[:-1] if is_own else kept


def has_longer_token(vocabulary: Vocabulary, prefix: bytes) -> bool:
    """Whether some token starts with ``prefix`` and goes on."""
    trie = vocabulary.trie
    node = 0
    for wanted in prefix:
        child, end = node + 1, int(trie.subtree_end[node])
        while child < end and trie.byte[child] < wanted:
            child = int(trie.subtree_end[child])
        if child >= end or trie.byte[child] != wanted:
            return False
        node = child
    return int(trie.subtree_end[node]) > node + 1
