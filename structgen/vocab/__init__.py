"""Tokens as bytes: ids, special ids, and the trie that masks are walked on.

A constraint speaks bytes and a model speaks token ids. A ``Vocabulary`` is the table
between them: what bytes each id stands for, which ids end the sequence, which ids are
special and stand for no text. Three families of tokenizers cover nearly all models:

- *byte-level BPE* (GPT-2, Llama 3, SmolLM2): each character of a piece is one byte,
  through GPT-2's alphabet of 256 printable characters;
- *SentencePiece style* (Llama 2, Gemma): pieces are text with ``▁`` for a blank, and
  ``<0xNN>`` pieces for single bytes;
- *tiktoken*: pieces are bytes already.

What a piece means is read from the tokenizer's own decoder section, never guessed from
the pieces. A decoder that does not map pieces to bytes one by one (WordPiece's blanks
between words) is refused.

The trie is depth-first in flat arrays, built by sorting (``kernels.trie``), and saved on
disk by content hash (``store``), since reading a 9 MB ``tokenizer.json`` costs more than
everything after it.
"""

from structgen.vocab.vocabulary import Vocabulary

__all__ = ["Vocabulary"]
