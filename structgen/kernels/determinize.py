"""From an NFA to a DFA by subsets.

A set of NFA states lives, unsorted and without
its epsilon-only members, in one arena; two sets are compared by stamping one of them and
looking every member of the other up, so nothing is ever sorted. All bytes a state treats
alike are handled once: the sweep over byte classes computes a target only where some edge
begins or ends. Sets reached over one edge are remembered per NFA state, which makes the
deterministic stretches of a pattern (most of most patterns) cost a lookup per edge.

Of states that are one state in several optional copies of a repetition only the first is kept
(``nfa.build_nfa``): simulation, as in De Wulf, Doyen, Henzinger and Raskin's antichains (CAV 2006), where
it is known for nothing.

The arrays grow inside the kernel, by doubling, and the kernel returns after ``work_limit``
elementary steps with everything needed to go on; so the caller can watch a clock and state
limits without the kernel knowing either. Rejected: sorted sets (twice the time on sets of a
thousand members), and Brzozowski derivatives (a Python object per state).
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import inlined, kernel, uncounted

DONE, MORE, STATES_FULL, ARENA_FULL, _NO_ROOM = 0, 1, 2, 3, 4
# What ``progress`` tells: states found, next state to expand, arena used, work done, last stamp.
N, AT, USED, WORK, STAMP = 0, 1, 2, 3, 4
HASH_BITS = (1 << 62) - 1


@inlined
def hash_state(q):  # type: ignore[no-untyped-def]
    """62 bits of an NFA state; a set's hash is their sum, so order does not matter. Never overflows int64."""
    h = (np.int64(q) + 1) * 2654435761 & 0x7FFFFFFF
    return (h ^ (h >> 15)) * 2246822519 & HASH_BITS


@kernel
def byte_classes(edge_low, edge_high):  # type: ignore[no-untyped-def]
    """Classes of bytes that no edge tells apart: ``(class_of uint8[256], n_classes)``."""
    begins = np.zeros(257, np.bool_)
    for e in range(edge_low.shape[0]):
        begins[edge_low[e]] = True
        begins[edge_high[e] + 1] = True
    class_of = np.empty(256, np.uint8)
    current = 0
    for b in range(256):
        if b > 0 and begins[b]:
            current += 1
        class_of[b] = current
    return class_of, current + 1


@kernel
def determinize(  # type: ignore[no-untyped-def]
    start, final, edge_start, edge_low, edge_high, edge_dst, eps_start, eps_dst, absorbing, chain, class_of, n_classes,
    progress, arena, set_start, set_hash, accepting, transitions, table, single, work_limit, max_states, max_arena,
):  # fmt: skip
    """Continue the subset construction for about ``work_limit`` steps.

    ``progress`` int64[5], in place, see above. The arrays after it (``arena``, ``set_start``, ``set_hash``,
    ``accepting``, ``transitions``, ``table``, ``single``) are the construction's memory; they are
    replaced as they grow, and returned in that order after the code DONE, MORE, STATES_FULL or ARENA_FULL. Begin with
    zeros, ``single`` with -1 and ``progress`` of zeros. DFA state 0 is the empty set, 1 the start's.
    """
    n_nfa = edge_start.shape[0] - 1
    mark = np.zeros(n_nfa, np.int64)
    stack = np.empty(n_nfa, np.int32)
    found = np.empty(n_nfa, np.int32)
    first = np.empty(n_nfa if np.any(chain >= 0) else 0, np.int32)
    active = np.empty(edge_low.shape[0] + 1, np.int32)
    bound = np.zeros(n_classes + 1, np.bool_)
    first_class, last_class = _classes_of_edges(edge_low, edge_high, class_of)
    progress[N] = max(progress[N], 1)
    enough = progress[WORK] + work_limit
    code = _NO_ROOM
    while code == _NO_ROOM:
        code = _expand(
            start, final, edge_start, edge_dst, eps_start, eps_dst, absorbing, chain,
            first_class, last_class, n_classes, mark, stack, found, first, active, bound,
            progress, arena, set_start, set_hash, accepting, transitions, table, single, enough, max_states, max_arena,
        )  # fmt: skip
        if code == _NO_ROOM:
            n, used = progress[N], progress[USED]
            if used + n_nfa > arena.shape[0]:
                arena = _longer(arena, used, 2 * (used + n_nfa))
            if n + 2 > set_start.shape[0]:
                room = 2 * (n + 2)
                set_start = _longer(set_start, n + 1, room)
                set_hash = _longer(set_hash, n, room)
                accepting = _longer(accepting, n, room)
                transitions = _taller(transitions, n, room)
            if 2 * (n + 1) > table.shape[0]:
                table = _wider_table(set_hash, n, 4 * table.shape[0])
    return code, arena, set_start, set_hash, accepting, transitions, table


# Without reference counts: a kernel that counts them spends a tenth of its time on it here.
@uncounted
def _expand(  # type: ignore[no-untyped-def]
    start, final, edge_start, edge_dst, eps_start, eps_dst, absorbing, chain, first_class, last_class, n_classes,
    mark, stack, found, first, active, bound,
    progress, arena, set_start, set_hash, accepting, transitions, table, single, enough, max_states, max_arena,
):  # fmt: skip
    """Fill rows until all are filled, the work is done, or there is no room for a new set.

    A row that was begun when room ran out is begun anew; the sets it led to are known by then.
    """
    if progress[AT] == 0:
        # Row 0, the empty set's, stays zero; the start's set is the first to be found.
        progress[STAMP] += 1
        mark[start] = progress[STAMP]
        stack[0] = start
        target = _number_of(
            1, final, edge_start, eps_start, eps_dst, absorbing, chain, mark, stack, found, first,
            progress, arena, set_start, set_hash, accepting, table, max_states, max_arena,
        )  # fmt: skip
        if target < 0:
            return -target
        progress[AT] = 1
    while progress[AT] < progress[N]:
        if progress[WORK] > enough:
            return MORE
        at = progress[AT]
        n_active = _edges_from(at, arena, set_start, edge_start, first_class, last_class, active, bound)
        bound[0] = True
        target = np.int64(0)
        for c in range(n_classes):
            if bound[c]:
                bound[c] = False
                progress[WORK] += n_active
                progress[STAMP] += 1
                top = _seeds(c, active, n_active, first_class, last_class, edge_dst, mark, progress[STAMP], stack)
                # One seed alone is usually known already.
                seed = stack[0] if top == 1 else -1
                target = np.int64(0)
                if seed >= 0 and single[seed] >= 0:
                    target = np.int64(single[seed])
                elif top > 0:
                    target = _number_of(
                        top, final, edge_start, eps_start, eps_dst, absorbing, chain, mark, stack, found, first,
                        progress, arena, set_start, set_hash, accepting, table, max_states, max_arena,
                    )  # fmt: skip
                    if target < 0:
                        for k in range(n_classes + 1):
                            bound[k] = False
                        return -target
                    if seed >= 0:
                        single[seed] = target
            transitions[at, c] = target
        bound[n_classes] = False
        progress[AT] = at + 1
    return DONE


@uncounted
def _number_of(  # type: ignore[no-untyped-def]
    top, final, edge_start, eps_start, eps_dst, absorbing, chain, mark, stack, found, first,
    progress, arena, set_start, set_hash, accepting, table, max_states, max_arena,
):  # fmt: skip
    """The number of the set that the stacked states stand for, new or not; a negative code if it is one too many."""
    size, mixed, accepts = _closure(top, stack, found, mark, progress, final, absorbing, edge_start, eps_start, eps_dst)
    if size == 0:
        return np.int64(0)
    if size > 1 and first.shape[0] > 0:
        size, mixed = _first_of_chains(found, size, mixed, chain, first, mark, progress)
    # Membership must be of members only, so stamp those anew.
    progress[STAMP] += 1
    target, slot = _find_set(found, size, mixed, mark, progress, arena, set_start, set_hash, table)
    if target != 0:
        return np.int64(target)
    n, used = progress[N], progress[USED]
    if n >= max_states:
        return np.int64(-STATES_FULL)
    if used + size > max_arena:
        return np.int64(-ARENA_FULL)
    if used + size > arena.shape[0] or n + 2 > set_start.shape[0] or 2 * (n + 1) > table.shape[0]:
        return np.int64(-_NO_ROOM)
    for k in range(size):
        arena[used + k] = found[k]
    set_start[n + 1] = used + size
    set_hash[n] = mixed
    accepting[n] = accepts
    table[slot] = n
    progress[N] = n + 1
    progress[USED] = used + size
    return n


@kernel
def _classes_of_edges(edge_low, edge_high, class_of):  # type: ignore[no-untyped-def]
    """The first and the last byte class of each edge."""
    first_class = np.empty(edge_low.shape[0], np.int32)
    last_class = np.empty(edge_low.shape[0], np.int32)
    for e in range(edge_low.shape[0]):
        first_class[e] = class_of[edge_low[e]]
        last_class[e] = class_of[edge_high[e]]
    return first_class, last_class


@inlined
def _edges_from(at, arena, set_start, edge_start, first_class, last_class, active, bound):  # type: ignore[no-untyped-def]
    """Collect the edges that leave a set, and the classes at which they begin or end; returns how many."""
    n_active = 0
    for k in range(set_start[at], set_start[at + 1]):
        q = arena[k]
        for e in range(edge_start[q], edge_start[q + 1]):
            active[n_active] = e
            n_active += 1
            bound[first_class[e]] = True
            bound[last_class[e] + 1] = True
    return n_active


@inlined
def _seeds(c, active, n_active, first_class, last_class, edge_dst, mark, stamp, stack):  # type: ignore[no-untyped-def]
    """Stack and stamp the states that edges of class ``c`` lead to; returns how many."""
    top = 0
    for k in range(n_active):
        e = active[k]
        if first_class[e] <= c and c <= last_class[e]:
            q = edge_dst[e]
            if mark[q] != stamp:
                mark[q] = stamp
                stack[top] = q
                top += 1
    return top


@inlined
def _closure(top, stack, found, mark, progress, final, absorbing, edge_start, eps_start, eps_dst):  # type: ignore[no-untyped-def]
    """Epsilon closure of the stacked states: how many ``found``, their hash, and whether one accepts.

    Only states that read a byte or accept are members.
    """
    size = 0
    mixed = np.int64(0)
    accepts = False
    stamp = progress[STAMP]
    work = 0
    while top > 0:
        top -= 1
        q = stack[top]
        work += 1
        if absorbing[q]:
            accepts = True
            found[0] = q
            size = 1
            mixed = hash_state(q)
            break
        if q == final:
            accepts = True
        if q == final or edge_start[q] != edge_start[q + 1]:
            found[size] = q
            size += 1
            mixed = (mixed + hash_state(q)) & HASH_BITS
        for k in range(eps_start[q], eps_start[q + 1]):
            r = eps_dst[k]
            if mark[r] != stamp:
                mark[r] = stamp
                stack[top] = r
                top += 1
    progress[WORK] += work
    return size, mixed, accepts


@inlined
def _first_of_chains(found, size, mixed, chain, first, mark, progress):  # type: ignore[no-untyped-def]
    """Of each chain keep the first state alone, which reads whatever the others read; the new size and hash."""
    progress[STAMP] += 1
    stamp = progress[STAMP]
    for k in range(size):
        q = found[k]
        c = chain[q]
        if c >= 0 and (mark[c] != stamp or q < first[c]):
            mark[c] = stamp
            first[c] = q
    kept = 0
    for k in range(size):
        q = found[k]
        if chain[q] >= 0 and first[chain[q]] != q:
            mixed = (mixed - hash_state(q)) & HASH_BITS
        else:
            found[kept] = q
            kept += 1
    return kept, mixed


@inlined
def _find_set(found, size, mixed, mark, progress, arena, set_start, set_hash, table):  # type: ignore[no-untyped-def]
    """The number of the set ``found`` (0: it is new), and its slot in ``table``."""
    stamp = progress[STAMP]
    for k in range(size):
        mark[found[k]] = stamp
    slots = table.shape[0] - 1
    slot = (mixed ^ (mixed >> 31)) & slots
    target = 0
    while table[slot] != 0:
        other = table[slot]
        if set_hash[other] == mixed and set_start[other + 1] - set_start[other] == size:
            same = True
            for k in range(set_start[other], set_start[other + 1]):
                if mark[arena[k]] != stamp:
                    same = False
                    break
            progress[WORK] += size
            if same:
                target = other
                break
        slot = (slot + 1) & slots
    return target, slot


@kernel
def _longer(values, n, room):  # type: ignore[no-untyped-def]
    """A copy of the first ``n`` of ``values``, with room for more."""
    copy = np.zeros(room, values.dtype)
    copy[:n] = values[:n]
    return copy


@kernel
def _taller(rows, n, room):  # type: ignore[no-untyped-def]
    """The same for rows."""
    copy = np.zeros((room, rows.shape[1]), np.int32)
    copy[:n] = rows[:n]
    return copy


@kernel
def _wider_table(set_hash, n, room):  # type: ignore[no-untyped-def]
    """The table of the sets from 1 to ``n - 1``, with ``room`` slots."""
    slots = room - 1
    table = np.zeros(room, np.int32)
    for s in range(1, n):
        slot = (set_hash[s] ^ (set_hash[s] >> 31)) & slots
        while table[slot] != 0:
            slot = (slot + 1) & slots
        table[slot] = s
    return table
