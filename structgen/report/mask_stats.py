"""What a constraint takes: states, bytes, and its masks under a real vocabulary: sizes and times.

A few random texts of the constraint are written token by token. Times are of this machine
and of this run; the first mask is told apart, since it pays for what the others find made.
"""

from __future__ import annotations

import statistics
from time import perf_counter
from typing import Any

import numpy as np

from structgen.constraint import Constraint, RegularConstraint
from structgen.grammar_constraint import GrammarConstraint
from structgen.json_constraint import JsonSchemaConstraint
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["cost_of", "mask_statistics"]


def cost_of(constraint: Constraint) -> dict[str, int]:
    """``states`` and ``bytes`` of what has been compiled so far; empty for constraints that keep no such count.

    JSON and grammars are compiled as far as masks have asked for it, regular constraints whole.
    """
    if isinstance(constraint, RegularConstraint):
        return {"states": constraint.dfa.n_states, "bytes": constraint.dfa.transitions.nbytes}
    if isinstance(constraint, JsonSchemaConstraint):
        tables = constraint.automaton.tables
        return {"states": tables.n_values + tables.n_frames, "bytes": tables.n_bytes}
    if isinstance(constraint, GrammarConstraint):
        automaton = constraint.chosen.shared_automaton()
        parser = 0 if automaton.forked is not None else automaton.tables.n_states
        return {"states": parser + automaton.lexer.n_states}
    return {}


def mask_statistics(constraint: Constraint, vocabulary: Vocabulary, texts: list[str]) -> dict[str, Any]:
    """Counts and times over the masks of ``texts``, each a text of the constraint.

    Returns
    -------
    dict with ``tokens`` (masks computed), ``first_mask_ms``, ``mask_us_median``, ``mask_us_max``,
    ``allowed_median``, ``allowed_min``, ``allowed_max`` (tokens) and ``only_one`` (masks with one token)

    Raises
    ------
    VocabularyError : no tokens of the vocabulary spell a text of the constraint
    """
    began = perf_counter()
    bound = constraint.bind(vocabulary)
    row = np.zeros(vocabulary.n_words, dtype=np.uint32)
    bound.start().fill_mask(row)
    first = perf_counter() - began
    times: list[float] = []
    counts: list[int] = []
    for text in texts:
        matcher = bound.start()
        for token_id in [*vocabulary.encode_bytes(text.encode()), None]:
            began = perf_counter()
            matcher.fill_mask(row)
            times.append(perf_counter() - began)
            counts.append(int(np.bitwise_count(row).sum()))
            if token_id is not None:
                matcher.advance(token_id)
    return {
        "tokens": len(times),
        "first_mask_ms": round(first * 1e3, 2),
        "mask_us_median": round(statistics.median(times) * 1e6, 1),
        "mask_us_max": round(max(times) * 1e6, 1),
        "allowed_median": int(statistics.median(counts)),
        "allowed_min": min(counts),
        "allowed_max": max(counts),
        "only_one": sum(count == 1 for count in counts),
    }
