"""Reading ``tokenizer.json``, from a file or from a transformers tokenizer's backend."""

from __future__ import annotations

import json
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

from structgen.errors import VocabularyError
from structgen.vocab import store
from structgen.vocab.pieces import added_decoder, piece_decoder
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["load_path", "load_transformers", "parse"]

USUAL_ENDS = (
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|endoftext|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<end_of_turn>",
    "<eos>",
    "</s>",
    "<|eos|>",
    "<|END_OF_TURN_TOKEN|>",
    "<｜end▁of▁sentence｜>",
)
"""Special tokens that end the sequence in every model that has one by that name."""


def load_path(path: str | PathLike[str], *, eos_ids: Iterable[int] | None, cache: bool) -> Vocabulary:
    """See ``Vocabulary.from_tokenizer_json``."""
    path = Path(path)
    try:
        source = path.read_bytes()
    except OSError as error:
        raise VocabularyError(f"cannot read the tokenizer file {path}: {error.strerror}") from error
    ends: list[int | str] = list(dict.fromkeys(eos_ids)) if eos_ids is not None else _ends_beside(path)
    return _load(source, ends, [], cache=cache)


def load_transformers(tokenizer: Any, *, eos_ids: Iterable[int] | None) -> Vocabulary:
    """See ``Vocabulary.from_transformers``."""
    backend = getattr(tokenizer, "backend_tokenizer", None) or getattr(tokenizer, "_tokenizer", None)
    if backend is None or not hasattr(backend, "to_str"):
        raise VocabularyError(
            f"{type(tokenizer).__name__} has no tokenizers backend to read token bytes from",
            hint="load a fast tokenizer, or give the bytes of each token to Vocabulary.from_bytes",
        )
    own = tokenizer.eos_token_id
    ends: list[int | str] = [*(own if isinstance(own, list | tuple) else [own] if own is not None else [])]
    ends += [int(i) for i in eos_ids or ()]
    special = sorted({int(i) for i in getattr(tokenizer, "all_special_ids", ())})
    return _load(backend.to_str().encode("utf-8"), list(dict.fromkeys(ends)), special, cache=True)


def _load(source: bytes, ends: list[int | str], special: list[int], *, cache: bool) -> Vocabulary:
    key = store.key_of(source, ends, special)
    saved = store.load(key) if cache else None
    if saved is not None:
        return saved
    try:
        description = json.loads(source)
    except ValueError as error:
        raise VocabularyError(f"the tokenizer is not JSON: {error}") from error
    vocabulary = parse(description, ends, special)
    if cache:
        store.save(key, vocabulary)
    return vocabulary


def parse(description: Any, ends: Iterable[int | str] = (), special: Iterable[int] = ()) -> Vocabulary:
    """The vocabulary of a parsed ``tokenizer.json``.

    ``ends`` are ids or names of end-of-sequence tokens; without any, the special tokens
    with a usual name. ``special`` adds to the ids that the file itself calls special.

    Raises
    ------
    VocabularyError : no bytes can be told from the pieces, or no end of sequence is known
    """
    if not isinstance(description, dict) or not isinstance(description.get("model"), dict):
        raise VocabularyError("this JSON is no tokenizer: it has no 'model' section")
    pieces = _pieces(description["model"])
    added = {entry["id"]: entry for entry in description.get("added_tokens") or []}
    n_tokens = 1 + max([*pieces, *added], default=-1)
    decode, decode_added = piece_decoder(description), added_decoder(description)
    tokens = [b""] * n_tokens
    for token_id, piece in pieces.items():
        tokens[token_id] = decode(piece)
    for token_id, entry in added.items():
        tokens[token_id] = decode_added(entry["content"])
    special_ids = {token_id for token_id, entry in added.items() if entry.get("special")}
    special_ids.update(i for i in special if i < n_tokens)
    unknown = description["model"].get("unk_token")
    by_name = {piece: token_id for token_id, piece in pieces.items()} | {e["content"]: i for i, e in added.items()}
    if unknown in by_name:
        special_ids.add(by_name[unknown])
    eos_ids = _resolve_ends(ends, by_name, special_ids)
    return Vocabulary.from_bytes(tokens, eos_ids=eos_ids, special_ids=special_ids)


def _pieces(model: dict[str, Any]) -> dict[int, str]:
    vocab = model.get("vocab")
    if isinstance(vocab, dict):  # BPE, WordPiece, WordLevel
        return {token_id: piece for piece, token_id in vocab.items()}
    if isinstance(vocab, list):  # Unigram: piece and score
        return {token_id: entry[0] for token_id, entry in enumerate(vocab)}
    raise VocabularyError(f"the tokenizer's model {model.get('type')!r} lists no vocabulary")


def _resolve_ends(ends: Iterable[int | str], by_name: dict[str, int], special_ids: set[int]) -> list[int]:
    found: list[int] = []
    for end in ends:
        if isinstance(end, str) and end not in by_name:
            raise VocabularyError(f"the end-of-sequence token {end!r} is not in the tokenizer")
        found.append(by_name[end] if isinstance(end, str) else int(end))
    if not found:
        found = [by_name[name] for name in USUAL_ENDS if by_name.get(name) in special_ids]
    if not found:
        raise VocabularyError("no end-of-sequence token is known", hint="pass eos_ids")
    return list(dict.fromkeys(found))


def _ends_beside(path: Path) -> list[int | str]:
    """End-of-sequence ids or names from the files that models ship beside ``tokenizer.json``."""
    for name, field in (
        ("generation_config.json", "eos_token_id"),
        ("config.json", "eos_token_id"),
        ("tokenizer_config.json", "eos_token"),
    ):
        try:
            value = json.loads((path.parent / name).read_bytes()).get(field)
        except (OSError, ValueError, AttributeError):
            continue
        if isinstance(value, dict):  # an AddedToken written out
            value = value.get("content")
        if value is not None:
            return value if isinstance(value, list) else [value]
    return []
