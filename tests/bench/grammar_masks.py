"""Masks of a full vocabulary against reading single tokens byte by byte, on samples.

    STRUCTGEN_DATA=... python -m tests.bench.grammar_masks

Prints, per case, how many (place, token) pairs were compared and how many differ (0 is right).
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from tests.bench.grammars import CASES, Structgen, grammar_of, tokenizer_path


def compare(machine: Any, tokens: list[int], vocabulary: Any, rng: random.Random) -> tuple[int, int]:
    """(pairs compared, pairs that differ) along one text."""
    row = np.zeros(vocabulary.n_words, dtype=np.uint32)
    config, compared, different = machine.start(), 0, 0
    for place, token in enumerate(tokens):
        if place % 10 == 0:
            machine.fill_mask(config, row)
            for other in rng.sample(range(vocabulary.n_tokens), 200):
                if other in vocabulary.eos_ids:
                    continue
                allowed = bool(row[other >> 5] >> np.uint32(other & 31) & np.uint32(1))
                different += allowed != (machine.advance(config, other) is not None)
                compared += 1
        config = machine.advance(config, token)
    return compared, different


def main() -> None:
    from tokenizers import Tokenizer

    from structgen.grammar_constraint import lark

    path = tokenizer_path()
    vocabulary, encoder = Structgen(path).vocabulary, Tokenizer.from_file(str(path))
    for case in ("c_like", "sql", "json", "python"):
        machine = lark(grammar_of(case)).bind(vocabulary).machine
        tokens = encoder.encode((CASES / f"{case}.txt").read_text().strip(), add_special_tokens=False).ids
        compared, different = compare(machine, tokens, vocabulary, random.Random(0))
        print(f"{case}: {compared} compared, {different} differ")


if __name__ == "__main__":
    main()
