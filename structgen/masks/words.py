"""Which of many words a machine takes at one place, in one call.

Static analysis beside a grammar has a few dozen names to ask about; asked one by one each
would cost what a token costs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from structgen.dtypes import ByteArray, IntArray
from structgen.kernels import grammar_heap, lexeme_names
from structgen.masks.dfa_machine import DfaMachine
from structgen.masks.grammar_machine import GrammarMachine
from structgen.masks.machine import Config, TokenMachine

__all__ = ["words_taken"]

_FIRSTS = np.full((256, 4), -1, dtype=np.int32)


def words_taken(
    machine: TokenMachine, config: Config, data: ByteArray, typed: ByteArray, n_words: int
) -> tuple[npt.NDArray[np.bool_], int] | None:
    """Of each word, whether ``machine`` can read on from ``config`` over what comes after ``typed``.

    Parameters
    ----------
    data : (bytes,) uint8, the words, each followed by a zero byte
    typed : bytes of them that have been read already; words that do not start with it count as taken
    n_words : words in ``data``

    Returns
    -------
    (n_words,) bool and how many are True; None where this kind of machine answers one word at a time only
    """
    taken = np.empty(n_words, dtype=np.bool_)
    if type(machine) is GrammarMachine:
        return taken, _of_grammar(machine, config, data, typed, taken)
    if type(machine) is DfaMachine and not machine._closed:
        dfa = machine.dfa
        return taken, int(
            lexeme_names.take_words_of_dfa(dfa.class_of, dfa.transitions, int(config), data, typed, taken)
        )
    return None


def _of_grammar(
    machine: GrammarMachine, config: Any, data: ByteArray, typed: ByteArray, taken: npt.NDArray[np.bool_]
) -> int:
    automaton = machine.automaton
    flat = [number for thread in config for number in thread]
    n_threads = len(config)

    def call(heap: IntArray, work: IntArray) -> Any:
        first = int(work[grammar_heap.THREADS])
        work[first : first + len(flat)] = flat
        firsts = _FIRSTS.copy()  # anew: the cells in it die with a call that missed something
        return lexeme_names.take_words(heap, work, n_threads, data, typed, firsts, taken)

    with machine._lock:
        automaton.begin()
        return int(automaton.run(call))
