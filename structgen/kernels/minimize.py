"""Trim, minimise and number a deterministic automaton in one call.

Trimming drops the states from which no acceptance can be reached: a byte that leads there
must never be allowed, and it makes ``DEAD`` the only state that means "no". Minimisation
is Hopcroft's in the form of Valmari ("Fast brief practical DFA minimization", Information
Processing Letters 112, 2012), which works on partial automata, so dead transitions cost
nothing: O(m log n) for m live transitions. Numbering is breadth first with byte classes
ordered by their least byte, so two automata have the same language exactly when their
arrays are equal.

Moore's refinement was rejected: a chain of n states (a bounded repetition) takes it n
rounds.
"""

from __future__ import annotations

import numpy as np

from structgen.kernels.jit import kernel


@kernel
def minimize(class_of, transitions, accepting, n, start):  # type: ignore[no-untyped-def]
    """The least automaton of the first ``n`` rows: ``(class_of, transitions, accepting)``.

    Row 0 must be dead. In the result 0 is dead, the start is 1, and an empty language has
    only row 0.
    """
    n_classes = transitions.shape[1]
    # --- states reachable from the start
    reach = np.zeros(n, np.bool_)
    queue = np.empty(n, np.int32)
    tail = 0
    if start != 0:
        reach[start] = True
        queue[0] = start
        tail = 1
    head = 0
    m = 0
    while head < tail:
        s = queue[head]
        head += 1
        for c in range(n_classes):
            t = transitions[s, c]
            if t != 0:
                m += 1
                if not reach[t]:
                    reach[t] = True
                    queue[tail] = t
                    tail += 1
    # --- states that reach acceptance: walk the reversed edges
    into_start = np.zeros(n + 1, np.int32)
    for k in range(tail):
        s = queue[k]
        for c in range(n_classes):
            t = transitions[s, c]
            if t != 0:
                into_start[t + 1] += 1
    for s in range(n):
        into_start[s + 1] += into_start[s]
    into = np.empty(m, np.int32)
    fill = into_start.copy()
    for k in range(tail):
        s = queue[k]
        for c in range(n_classes):
            t = transitions[s, c]
            if t != 0:
                into[fill[t]] = s
                fill[t] += 1
    live = np.zeros(n, np.bool_)
    stack = np.empty(n, np.int32)
    top = 0
    for k in range(tail):
        s = queue[k]
        if accepting[s]:
            live[s] = True
            stack[top] = s
            top += 1
    while top > 0:
        top -= 1
        t = stack[top]
        for k in range(into_start[t], into_start[t + 1]):
            s = into[k]
            if not live[s]:
                live[s] = True
                stack[top] = s
                top += 1
    if start == 0 or not live[start]:
        return np.zeros(256, np.uint8), np.zeros((1, 1), np.int32), np.zeros(1, np.bool_)

    # --- compact numbers 0..nn-1 and the live transitions, grouped by class
    index = np.full(n, -1, np.int32)
    states = np.empty(tail, np.int32)
    nn = 0
    for k in range(tail):
        s = queue[k]
        if live[s]:
            index[s] = nn
            states[nn] = s
            nn += 1
    tails = np.empty(m, np.int32)
    heads = np.empty(m, np.int32)
    cord_of = np.empty(m, np.int32)
    size = max(nn, m) + 1
    cord_first = np.empty(size, np.int32)
    cord_past = np.empty(size, np.int32)
    n_cords = 0
    mm = 0
    for c in range(n_classes):
        before = mm
        for i in range(nn):
            t = transitions[states[i], c]
            if t != 0 and live[t]:
                tails[mm] = i
                heads[mm] = index[t]
                cord_of[mm] = n_cords
                mm += 1
        if mm > before:
            cord_first[n_cords] = before
            cord_past[n_cords] = mm
            n_cords += 1
    cord_elem = np.arange(mm).astype(np.int32)
    cord_loc = cord_elem.copy()
    # adjacency by head
    head_start = np.zeros(nn + 1, np.int32)
    for k in range(mm):
        head_start[heads[k] + 1] += 1
    for s in range(nn):
        head_start[s + 1] += head_start[s]
    by_head = np.empty(mm, np.int32)
    fill = head_start.copy()
    for k in range(mm):
        h = heads[k]
        by_head[fill[h]] = k
        fill[h] += 1
    # --- blocks: accepting first
    elem = np.empty(nn, np.int32)
    loc = np.empty(nn, np.int32)
    block_of = np.zeros(nn, np.int32)
    first = np.empty(size, np.int32)
    past = np.empty(size, np.int32)
    at = 0
    for i in range(nn):
        if accepting[states[i]]:
            elem[at] = i
            loc[i] = at
            at += 1
    n_accepting = at
    for i in range(nn):
        if not accepting[states[i]]:
            elem[at] = i
            loc[i] = at
            block_of[i] = 1
            at += 1
    first[0] = 0
    past[0] = n_accepting
    n_blocks = 1
    if n_accepting < nn:
        first[1] = n_accepting
        past[1] = nn
        n_blocks = 2
    marked = np.zeros(size, np.int32)
    touched = np.empty(size, np.int32)
    b = 1
    c = 0
    while c < n_cords:
        # split blocks by the states that have a transition in cord c
        w = 0
        for i in range(cord_first[c], cord_past[c]):
            e = tails[cord_elem[i]]
            s = block_of[e]
            x = loc[e]
            j = first[s] + marked[s]
            other = elem[j]
            elem[x] = other
            loc[other] = x
            elem[j] = e
            loc[e] = j
            if marked[s] == 0:
                touched[w] = s
                w += 1
            marked[s] += 1
        while w > 0:
            w -= 1
            s = touched[w]
            j = first[s] + marked[s]
            if j == past[s]:
                marked[s] = 0
                continue
            z = n_blocks
            if marked[s] <= past[s] - j:
                first[z] = first[s]
                past[z] = j
                first[s] = j
            else:
                past[z] = past[s]
                first[z] = j
                past[s] = j
            for i in range(first[z], past[z]):
                block_of[elem[i]] = z
            marked[s] = 0
            marked[z] = 0
            n_blocks += 1
        c += 1
        # split cords by the blocks that their heads are in
        while b < n_blocks:
            w = 0
            for i in range(first[b], past[b]):
                h = elem[i]
                for k in range(head_start[h], head_start[h + 1]):
                    e = by_head[k]
                    s = cord_of[e]
                    x = cord_loc[e]
                    j = cord_first[s] + marked[s]
                    other = cord_elem[j]
                    cord_elem[x] = other
                    cord_loc[other] = x
                    cord_elem[j] = e
                    cord_loc[e] = j
                    if marked[s] == 0:
                        touched[w] = s
                        w += 1
                    marked[s] += 1
            while w > 0:
                w -= 1
                s = touched[w]
                j = cord_first[s] + marked[s]
                if j == cord_past[s]:
                    marked[s] = 0
                    continue
                z = n_cords
                if marked[s] <= cord_past[s] - j:
                    cord_first[z] = cord_first[s]
                    cord_past[z] = j
                    cord_first[s] = j
                else:
                    cord_past[z] = cord_past[s]
                    cord_first[z] = j
                    cord_past[s] = j
                for i in range(cord_first[z], cord_past[z]):
                    cord_of[cord_elem[i]] = z
                marked[s] = 0
                marked[z] = 0
                n_cords += 1
            b += 1

    # --- one row per block; equal columns merge into one class
    rows = np.zeros((n_blocks, n_classes), np.int32)
    for z in range(n_blocks):
        s = states[elem[first[z]]]
        for c in range(n_classes):
            t = transitions[s, c]
            rows[z, c] = block_of[index[t]] + 1 if t != 0 and live[t] else 0
    new_class = np.empty(n_classes, np.int32)
    column = np.empty(n_classes, np.int32)
    n_columns = 0
    for c in range(n_classes):
        same = -1
        for k in range(n_columns):
            equal = True
            for z in range(n_blocks):
                if rows[z, c] != rows[z, column[k]]:
                    equal = False
                    break
            if equal:
                same = k
                break
        if same < 0:
            same = n_columns
            column[same] = c
            n_columns += 1
        new_class[c] = same
    # Classes may come unordered (a product's are pairs): number by least byte.
    number = np.full(n_columns, -1, np.int32)
    order = np.empty(n_columns, np.int32)
    used = 0
    out_class = np.empty(256, np.uint8)
    for byte in range(256):
        k = new_class[class_of[byte]]
        if number[k] < 0:
            number[k] = used
            order[used] = column[k]
            used += 1
        out_class[byte] = number[k]
    # --- breadth-first numbers, start at 1
    name = np.zeros(n_blocks, np.int32)
    turn = np.empty(n_blocks, np.int32)
    turn[0] = block_of[index[start]]
    name[turn[0]] = 1
    tail = 1
    head = 0
    out = np.zeros((n_blocks + 1, used), np.int32)
    out_accepting = np.zeros(n_blocks + 1, np.bool_)
    while head < tail:
        z = turn[head]
        head += 1
        out_accepting[head] = accepting[states[elem[first[z]]]]
        for k in range(used):
            t = rows[z, order[k]]
            if t != 0:
                if name[t - 1] == 0:
                    turn[tail] = t - 1
                    tail += 1
                    name[t - 1] = tail
                out[head, k] = name[t - 1]
    return out_class, out, out_accepting
