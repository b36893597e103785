"""What stands before the closing quote in tokens, read by an automaton (``masks.closing_texts``)."""

from __future__ import annotations

import numpy as np

from structgen.kernels.content_escapes import after
from structgen.kernels.document_registers import C_LABEL
from structgen.kernels.jit import kernel

WITHIN = 0


@kernel
def read_texts(
    byte, depth, token_start, token_ids, max_depth, trans, content, class_maps, state, kind_of_text, labels, ends
):
    """Read each text of a trie from ``state``, and sort them by the labels they end with, 0 where they end nothing.

    The empty text is number 0, the others have the numbers in ``token_ids``. All arrays written are (n,) int64:
    ``kind_of_text``, and by kind the label and a state that has it. Returns how many kinds there are, ``WITHIN``
    where ``state`` stands within a character, and the kind of most texts.
    """
    for b in range(128, 192):
        # Automata are trimmed, so that decides it.
        if after(trans, content, class_maps, state, b) != 0:
            return WITHIN, 0
    states = np.zeros(max_depth + 1, np.int64)
    n_texts = np.zeros(kind_of_text.shape[0], np.int64)
    states[0] = state
    kind_of_text[0], labels[0], ends[0], n_texts[0] = 0, content[state, C_LABEL], state, 1
    n_kinds, common = 1, 0
    for node in range(1, byte.shape[0]):
        level = depth[node]
        to = states[level - 1]
        if to != 0:
            to = after(trans, content, class_maps, to, byte[node])
        states[level] = to
        for index in range(token_start[node], token_start[node + 1]):
            label = np.int64(content[to, C_LABEL]) if to != 0 else 0
            kind = 0
            while kind < n_kinds and labels[kind] != label:
                kind += 1
            if kind == n_kinds:
                labels[kind], ends[kind] = label, to
                n_kinds += 1
            kind_of_text[token_ids[index]] = kind
            n_texts[kind] += 1
            if n_texts[kind] > n_texts[common]:
                common = kind
    return n_kinds, common


@kernel
def close_texts(kind_of_text, common, suffixes, text_start, text_tokens, suffix_of, mask):
    """Decide the tokens of all texts but those of the kind ``common`` anew, by the suffixes in their kind's row."""
    for text in range(kind_of_text.shape[0]):
        row = kind_of_text[text]
        if row == common:
            continue
        for index in range(text_start[text], text_start[text + 1]):
            token = np.uint32(text_tokens[index])
            suffix = suffix_of[token]
            bit = np.uint32(1) << (token & np.uint32(31))
            if (suffixes[row, suffix >> 5] >> np.uint32(suffix & 31)) & np.uint32(1):
                mask[token >> np.uint32(5)] |= bit
            else:
                mask[token >> np.uint32(5)] &= ~bit
