"""Subset construction for a grammar's lexer: states are ordered lists of nodes, made as they are met.

What ``automata.lexer`` says of states holds here. A state's *key* is its nodes in order, the
nodes of its lookbehinds, and those of its keywords, ascending; equal keys are one state.
Lookaheads stay in the list (``automata.lexer`` settles them, byte by byte), and grammars
that look behind close their states there.

In Python a state took 130 µs, which was half of what the first text under a small grammar
cost, and most of its first mask.
"""

from __future__ import annotations

from typing import NamedTuple

from structgen.dtypes import ByteArray, IntArray
from structgen.kernels.grammar_heap import ACCEPTS, BASE, DELTA, FAMILY, FAMILY_START, FAMILY_TERMINALS, UNKNOWN
from structgen.kernels.jit import uncounted

__all__ = [
    "AHEAD",
    "ALL_ENDS",
    "BEHIND",
    "BEHIND_NODES",
    "CONDITIONAL",
    "EDGES",
    "FRESH",
    "MATCH",
    "NODES",
    "N_CONDITIONAL",
    "N_STATES",
    "N_TERMINALS",
    "SHORT",
    "SPLIT",
    "WORDS",
    "LexerTables",
    "close_and_intern",
    "expand",
    "expand_ahead",
    "expand_all",
    "intern_state",
    "rehash_families",
    "rehash_states",
]  # fmt: skip

EDGES, SPLIT, MATCH, BEHIND, AHEAD = range(5)
"""Kinds of nodes."""
CONDITIONAL = -2
"""``accepts`` from here down: how a lexeme ends depends on what comes next."""
N_STATES, N_KEYS, N_FAMILIES, N_MEMBERS, N_CONDITIONAL, GENERATION, N_TERMINALS, SHORT, ALL_ENDS = range(9)
"""Places in ``counts``: numbers in use, what has too little room, and whether lexemes end wherever they match."""
STATES, KEYS, FAMILIES, MEMBERS, CONDITIONALS, SLOTS, FAMILY_SLOTS = range(1, 8)
"""Values of ``counts[SHORT]``."""
NODES, BEHIND_NODES, WORDS, FRESH, MEMBERS_ROW = range(5)
"""Rows of ``lists``: a key's nodes, its lookbehinds' nodes, its keywords'; and room to work in."""


class LexerTables(NamedTuple):
    """The nodes of all patterns, the keys of the states made of them, and room to work in."""

    kind: ByteArray
    label: IntArray
    edge_start: IntArray
    """(N + 1,) int32 into ``edges``."""
    edges: IntArray
    """(E, 3) int32: lowest byte, highest byte, node."""
    target_start: IntArray
    targets: IntArray
    keyword_of: ByteArray
    """(T, T) uint8: whether terminal ``[word, other]``'s text is one of ``other``'s keywords; 2 where it is ignored.

    Lark hands what it renames to the parser, which has no use for an ignored terminal: so a lexeme cannot end."""
    rank: IntArray
    counts: IntArray
    capacity: IntArray
    """(8,) int32 by the values of ``counts[SHORT]``: rows of the heap's sections."""
    keys: IntArray
    key_at: IntArray
    """(S, 4) int32: a key's place in ``keys``, and the lengths of its three lists."""
    slots: IntArray
    family_slots: IntArray
    seen: IntArray
    stack: IntArray
    lists: IntArray
    """(5, N) int32, see ``NODES``."""
    lengths: IntArray
    """(5,) int32: how long the lists are."""
    row: IntArray
    cuts: ByteArray
    ahead: IntArray
    """A queue of states, see ``expand_ahead``."""


@uncounted
def close(tables):  # type: ignore[no-untyped-def]
    """Follow list ``FRESH`` by empty moves to nodes that read, match or look ahead, in order, into ``NODES``."""
    tables.counts[GENERATION] += 1
    generation = tables.counts[GENERATION]
    n = 0
    for i in range(tables.lengths[FRESH] - 1, -1, -1):
        tables.stack[n] = tables.lists[FRESH, i]
        n += 1
    found = 0
    while n > 0:
        n -= 1
        node = tables.stack[n]
        if tables.seen[node] == generation:
            continue
        tables.seen[node] = generation
        kind = tables.kind[node]
        if kind == SPLIT:
            for i in range(tables.target_start[node + 1] - 1, tables.target_start[node] - 1, -1):
                tables.stack[n] = tables.targets[i]
                n += 1
            continue
        tables.lists[NODES, found] = node
        found += 1
        if kind == MATCH and tables.counts[ALL_ENDS] == 0:
            break
    tables.lengths[NODES] = found


@uncounted
def close_words(tables):  # type: ignore[no-untyped-def]
    """The same for list ``WORDS``, in place and ascending."""
    tables.counts[GENERATION] += 1
    generation = tables.counts[GENERATION]
    n = tables.lengths[WORDS]
    for i in range(n):
        tables.stack[i] = tables.lists[WORDS, i]
    found = 0
    while n > 0:
        n -= 1
        node = tables.stack[n]
        if tables.seen[node] == generation:
            continue
        tables.seen[node] = generation
        if tables.kind[node] == SPLIT:
            for i in range(tables.target_start[node], tables.target_start[node + 1]):
                tables.stack[n] = tables.targets[i]
                n += 1
            continue
        at = found
        while at > 0 and tables.lists[WORDS, at - 1] > node:
            tables.lists[WORDS, at] = tables.lists[WORDS, at - 1]
            at -= 1
        tables.lists[WORDS, at] = node
        found += 1
    tables.lengths[WORDS] = found


@uncounted
def keep_live_words(tables):  # type: ignore[no-untyped-def]
    """Drop keywords whose pattern is out of the running."""
    kept = 0
    for i in range(tables.lengths[WORDS]):
        word = tables.lists[WORDS, i]
        for j in range(tables.lengths[NODES]):
            label = tables.label[tables.lists[NODES, j]]
            if label >= 0 and tables.keyword_of[tables.label[word], label] != 0:
                tables.lists[WORDS, kept] = word
                kept += 1
                break
    tables.lengths[WORDS] = kept


@uncounted
def list_hash(values, n, code):  # type: ignore[no-untyped-def]
    for i in range(n):
        code = (code * 1000003 + values[i] + 1) & 0x7FFFFFFFFFFF
    return code


@uncounted
def slot_of(code, size):  # type: ignore[no-untyped-def]
    return (code ^ (code >> 21)) & (size - 1)


@uncounted
def key_slot(tables, n_words):  # type: ignore[no-untyped-def]
    """The slot of the state whose key is in ``lists``, with the first ``n_words`` keywords, or the free one for it."""
    lengths = tables.lengths
    code = list_hash(tables.lists[0], lengths[0], 7)
    code = list_hash(tables.lists[1], lengths[1], code * 31 + 1)
    code = list_hash(tables.lists[2], n_words, code * 31 + 2)
    size = tables.slots.shape[0]
    slot = slot_of(code, size)
    while tables.slots[slot] != 0:
        state = tables.slots[slot] - 1
        at = tables.key_at[state, 0]
        same = tables.key_at[state, 1] == lengths[0] and tables.key_at[state, 2] == lengths[1]
        if same and tables.key_at[state, 3] == n_words:
            for which in range(3):
                n = tables.key_at[state, 1 + which]
                for i in range(n):
                    if tables.keys[at + i] != tables.lists[which, i]:
                        same = False
                        break
                at += n
            if same:
                return slot
        slot = (slot + 1) & (size - 1)
    return slot


@uncounted
def rehash_states(tables):  # type: ignore[no-untyped-def]
    """Enter all states into empty ``slots``."""
    for state in range(tables.counts[N_STATES]):
        at = tables.key_at[state, 0]
        code = 7
        for which in range(3):
            n = tables.key_at[state, 1 + which]
            if which > 0:
                code = code * 31 + which
            for i in range(at, at + n):
                code = (code * 1000003 + tables.keys[i] + 1) & 0x7FFFFFFFFFFF
            at += n
        slot = slot_of(code, tables.slots.shape[0])
        while tables.slots[slot] != 0:
            slot = (slot + 1) & (tables.slots.shape[0] - 1)
        tables.slots[slot] = state + 1


@uncounted
def intern_state(heap, tables, n_words):  # type: ignore[no-untyped-def]
    """The state whose key is in ``lists``, with the first ``n_words`` keywords; -1 where room is short."""
    slot = key_slot(tables, n_words)
    if tables.slots[slot] != 0:
        return tables.slots[slot] - 1
    base = -1
    if n_words > 0:
        base = intern_state_of_base(heap, tables)
        if base < 0:
            return -1
        slot = key_slot(tables, n_words)  # the base has taken one
    return add_state(heap, tables, slot, n_words, base)


@uncounted
def intern_state_of_base(heap, tables):  # type: ignore[no-untyped-def]
    """``intern_state`` without keywords (kernels do not call themselves)."""
    slot = key_slot(tables, 0)
    if tables.slots[slot] != 0:
        return tables.slots[slot] - 1
    return add_state(heap, tables, slot, 0, -1)


@uncounted
def add_state(heap, tables, slot, n_words, base):  # type: ignore[no-untyped-def]
    """A new state; returns -1 where room is short."""
    counts, lengths = tables.counts, tables.lengths
    state = counts[N_STATES]
    size = lengths[0] + lengths[1] + n_words
    family = family_of(heap, tables, n_words)
    if family < 0:
        return -1
    if state + 1 >= tables.capacity[STATES]:
        counts[SHORT] = STATES
    elif counts[N_KEYS] + size > tables.keys.shape[0]:
        counts[SHORT] = KEYS
    elif 2 * (state + 1) > tables.slots.shape[0]:
        counts[SHORT] = SLOTS
    elif counts[N_CONDITIONAL] + 1 >= tables.capacity[CONDITIONALS]:
        counts[SHORT] = CONDITIONALS
    if counts[SHORT] != 0:
        return -1
    at = counts[N_KEYS]
    tables.key_at[state, 0] = at
    for which in range(3):
        n = n_words if which == 2 else lengths[which]
        tables.key_at[state, 1 + which] = n
        for i in range(n):
            tables.keys[at + i] = tables.lists[which, i]
        at += n
    counts[N_KEYS] = at
    counts[N_STATES] = state + 1
    tables.slots[slot] = state + 1
    for byte in range(256):
        heap[heap[DELTA] + (state << 8) + byte] = UNKNOWN
    heap[heap[BASE] + state] = state if base < 0 else base
    heap[heap[FAMILY] + state] = family
    heap[heap[ACCEPTS] + state] = matched(tables, n_words)
    return state


@uncounted
def matched(tables, n_words):  # type: ignore[no-untyped-def]
    """What ``accepts`` says of the state whose key is in ``lists``."""
    n = tables.lengths[NODES]
    for i in range(n):
        if tables.kind[tables.lists[NODES, i]] == AHEAD:
            tables.counts[N_CONDITIONAL] += 1
            return CONDITIONAL - (tables.counts[N_CONDITIONAL] - 1)
    if tables.counts[ALL_ENDS] != 0:
        return matched_among(tables)
    if n == 0 or tables.kind[tables.lists[NODES, n - 1]] != MATCH:
        return -1
    found = tables.label[tables.lists[NODES, n - 1]]
    if found < 0:
        return tables.counts[N_TERMINALS]
    best = found
    for i in range(n_words):
        node = tables.lists[WORDS, i]
        word = tables.label[node]
        if tables.kind[node] == MATCH and tables.keyword_of[word, found] != 0:
            if best == found or tables.rank[word] < tables.rank[best]:
                best = word
    if best != found and tables.keyword_of[best, found] == 2:
        return -1
    return best


@uncounted
def matched_among(tables):  # type: ignore[no-untyped-def]
    """The same where all matches count."""
    found = -1
    for i in range(tables.lengths[NODES]):
        node = tables.lists[NODES, i]
        if tables.kind[node] == MATCH and tables.label[node] != found:
            if found >= 0:
                tables.counts[N_CONDITIONAL] += 1
                return CONDITIONAL - (tables.counts[N_CONDITIONAL] - 1)
            found = tables.label[node]
    return found


@uncounted
def family_of(heap, tables, n_words):  # type: ignore[no-untyped-def]
    """The id of the terminals that the key in ``lists`` can still become; -1 where room is short."""
    counts = tables.counts
    members = tables.lists[MEMBERS_ROW]
    n = 0
    for which in range(0, 3, 2):
        length = n_words if which == 2 else tables.lengths[which]
        for i in range(length):
            label = tables.label[tables.lists[which, i]]
            at = n
            while at > 0 and members[at - 1] > label:
                at -= 1
            if label < 0 or (at > 0 and members[at - 1] == label):
                continue
            for j in range(n, at, -1):
                members[j] = members[j - 1]
            members[at] = label
            n += 1
    size = tables.family_slots.shape[0]
    slot = slot_of(list_hash(members, n, 3), size)
    while tables.family_slots[slot] != 0:
        family = tables.family_slots[slot] - 1
        first = heap[heap[FAMILY_START] + family]
        if heap[heap[FAMILY_START] + family + 1] - first == n:
            same = True
            for i in range(n):
                if heap[heap[FAMILY_TERMINALS] + first + i] != members[i]:
                    same = False
                    break
            if same:
                return family
        slot = (slot + 1) & (size - 1)
    family = counts[N_FAMILIES]
    if family + 2 >= tables.capacity[FAMILIES]:
        counts[SHORT] = FAMILIES
    elif counts[N_MEMBERS] + n >= tables.capacity[MEMBERS]:
        counts[SHORT] = MEMBERS
    elif 2 * (family + 1) > size:
        counts[SHORT] = FAMILY_SLOTS
    if counts[SHORT] != 0:
        return -1
    for i in range(n):
        heap[heap[FAMILY_TERMINALS] + counts[N_MEMBERS] + i] = members[i]
    counts[N_MEMBERS] += n
    heap[heap[FAMILY_START] + family + 1] = counts[N_MEMBERS]
    counts[N_FAMILIES] = family + 1
    tables.family_slots[slot] = family + 1
    return family


@uncounted
def rehash_families(heap, tables):  # type: ignore[no-untyped-def]
    """Enter all families into empty ``family_slots``."""
    size = tables.family_slots.shape[0]
    for family in range(tables.counts[N_FAMILIES]):
        first = heap[heap[FAMILY_START] + family]
        last = heap[heap[FAMILY_START] + family + 1]
        code = 3
        for i in range(first, last):
            code = (code * 1000003 + heap[heap[FAMILY_TERMINALS] + i] + 1) & 0x7FFFFFFFFFFF
        slot = slot_of(code, size)
        while tables.family_slots[slot] != 0:
            slot = (slot + 1) & (size - 1)
        tables.family_slots[slot] = family + 1


@uncounted
def close_and_intern(heap, tables):  # type: ignore[no-untyped-def]
    """The state that lists ``FRESH`` and ``WORDS`` (keywords) lead to by empty moves; -1 where room is short."""
    close(tables)
    if tables.lengths[NODES] == 0:
        return 0
    if tables.lengths[WORDS] > 0:
        close_words(tables)
        keep_live_words(tables)
    tables.lengths[BEHIND_NODES] = 0
    return intern_state(heap, tables, tables.lengths[WORDS])


@uncounted
def add_targets(tables, which, first, n, byte):  # type: ignore[no-untyped-def]
    """Put into list ``which`` where the nodes ``keys[first:first + n]`` go on ``byte``, in order."""
    count = 0
    for i in range(first, first + n):
        node = tables.keys[i]
        for edge in range(tables.edge_start[node], tables.edge_start[node + 1]):
            if tables.edges[edge, 0] <= byte <= tables.edges[edge, 1]:
                tables.lists[which, count] = tables.edges[edge, 2]
                count += 1
                break
    tables.lengths[which] = count


@uncounted
def expand(heap, tables, state):  # type: ignore[no-untyped-def]
    """Fill the row of ``state``, which neither looks ahead nor behind; False where room is short."""
    first = tables.key_at[state, 0]
    n_nodes = tables.key_at[state, 1]
    n_words = tables.key_at[state, 3]
    for byte in range(257):
        tables.cuts[byte] = 0
    for i in range(first, first + n_nodes + n_words):
        node = tables.keys[i]
        for edge in range(tables.edge_start[node], tables.edge_start[node + 1]):
            tables.cuts[tables.edges[edge, 0]] = 1
            tables.cuts[tables.edges[edge, 1] + 1] = 1
    code = 0
    for byte in range(256):
        if byte == 0 or tables.cuts[byte] != 0:
            add_targets(tables, FRESH, first, n_nodes, byte)
            code = 0
            if tables.lengths[FRESH] > 0:
                add_targets(tables, WORDS, first + n_nodes, n_words, byte)
                code = close_and_intern(heap, tables)
                if code < 0:
                    return False
        tables.row[byte] = code
    for byte in range(256):
        heap[heap[DELTA] + (state << 8) + byte] = tables.row[byte]
    return True


@uncounted
def expand_ahead(heap, tables, state, most):  # type: ignore[no-untyped-def]
    """Fill the row of ``state`` and of at most ``most`` states behind it; False where room is short.

    Those whose lexemes end as the next byte says are left to the caller.
    """
    queue = tables.ahead
    queue[0] = state
    n, at, done = 1, 0, 0
    while at < n and done <= most:
        state = queue[at]
        at += 1
        row = heap[DELTA] + (state << 8)
        if heap[row] == UNKNOWN:
            if heap[heap[ACCEPTS] + state] <= CONDITIONAL:
                continue
            if not expand(heap, tables, state):
                return False
            done += 1
        last = 0
        for byte in range(256):
            code = heap[row + byte]
            if code > 0 and code != last and n < queue.shape[0] and heap[heap[DELTA] + (code << 8)] == UNKNOWN:
                is_new = True
                for i in range(n):
                    is_new = is_new and queue[i] != code
                if is_new:
                    queue[n] = code
                    n += 1
            last = code
    return True


@uncounted
def expand_all(heap, tables, states, most):  # type: ignore[no-untyped-def]
    """``expand_ahead`` of several states; returns how many are left to the caller, as all are where room is short."""
    n_left = 0
    for i in range(states.shape[0]):
        if heap[heap[DELTA] + (states[i] << 8)] == UNKNOWN:
            if not expand_ahead(heap, tables, states[i], most):
                return states.shape[0]
            if heap[heap[DELTA] + (states[i] << 8)] == UNKNOWN:
                n_left += 1
    return n_left
