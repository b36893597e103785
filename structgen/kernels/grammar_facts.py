"""What is asked of all productions, or of all parser states, before a first mask.

Each of these is little work, done once per grammar; as array operations, or with sets of symbols in Python,
they took a quarter of the time until the first mask.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import uncounted

__all__ = ["follow", "index_rules", "nothing_idle", "states_alike"]

MOST_PASSES = 64


@uncounted
def index_rules(symbols, left, first, by_left, left_start):  # type: ignore[no-untyped-def]
    """Fill ``first``, ``by_left`` and ``left_start`` of ``LrRules``; ``left`` (P,) are left-hand sides from 0."""
    n = 0
    first[0] = 0
    for item in range(symbols.shape[0]):
        if symbols[item] < 0:
            n += 1
            first[n] = item + 1
    left_start[:] = 0
    for production in range(n):
        left_start[left[production] + 1] += 1
    for nonterminal in range(left_start.shape[0] - 1):
        left_start[nonterminal + 1] += left_start[nonterminal]
    for production in range(n):  # each run is filled from its beginning, which moves to its end
        at = left[production]
        by_left[left_start[at]] = production
        left_start[at] += 1
    for nonterminal in range(left_start.shape[0] - 1, 0, -1):
        left_start[nonterminal] = left_start[nonterminal - 1]
    left_start[0] = 0


@uncounted
def nothing_idle(rules, lefts, n_terminals, used, productive, todo):  # type: ignore[no-untyped-def]
    """Whether every symbol that production 0 leads to derives some text, and every terminal is used.

    ``lefts`` (P,) are left-hand sides from 0; ``used`` (T + N,) uint8 marks terminals that need no
    production. False, too, where that is not found in ``MOST_PASSES`` passes. Room to work in: ``productive``
    (N,) uint8, zeroed, and ``todo`` (N,).
    """
    n_productions = rules.first.shape[0] - 1
    n_left = productive.shape[0]
    n, start = 1, n_left - 1
    todo[0] = start
    used[n_terminals + start] = 1
    while n > 0:
        n -= 1
        left = todo[n]
        for i in range(rules.left_start[left], rules.left_start[left + 1]):
            item = rules.first[rules.by_left[i]]
            while rules.symbols[item] >= 0:
                symbol = rules.symbols[item]
                item += 1
                if used[symbol] == 0:
                    used[symbol] = 1
                    if symbol >= n_terminals:
                        todo[n] = symbol - n_terminals
                        n += 1
    for terminal in range(n_terminals):
        if used[terminal] == 0:
            return False
    for _ in range(MOST_PASSES):
        changed = False
        for number in range(n_productions - 1, -1, -1):  # what rules use is mostly defined behind them
            item = rules.first[number]
            while rules.symbols[item] >= 0:
                symbol = rules.symbols[item] - n_terminals
                if symbol >= 0 and productive[symbol] == 0:
                    break
                item += 1
            if rules.symbols[item] < 0:
                left = lefts[number]
                if productive[left] == 0:
                    productive[left] = 1
                    changed = True
        if not changed:
            break
    idle = False
    for left in range(n_left):
        idle |= used[n_terminals + left] != 0 and productive[left] == 0
    return not idle


@uncounted
def follow(action, ignored, firsts, met, pairs, followed):  # type: ignore[no-untyped-def]
    """Mark in ``followed`` (T, 256) uint8 the bytes that may come right behind each terminal.

    Every state is entered by one symbol, so a terminal may be followed by whatever some state that it leads to
    has an action for, and by ignored ones (``ignored`` (T,) uint8). ``firsts`` (T, 4) uint64 are the bytes that
    lexemes begin with, as bits. Room to work in, zeroed: ``met`` (S,) and ``pairs`` (T, T) uint8, where 1
    says that the second may follow the first.
    """
    n = firsts.shape[0]
    for state in range(action.shape[0]):
        for terminal in range(n):
            target = action[state, terminal] - 1
            if target < 0 or met[target] != 0:
                continue
            met[target] = 1
            for other in range(n):
                if action[target, other] != 0:
                    pairs[terminal, other] = 1
    for terminal in range(n):
        for word in range(4):
            bits = np.uint64(0)
            for other in range(n):
                if pairs[terminal, other] != 0 or ignored[terminal] != 0 or ignored[other] != 0:
                    bits |= firsts[other, word]
            for bit in range(64):
                followed[terminal, 64 * word + bit] = (bits >> np.uint64(bit)) & np.uint64(1)


@uncounted
def states_alike(action, state, column, value):  # type: ignore[no-untyped-def]
    """Write ``value`` in ``column`` for each state that has actions for the same terminals as ``state``."""
    n = action.shape[1] - 1  # the last is the text's end
    for other in range(action.shape[0]):
        same = True
        for terminal in range(n):
            if (action[other, terminal] != 0) != (action[state, terminal] != 0):
                same = False
                break
        if same:
            column[other] = value
