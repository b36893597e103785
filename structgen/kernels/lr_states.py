"""The LR(0) states of a grammar.

An item is a number: the place of its dot in all right-hand sides written one behind the other,
each with one place for its end. What a state adds to its kernel depends only on the
nonterminals behind its dots, so that part of its transitions is built once for each such set
(a *closure*) and shared: a grammar with long lists of alternatives would otherwise be read
through once per state. States are met breadth first; a state's transitions lie together, by
ascending symbol, so that one of them is found by bisection.

The same in Python, with dictionaries and sets, took 4 ms for a grammar of forty rules and 50 ms
for one of Python, most of the time until the first mask.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from structgen.dtypes import IntArray
from structgen.kernels.jit import uncounted

__all__ = ["DONE", "N_STATES", "SHORT", "TOO_LARGE", "TOO_MANY", "LrRules", "LrStates", "find_move", "lr_states"]

DONE, SHORT, TOO_MANY, TOO_LARGE = 0, 1, 2, 3
"""How ``lr_states`` ends: with ``SHORT``, some array is too short, and all is to be done again with longer ones."""
N_STATES, N_CLOSURES, STATUS, N_TERMINALS = 0, 1, 2, 3
"""Places in ``counts``."""


class LrRules(NamedTuple):
    """P productions over T terminals and N nonterminals (the last is the start production's), I items."""

    symbols: IntArray
    """(I,) int32: the symbol behind each item's dot, -1 at the end of a production."""
    first: IntArray
    """(P + 1,) int32: the item at the beginning of each production."""
    by_left: IntArray
    """(P,) int32: productions ordered by left-hand side."""
    left_start: IntArray
    """(N + 1,) int32: where those of each nonterminal begin in ``by_left``."""


class LrStates(NamedTuple):
    """What is built, with room to spare; lists of list n lie from ``start[n]`` to ``start[n + 1]``."""

    kernel_start: IntArray
    kernel_items: IntArray
    move_start: IntArray
    move_symbol: IntArray
    move_target: IntArray
    state_of: IntArray
    """Kernels by hash: state + 1, 0 where free; the length is a power of 2."""
    closure_start: IntArray
    closures: IntArray
    """Nonterminals of each closure, ascending."""
    closure_of: IntArray
    """Closures by hash."""
    added_start: IntArray
    added: IntArray
    """(n, 3): symbol, item, and the state that the symbol leads to where the closure alone decides, or -1."""
    counts: IntArray


@uncounted
def sort(values, n):  # type: ignore[no-untyped-def]
    """Sort the first ``n`` values in place: by insertion where they are few, else by a heap."""
    if n <= 24:
        for i in range(1, n):
            value = values[i]
            j = i
            while j > 0 and values[j - 1] > value:
                values[j] = values[j - 1]
                j -= 1
            values[j] = value
        return
    for start in range(n // 2 - 1, -1, -1):
        sift(values, start, n)
    for end in range(n - 1, 0, -1):
        values[0], values[end] = values[end], values[0]
        sift(values, 0, end)


@uncounted
def sift(values, at, n):  # type: ignore[no-untyped-def]
    """Let the value at ``at`` sink in the heap ``values[:n]``."""
    value = values[at]
    while 2 * at + 1 < n:
        child = 2 * at + 1
        if child + 1 < n and values[child + 1] > values[child]:
            child += 1
        if values[child] <= value:
            break
        values[at] = values[child]
        at = child
    values[at] = value


@uncounted
def find_list(table, start, flat, values, n):  # type: ignore[no-untyped-def]
    """The slot in ``table`` of the list ``values[:n]``: what lies there is its number + 1, or 0."""
    code = np.int64(n)
    for i in range(n):
        code = (code * 1000003 + values[i]) & 0x7FFFFFFFFFFF
    size = table.shape[0]
    slot = (code ^ (code >> 17)) & (size - 1)
    while table[slot] != 0:
        at = start[table[slot] - 1]
        if start[table[slot]] - at == n:
            same = True
            for i in range(n):
                if flat[at + i] != values[i]:
                    same = False
                    break
            if same:
                return slot
        slot = (slot + 1) & (size - 1)
    return slot


@uncounted
def intern_list(table, start, flat, count, values, n):  # type: ignore[no-untyped-def]
    """(number of the list ``values[:n]``, how many there are now); the number is -1 where there is no room."""
    slot = find_list(table, start, flat, values, n)
    if table[slot] != 0:
        return table[slot] - 1, count
    at = start[count]
    if 2 * (count + 2) > table.shape[0] or count + 1 >= start.shape[0] or at + n > flat.shape[0]:
        return -1, count
    for i in range(n):
        flat[at + i] = values[i]
    start[count + 1] = at + n
    table[slot] = count + 1
    return count, count + 1


@uncounted
def close_left(rules, n_terminals, todo, n, seen, turn):  # type: ignore[no-untyped-def]
    """Extend the nonterminals ``todo[:n]``, stamped in ``seen``, by those at their left edge; returns how many."""
    done = 0
    while done < n:
        left = todo[done]
        done += 1
        for i in range(rules.left_start[left], rules.left_start[left + 1]):
            symbol = rules.symbols[rules.first[rules.by_left[i]]] - n_terminals
            if symbol >= 0 and seen[symbol] != turn:
                seen[symbol] = turn
                todo[n] = symbol
                n += 1
    return n


@uncounted
def closure(rules, states, todo, n, keys):  # type: ignore[no-untyped-def]
    """The number of the closure of the nonterminals ``todo[:n]`` (ascending), with what it adds; -1 without room."""
    before = states.counts[N_CLOSURES]
    found, count = intern_list(states.closure_of, states.closure_start, states.closures, before, todo, n)
    if found < 0 or count == before:
        return found
    n_keys = 0
    for i in range(n):
        for j in range(rules.left_start[todo[i]], rules.left_start[todo[i] + 1]):
            item = rules.first[rules.by_left[j]]
            if rules.symbols[item] >= 0:
                keys[n_keys] = (np.int64(rules.symbols[item]) << 32) | (item + 1)
                n_keys += 1
    at = states.added_start[found]
    if count >= states.added_start.shape[0] or at + n_keys > states.added.shape[0]:
        return -1
    sort(keys, n_keys)
    for i in range(n_keys):
        states.added[at + i, 0] = keys[i] >> 32
        states.added[at + i, 1] = keys[i] & 0xFFFFFFFF
        states.added[at + i, 2] = -1
    states.added_start[count] = at + n_keys
    states.counts[N_CLOSURES] = count
    return found


@uncounted
def own_moves(rules, states, n_terminals, state, own, todo, seen):  # type: ignore[no-untyped-def]
    """(symbol, item) of the kernel's own moves in ``own``, ordered, the nonterminals behind its dots in ``todo``."""
    n_own, n_todo = 0, 0
    for i in range(states.kernel_start[state], states.kernel_start[state + 1]):
        item = states.kernel_items[i]
        symbol = rules.symbols[item]
        if symbol < 0:
            continue
        own[n_own] = (np.int64(symbol) << 32) | (item + 1)
        n_own += 1
        left = symbol - n_terminals
        if left >= 0 and seen[left] != state + 1:
            seen[left] = state + 1
            todo[n_todo] = left
            n_todo += 1
    sort(own, n_own)
    return n_own, n_todo


@uncounted
def target_of(states, items, n, most_states, most_entries, width):  # type: ignore[no-untyped-def]
    """The state with the kernel ``items[:n]``; -1 where there are too many (see ``STATUS``)."""
    before = states.counts[N_STATES]
    found, count = intern_list(states.state_of, states.kernel_start, states.kernel_items, before, items, n)
    if found < 0:
        states.counts[STATUS] = SHORT
    elif count > before:
        states.counts[N_STATES] = count
        if count > most_states:
            states.counts[STATUS] = TOO_MANY
        elif np.int64(count) * width > most_entries:
            states.counts[STATUS] = TOO_LARGE
    return found


@uncounted
def merge_moves(states, state, own, n_own, closed, items, limits):  # type: ignore[no-untyped-def]
    """The transitions of ``state``: its own and those that its closure ``closed`` adds, symbol by symbol."""
    n_moves = states.move_start[state]
    i, j, stop = 0, states.added_start[closed], states.added_start[closed + 1]
    while i < n_own or j < stop:
        symbol = own[i] >> 32 if i < n_own else np.int64(1) << 40
        if j < stop:
            symbol = min(symbol, np.int64(states.added[j, 0]))
        n, first, run = 0, i, j
        while i < n_own and own[i] >> 32 == symbol:
            items[n] = own[i] & 0xFFFFFFFF
            n += 1
            i += 1
        while j < stop and states.added[j, 0] == symbol:
            items[n] = states.added[j, 1]
            n += 1
            j += 1
        target = states.added[run, 2] if first == i else -1
        if target < 0:
            sort(items, n)
            target = target_of(states, items, n, limits[0], limits[1], limits[2])
            if states.counts[STATUS] != DONE:
                return
            if first == i:
                states.added[run, 2] = target
        if n_moves >= states.move_symbol.shape[0]:
            states.counts[STATUS] = SHORT
            return
        states.move_symbol[n_moves] = symbol
        states.move_target[n_moves] = target
        n_moves += 1
    states.move_start[state + 1] = n_moves


@uncounted
def lr_states(rules, states, n_terminals, limits, own, todo, seen, items):  # type: ignore[no-untyped-def]
    """Fill ``states``, of which hashes, counts and the first starts are zeroed before; returns how it ended.

    ``limits`` are the greatest numbers of states and of table entries, and entries per state. Room to
    work in, zeroed: ``own`` (I + 1,) int64, ``todo``, ``seen`` (N,) and ``items`` (I + 1,) int32.
    """
    target_of(states, items, 1, limits[0], limits[1], limits[2])  # state 0: item 0 alone
    done = 0
    while done < states.counts[N_STATES] and states.counts[STATUS] == DONE:
        if done + 1 >= states.move_start.shape[0]:
            return SHORT
        n_own, n_todo = own_moves(rules, states, n_terminals, done, own, todo, seen)
        n_todo = close_left(rules, n_terminals, todo, n_todo, seen, done + 1)
        sort(todo, n_todo)
        closed = closure(rules, states, todo, n_todo, own[n_own:])
        if closed < 0:
            return SHORT
        merge_moves(states, done, own, n_own, closed, items, limits)
        done += 1
    return states.counts[STATUS]


@uncounted
def find_move(states, state, symbol):  # type: ignore[no-untyped-def]
    """The place of the transition of ``state`` on ``symbol``, which exists."""
    low, high = states.move_start[state], states.move_start[state + 1]
    while low < high:
        middle = (low + high) >> 1
        if states.move_symbol[middle] < symbol:
            low = middle + 1
        else:
            high = middle
    return low
