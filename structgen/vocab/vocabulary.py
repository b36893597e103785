"""Token id → bytes, special ids, end of sequence, and the trie over all of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from structgen.dtypes import ByteArray, freeze, n_words
from structgen.errors import VocabularyError
from structgen.kernels.tables import TrieTables
from structgen.vocab import trie as tries

if TYPE_CHECKING:
    from structgen.dtypes import IntArray

__all__ = ["Vocabulary"]


class Vocabulary:
    """What bytes each token id stands for; immutable and shared by everything bound to it.

    Ids run from 0 to ``n_tokens - 1``; an id that the tokenizer does not use has no bytes.
    Special ids, end of sequence among them, have no bytes either (``special_text`` keeps
    their names): no constraint ever spells them. Models may score more ids than that
    (padded logits): the surplus is never allowed.

    Build one with ``from_bytes``, ``from_tokenizer_json``, ``from_transformers`` or
    ``from_tiktoken``.

    Examples
    --------
    >>> vocabulary = Vocabulary.from_bytes([b"a", b"ab", b"</s>"], eos_ids=[2])
    >>> vocabulary
    Vocabulary(3 tokens, 3 trie nodes, eos [2])
    >>> vocabulary.decode([1, 0, 2])
    b'aba'
    >>> vocabulary.encode_bytes(b"aab")
    [0, 1]
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "content_hash",
        "data",
        "eos_ids",
        "max_token_bytes",
        "n_tokens",
        "n_words",
        "offsets",
        "special_ids",
        "special_texts",
        "tokens",
        "trie",
    )

    def __init__(
        self,
        data: ByteArray,
        offsets: npt.NDArray[np.int64],
        *,
        eos_ids: tuple[int, ...],
        special_texts: dict[int, str],
        trie: TrieTables,
        content_hash: str,
    ) -> None:
        self.data = data
        """(bytes,) uint8, all tokens end to end."""
        self.offsets = offsets
        """(V + 1,) int64 into ``data``."""
        ends: list[int] = offsets.tolist()
        joined = data.tobytes()
        self.tokens = [joined[start:end] for start, end in pairwise(ends)]
        """All tokens' bytes by id, for loops that cannot afford ``token_bytes``; not to be written to."""
        self.n_tokens = len(offsets) - 1
        self.max_token_bytes = trie.max_depth
        """Bytes of the longest token."""
        self.n_words = n_words(self.n_tokens)
        self.eos_ids = eos_ids
        self.special_texts = special_texts
        self.special_ids = frozenset(special_texts)
        self.trie = trie
        self.content_hash = content_hash

    # --- constructors

    @classmethod
    def from_bytes(
        cls, tokens: Sequence[bytes], *, eos_ids: Iterable[int] = (), special_ids: Iterable[int] = ()
    ) -> Vocabulary:
        """A vocabulary from a list of bytes, indexed by token id.

        The bytes given for special and end-of-sequence ids are kept as their names only.

        Raises
        ------
        VocabularyError : no ordinary token has bytes, or an id is out of range
        """
        eos = tuple(dict.fromkeys(int(i) for i in eos_ids))
        special = sorted({*eos, *(int(i) for i in special_ids)})
        for token_id in special:
            if not 0 <= token_id < len(tokens):
                raise VocabularyError(f"special id {token_id} is outside the vocabulary of {len(tokens)} tokens")
        names = {i: tokens[i].decode("utf-8", "replace") for i in special}
        ordinary = list(tokens)
        for token_id in special:
            ordinary[token_id] = b""
        return cls._assemble(ordinary, eos, names)

    @classmethod
    def from_tokenizer_json(
        cls, path: str | PathLike[str], *, eos_ids: Iterable[int] | None = None, cache: bool = True
    ) -> Vocabulary:
        """A vocabulary from a Hugging Face ``tokenizer.json``; see ``structgen.vocab.tokenizer_json``.

        Without ``eos_ids``, they come from ``generation_config.json`` or
        ``tokenizer_config.json`` beside the file, else from the usual names among the
        special tokens. ``cache`` keeps the result on disk by the file's hash.

        Raises
        ------
        VocabularyError : no bytes can be told from the pieces, or no end of sequence is known
        """
        from structgen.vocab import tokenizer_json

        return tokenizer_json.load_path(path, eos_ids=eos_ids, cache=cache)

    @classmethod
    def from_transformers(cls, tokenizer: Any, *, eos_ids: Iterable[int] | None = None) -> Vocabulary:
        """A vocabulary from a transformers tokenizer with a ``tokenizers`` backend.

        ``eos_ids`` adds to (and without it is) the tokenizer's own ``eos_token_id``.

        Raises
        ------
        VocabularyError : the tokenizer has no backend to read, or no usable bytes
        """
        from structgen.vocab import tokenizer_json

        return tokenizer_json.load_transformers(tokenizer, eos_ids=eos_ids)

    @classmethod
    def from_tiktoken(cls, encoding: Any, *, eos_ids: Iterable[int] | None = None) -> Vocabulary:
        """A vocabulary from a ``tiktoken.Encoding``; its ``eot_token`` ends the sequence by default."""
        special = {int(encoding.encode_single_token(text)): text for text in encoding.special_tokens_set}
        tokens = [b""] * int(encoding.n_vocab)
        for token_id in range(encoding.n_vocab):
            if token_id not in special:
                try:
                    tokens[token_id] = encoding.decode_single_token_bytes(token_id)
                except KeyError:  # a hole between the ordinary and the special ids
                    continue
        for token_id, text in special.items():
            tokens[token_id] = text.encode()
        ends = [encoding.eot_token] if eos_ids is None else eos_ids
        return cls.from_bytes(tokens, eos_ids=ends, special_ids=special)

    @classmethod
    def _assemble(cls, tokens: list[bytes], eos_ids: tuple[int, ...], special_texts: dict[int, str]) -> Vocabulary:
        """Join, hash, sort and build; ``tokens`` are empty at special ids."""
        keep = [i for i, token in enumerate(tokens) if token]
        if not keep:
            raise VocabularyError(
                "no token of this vocabulary stands for any bytes", hint="check that the tokenizer is a text tokenizer"
            )
        lengths = np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens))
        offsets = np.zeros(len(tokens) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        data = freeze(np.frombuffer(b"".join(tokens), dtype=np.uint8), np.uint8)
        trie = tries.build(data, offsets, tries.sorted_by_bytes(tokens, keep))
        return cls(
            data,
            freeze(offsets, np.int64),
            eos_ids=eos_ids,
            special_texts=special_texts,
            trie=trie,
            content_hash=content_hash(data, offsets, eos_ids, special_texts),
        )

    # --- tokens

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of a token; empty for special ids and unused ids."""
        if token_id < 0:
            raise IndexError(f"token id {token_id} is negative")
        return self.tokens[token_id]

    def special_text(self, token_id: int) -> str:
        """The name of a special token, such as ``<|eot_id|>``; KeyError for ordinary ones."""
        return self.special_texts[token_id]

    def decode(self, token_ids: Iterable[int]) -> bytes:
        """The bytes of a sequence; special ids add none."""
        return b"".join(map(self.token_bytes, token_ids))

    # --- bytes

    def encode_bytes(self, data: bytes) -> list[int]:
        """Spell ``data`` in tokens, longest first, left to right.

        That is how completions and forced text are spelled where no tokenizer is at hand.
        Where going for the longest leads nowhere (some bytes have no token of their own),
        the spelling with fewest tokens is used.

        Raises
        ------
        VocabularyError : no sequence of tokens spells ``data``; ``missing`` has the bytes to blame
        """
        from structgen.kernels.trie import longest_match

        trie = self.trie
        array = freeze(np.frombuffer(data, dtype=np.uint8), np.uint8)
        spelled: list[int] = []
        position = 0
        while position < len(data):
            node = int(longest_match(self.roots, trie.byte, trie.subtree_end, trie.token_start, array, position))
            if node == 0:
                return self.encode_fewest(data)
            spelled.append(int(trie.token_ids[trie.token_start[node]]))
            position += int(trie.depth[node])
        return spelled

    def encode_fewest(self, data: bytes) -> list[int]:
        """Spell ``data`` in the fewest tokens; raises as ``encode_bytes`` does."""
        from structgen.kernels.trie import fewest_tokens

        trie = self.trie
        array = freeze(np.frombuffer(data, dtype=np.uint8), np.uint8)
        length = np.zeros(len(data) + 1, dtype=np.int32)
        choice = np.zeros(len(data) + 1, dtype=np.int32)
        n = fewest_tokens(
            self.roots, trie.byte, trie.subtree_end, trie.token_start, trie.token_ids, array, length, choice
        )
        if n < 0:
            missing = bytes(sorted(set(data) & set(self.missing_bytes()))) or data
            raise VocabularyError(f"no sequence of tokens spells {data[:40]!r}", missing=missing)
        spelled: list[int] = []
        position = 0
        first, tokens = choice.tolist(), self.tokens
        while position < len(data):
            token_id = first[position]
            spelled.append(token_id)
            position += len(tokens[token_id])
        return spelled

    def missing_bytes(self) -> bytes:
        """The bytes, ascending, that occur in no token at all."""
        present = np.zeros(256, dtype=np.bool_)
        present[self.trie.byte[1:]] = True
        return np.flatnonzero(~present).astype(np.uint8).tobytes()

    @cached_property
    def roots(self) -> IntArray:
        """(256,) int32, the trie node of each byte alone; 0 where no token begins with it."""
        return tries.roots(self.trie)

    @cached_property
    def single_bytes(self) -> npt.NDArray[np.bool_]:
        """(256,) bool, the bytes that are tokens of their own.

        Where all bytes of a text are, it can be spelled whatever is around it.
        """
        trie = self.trie
        ones = np.flatnonzero((trie.depth == 1) & (trie.token_start[1:] > trie.token_start[:-1]))
        single = np.zeros(256, dtype=np.bool_)
        single[trie.byte[ones]] = True
        single.flags.writeable = False
        return single

    def __len__(self) -> int:
        return self.n_tokens

    def __repr__(self) -> str:
        return f"Vocabulary({self.n_tokens} tokens, {self.trie.n_nodes} trie nodes, eos {list(self.eos_ids)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and other.content_hash == self.content_hash

    def __hash__(self) -> int:
        return hash(self.content_hash)


def content_hash(
    data: ByteArray, offsets: npt.NDArray[np.int64], eos_ids: tuple[int, ...], special_texts: dict[int, str]
) -> str:
    """Hex digest of everything a vocabulary means; equal across processes and versions of NumPy."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps([list(eos_ids), sorted(special_texts.items())]).encode())
    digest.update(np.ascontiguousarray(offsets, dtype="<i8").tobytes())
    digest.update(data.tobytes())
    return digest.hexdigest()
