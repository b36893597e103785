"""From a program to an NFA, and from the NFA to a DFA by subsets.

``build_nfa`` runs a postfix program over a stack of fragments (Thompson's construction).
It is compiled because a bounded repetition copies its block ``max`` times: done here a
copy is a few array moves, done in Python it is an object per state.

``determinize`` is the subset construction. A set of NFA states lives, unsorted and without
its epsilon-only members, in one arena; two sets are compared by stamping one of them and
looking every member of the other up, so nothing is ever sorted. All bytes a state treats
alike are handled once: the sweep over byte classes computes a target only where some edge
begins or ends. Sets reached over one edge are remembered per NFA state, which makes the
deterministic stretches of a pattern (most of most patterns) cost a lookup per edge.

The arrays grow inside the kernel, by doubling, and the kernel returns after ``work_limit``
elementary steps with everything needed to go on; so the caller can watch a clock and state
limits without the kernel knowing either. Rejected: sorted sets (twice the time on sets of a
thousand members), and Brzozowski derivatives (a Python object per state).
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import inlined, kernel

FRAGMENT, CONCAT, ALTERNATE, REPEAT, EPSILON, NOTHING, TAIL = 0, 1, 2, 3, 4, 5, 6
DONE, MORE, STATES_FULL, ARENA_FULL = 0, 1, 2, 3
EPS = -1  # an edge whose lower byte is EPS reads nothing


HASH_BITS = (1 << 62) - 1


@inlined
def hash_state(q):  # type: ignore[no-untyped-def]
    """62 bits of an NFA state; a set's hash is their sum, so order does not matter. Never overflows int64."""
    h = (np.int64(q) + 1) * 2654435761 & 0x7FFFFFFF
    return (h ^ (h >> 15)) * 2246822519 & HASH_BITS


@kernel
def build_nfa(code, pc, n_states, n_edges, depth):  # type: ignore[no-untyped-def]
    """Run the program that starts at ``code[pc]`` and sort the NFA's edges by source.

    ``code`` is int32: fragments ``(n_states, n_edges, src, lo, hi, dst, src, ...)`` whose
    state 0 is the entry and 1 the exit, then instructions up to its end. ``n_states`` and
    ``n_edges`` are the exact sizes of the result, ``depth`` the stack's.

    ``TAIL`` is a fragment that loops: any text to the very end. A state set that holds such a state
    accepts whatever follows, so ``determinize`` keeps nothing else of it; an unanchored search would
    otherwise go on tracking matches after the first.

    Returns ``(start, final, edge_start[n+1], lo, hi, dst, eps_start[n+1], eps_dst, absorbing[n])``.
    """
    src = np.empty(n_edges, np.int32)
    low = np.empty(n_edges, np.int32)
    high = np.empty(n_edges, np.int32)
    dst = np.empty(n_edges, np.int32)
    first_state = np.empty(depth, np.int32)
    first_edge = np.empty(depth, np.int32)
    entry = np.empty(depth, np.int32)
    leave = np.empty(depth, np.int32)
    tails = np.empty(depth, np.int32)
    n_tails = 0
    top = 0
    ns = 0
    ne = 0
    while pc < code.shape[0]:
        op = code[pc]
        if op in (FRAGMENT, TAIL):
            at = code[pc + 1]
            pc += 2
            first_state[top] = ns
            first_edge[top] = ne
            entry[top] = ns
            leave[top] = ns + 1
            top += 1
            if op == TAIL:
                for edge, target in ((ns, ns + 1), (ns + 1, ns)):
                    src[ne] = edge
                    low[ne] = EPS
                    high[ne] = EPS
                    dst[ne] = target
                    ne += 1
                tails[n_tails] = ns
                n_tails += 1
            count = code[at + 1]
            for k in range(count):
                base = at + 2 + 4 * k
                src[ne] = code[base] + ns
                low[ne] = code[base + 1]
                high[ne] = code[base + 2]
                dst[ne] = code[base + 3] + ns
                ne += 1
            ns += code[at]
        elif op in (EPSILON, NOTHING):
            pc += 1
            first_state[top] = ns
            first_edge[top] = ne
            entry[top] = ns
            leave[top] = ns + 1
            top += 1
            if op == EPSILON:
                src[ne] = ns
                low[ne] = EPS
                high[ne] = EPS
                dst[ne] = ns + 1
                ne += 1
            ns += 2
        elif op == CONCAT:
            n = code[pc + 1]
            pc += 2
            base = top - n
            for k in range(n - 1):
                src[ne] = leave[base + k]
                low[ne] = EPS
                high[ne] = EPS
                dst[ne] = entry[base + k + 1]
                ne += 1
            leave[base] = leave[top - 1]
            top = base + 1
        elif op == ALTERNATE:
            n = code[pc + 1]
            pc += 2
            base = top - n
            for k in range(n):
                src[ne] = ns
                low[ne] = EPS
                high[ne] = EPS
                dst[ne] = entry[base + k]
                ne += 1
                src[ne] = leave[base + k]
                low[ne] = EPS
                high[ne] = EPS
                dst[ne] = ns + 1
                ne += 1
            entry[base] = ns
            leave[base] = ns + 1
            ns += 2
            top = base + 1
        else:  # REPEAT
            least = code[pc + 1]
            most = code[pc + 2]
            pc += 3
            base = top - 1
            copies = max(most, least, 1)
            s0 = first_state[base]
            e0 = first_edge[base]
            block_states = ns - s0
            block_edges = ne - e0
            one_entry = entry[base]
            one_leave = leave[base]
            for k in range(1, copies):
                shift = k * block_states
                for e in range(e0, e0 + block_edges):
                    src[ne] = src[e] + shift
                    low[ne] = low[e]
                    high[ne] = high[e]
                    dst[ne] = dst[e] + shift
                    ne += 1
            ns += (copies - 1) * block_states
            new_entry = ns
            new_leave = ns + 1
            ns += 2
            previous = new_entry
            for k in range(copies + 1):
                # previous is where k copies are behind us
                if k < copies:
                    src[ne] = previous
                    low[ne] = EPS
                    high[ne] = EPS
                    dst[ne] = one_entry + k * block_states
                    ne += 1
                if k >= least:
                    src[ne] = previous
                    low[ne] = EPS
                    high[ne] = EPS
                    dst[ne] = new_leave
                    ne += 1
                previous = one_leave + k * block_states
            if most < 0:
                last = (copies - 1) * block_states
                src[ne] = one_leave + last
                low[ne] = EPS
                high[ne] = EPS
                dst[ne] = one_entry + last
                ne += 1
            entry[base] = new_entry
            leave[base] = new_leave

    edge_start = np.zeros(ns + 1, np.int32)
    eps_start = np.zeros(ns + 1, np.int32)
    for e in range(ne):
        if low[e] == EPS:
            eps_start[src[e] + 1] += 1
        else:
            edge_start[src[e] + 1] += 1
    for s in range(ns):
        edge_start[s + 1] += edge_start[s]
        eps_start[s + 1] += eps_start[s]
    out_low = np.empty(edge_start[ns], np.int32)
    out_high = np.empty(edge_start[ns], np.int32)
    out_dst = np.empty(edge_start[ns], np.int32)
    eps_dst = np.empty(eps_start[ns], np.int32)
    edge_at = edge_start.copy()
    eps_at = eps_start.copy()
    for e in range(ne):
        s = src[e]
        if low[e] == EPS:
            eps_dst[eps_at[s]] = dst[e]
            eps_at[s] += 1
        else:
            k = edge_at[s]
            out_low[k] = low[e]
            out_high[k] = high[e]
            out_dst[k] = dst[e]
            edge_at[s] = k + 1
    absorbing = np.zeros(ns, np.bool_)
    for k in range(n_tails):
        absorbing[tails[k]] = True
    return entry[0], leave[0], edge_start, out_low, out_high, out_dst, eps_start, eps_dst, absorbing


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
    start, final, edge_start, edge_low, edge_high, edge_dst, eps_start, eps_dst, absorbing, class_of, n_classes,
    progress, arena, set_start, set_hash, accepting, transitions, table, single, work_limit, max_states, max_arena,
):  # fmt: skip
    """Continue the subset construction for about ``work_limit`` steps.

    ``progress`` int64[4], in place: states found, next state to expand, arena used, work
    done. The arrays after it (``arena``, ``set_start``, ``set_hash``, ``accepting``,
    ``transitions``, ``table``, ``single``) are the construction's memory; they are replaced as they
    grow, and returned in that order after the code DONE, MORE, STATES_FULL or ARENA_FULL. Begin with
    zeros, ``single`` with -1 and ``progress`` of zeros. DFA state 0 is the empty set, 1 the start's.
    """
    n_nfa = edge_start.shape[0] - 1
    mark = np.zeros(n_nfa, np.int64)
    stamp = 0
    stack = np.empty(n_nfa, np.int32)
    found = np.empty(n_nfa, np.int32)
    active = np.empty(edge_low.shape[0] + 1, np.int32)
    bound = np.zeros(n_classes + 1, np.bool_)
    first_class = np.empty(edge_low.shape[0], np.int32)
    last_class = np.empty(edge_low.shape[0], np.int32)
    for e in range(edge_low.shape[0]):
        first_class[e] = class_of[edge_low[e]]
        last_class[e] = class_of[edge_high[e]]

    n = progress[0]
    at = progress[1]
    used = progress[2]
    work = 0
    code = DONE
    first = n == 0
    if first:
        n = 1
        at = 0
        set_start[1] = 0
    while at < n:
        if work > work_limit:
            code = MORE
            break
        # Collect the edges that leave this set, and the classes at which they begin or end.
        n_active = 0
        if not first:
            for k in range(set_start[at], set_start[at + 1]):
                q = arena[k]
                for e in range(edge_start[q], edge_start[q + 1]):
                    active[n_active] = e
                    n_active += 1
                    bound[first_class[e]] = True
                    bound[last_class[e] + 1] = True
        bound[0] = True
        target = 0
        for c in range(n_classes):
            if not bound[c]:
                transitions[at, c] = target
                continue
            bound[c] = False
            # Seeds of the target set; one seed alone is usually known already.
            stamp += 1
            top = 0
            seed = -1
            if first:
                seed = start
                stack[0] = start
                mark[start] = stamp
                top = 1
            else:
                work += n_active
                for k in range(n_active):
                    e = active[k]
                    if first_class[e] <= c and c <= last_class[e]:
                        q = edge_dst[e]
                        if mark[q] != stamp:
                            mark[q] = stamp
                            stack[top] = q
                            top += 1
                            seed = q
            if top == 0:
                target = 0
                transitions[at, c] = 0
                continue
            alone = top == 1
            if alone and single[seed] >= 0:
                target = single[seed]
                transitions[at, c] = target
                continue
            # Epsilon closure; only states that read a byte or accept are members.
            size = 0
            mixed = np.int64(0)
            accepts = False
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
            if size == 0:
                target = 0
            else:
                # Membership must be of members only, so stamp those anew.
                stamp += 1
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
                        work += size
                        if same:
                            target = other
                            break
                    slot = (slot + 1) & slots
                if target == 0:
                    if n >= max_states:
                        code = STATES_FULL
                        break
                    if used + size > max_arena:
                        code = ARENA_FULL
                        break
                    if used + size > arena.shape[0]:
                        bigger = np.empty(2 * (used + size), np.int32)
                        bigger[:used] = arena[:used]
                        arena = bigger
                    if n + 2 > set_start.shape[0]:
                        room = 2 * (n + 2)
                        grown = np.zeros(room, np.int64)
                        grown[: n + 1] = set_start[: n + 1]
                        set_start = grown
                        hashes = np.zeros(room, np.int64)
                        hashes[:n] = set_hash[:n]
                        set_hash = hashes
                        flags = np.zeros(room, np.bool_)
                        flags[:n] = accepting[:n]
                        accepting = flags
                        rows = np.zeros((room, n_classes), np.int32)
                        rows[:n] = transitions[:n]
                        transitions = rows
                    for k in range(size):
                        arena[used + k] = found[k]
                    used += size
                    target = n
                    set_start[n + 1] = used
                    set_hash[n] = mixed
                    accepting[n] = accepts
                    table[slot] = n
                    n += 1
                    if 2 * n > table.shape[0]:
                        slots = 4 * table.shape[0] - 1
                        table = np.zeros(slots + 1, np.int32)
                        for s in range(1, n):
                            slot = (set_hash[s] ^ (set_hash[s] >> 31)) & slots
                            while table[slot] != 0:
                                slot = (slot + 1) & slots
                            table[slot] = s
            if alone:
                single[seed] = target
            transitions[at, c] = target
            if first:
                break
        if code != DONE:
            for c in range(n_classes + 1):
                bound[c] = False
            break
        bound[n_classes] = False
        if first:
            # State 0 reads nothing; its row stays zero.
            first = False
            for c in range(n_classes):
                transitions[0, c] = 0
            at = 0
        at += 1
    progress[0] = n
    progress[1] = at
    progress[2] = used
    progress[3] += work
    return code, arena, set_start, set_hash, accepting, transitions, table
