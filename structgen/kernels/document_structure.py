"""What stands between the lexemes of ``kernels.document``: brackets, colons, commas and blanks."""

from __future__ import annotations

from structgen.kernels.document_frames import value_done
from structgen.kernels.document_registers import (
    DIES,
    F_CHILDREN,
    F_CLOSE,
    F_HIGH,
    F_KIND,
    F_LOW,
    F_MAY_CLOSE,
    F_MAY_GO_ON,
    F_NEXT,
    FULL,
    GENERAL_ARRAY,
    GENERAL_OBJECT,
    GOES,
    M_AFTER,
    M_COLON,
    M_END,
    M_FIRST_ITEM,
    M_FIRST_KEY,
    M_KEY,
    M_NUMBER,
    M_VALUE,
    M_WORD,
    MISSING,
    NEED_CHILD,
    NEED_FRAME,
    NEED_TYPE,
    NO_LIMIT,
    NUMBER_CLASS,
    PLAIN_ARRAY,
    PLAIN_OBJECT,
    PRETTY,
    R_A,
    R_B,
    R_C,
    R_CELL,
    R_COUNT,
    R_FRAME,
    R_FREE,
    R_MODE,
    R_POPPED,
    R_VALUE,
    T_ARRAY,
    T_FALSE,
    T_NULL,
    T_NUMBER,
    T_OBJECT,
    T_STRING,
    T_TRUE,
    TOP,
)
from structgen.kernels.document_text import start_string
from structgen.kernels.jit import inlined, uncounted


@uncounted
def _push(regs, frame, cells):
    cell = regs[R_FREE]
    if cell >= cells.shape[0]:
        return FULL
    cells[cell, 0] = regs[R_FRAME]
    cells[cell, 1] = regs[R_COUNT]
    cells[cell, 2] = regs[R_CELL]
    regs[R_FREE] = cell + 1
    regs[R_CELL] = cell
    regs[R_FRAME] = frame
    regs[R_COUNT] = 0
    regs[R_VALUE] = 0
    regs[R_A] = 0
    regs[R_B] = 0
    regs[R_C] = 0
    return GOES


@uncounted
def _close(regs, frames, cells, keys, results, n_cells, miss):
    """A closing bracket that the frame allows: pop, and step the parent on the verdict."""
    label = frames[regs[R_FRAME], F_CLOSE]
    cell = regs[R_CELL]
    if cell < n_cells:
        regs[R_POPPED] += 1
    regs[R_FRAME] = cells[cell, 0]
    regs[R_COUNT] = cells[cell, 1]
    regs[R_CELL] = cells[cell, 2]
    return value_done(regs, label, frames, keys, results, miss)


@inlined
def _may_close(regs, frames):
    frame = regs[R_FRAME]
    kind = frames[frame, F_KIND]
    if kind == PLAIN_OBJECT:
        return (regs[R_COUNT] & frames[frame, F_LOW]) == frames[frame, F_LOW]
    if kind == PLAIN_ARRAY:
        return regs[R_COUNT] >= frames[frame, F_LOW]
    return frames[frame, F_MAY_CLOSE] != 0


@uncounted
def _next_item(regs, frames, children, miss):
    """The value context of the next item into R_VALUE."""
    frame = regs[R_FRAME]
    if frames[frame, F_KIND] != PLAIN_ARRAY:
        if frames[frame, F_NEXT] < 0:
            miss[0] = NEED_FRAME
            miss[1] = frame
            return MISSING
        regs[R_VALUE] = frames[frame, F_NEXT]
        return GOES if frames[frame, F_NEXT] != 0 else DIES
    if regs[R_COUNT] >= frames[frame, F_HIGH]:
        return DIES
    position = min(regs[R_COUNT], frames[frame, F_NEXT])
    value = children[frames[frame, F_CHILDREN] + position]
    if value < 0:
        miss[0] = NEED_CHILD
        miss[1] = frame
        miss[2] = position
        return MISSING
    regs[R_VALUE] = value
    return GOES if value != 0 else DIES


@uncounted
def _start_value(regs, b, numbers, specs, values, frames, children, available, cells, miss):
    """The first byte of a value of context R_VALUE."""
    if b == 34:
        column = T_STRING
    elif b == 123:
        column = T_OBJECT
    elif b == 91:
        column = T_ARRAY
    elif b == 45 or 48 <= b <= 57:
        column = T_NUMBER
    elif b == 110:
        column = T_NULL
    elif b == 116:
        column = T_TRUE
    elif b == 102:
        column = T_FALSE
    else:
        return DIES
    handle = values[regs[R_VALUE], column]
    if handle < 0:
        miss[0] = NEED_TYPE
        miss[1] = regs[R_VALUE]
        miss[2] = column
        return MISSING
    if handle == 0:
        return DIES
    if column == T_STRING:
        return start_string(regs, specs, values, frames, available)
    if column == T_OBJECT:
        regs[R_MODE] = M_FIRST_KEY
        return _push(regs, handle, cells)
    if column == T_ARRAY:
        regs[R_MODE] = M_FIRST_ITEM
        return _push(regs, handle, cells)
    if column == T_NUMBER:
        regs[R_MODE] = M_NUMBER
        row = numbers[handle, NUMBER_CLASS[b]]
        regs[R_A] = row
        return GOES if row != 0 else DIES
    regs[R_MODE] = M_WORD
    regs[R_A] = column
    regs[R_B] = 1
    regs[R_C] = handle
    return GOES


@inlined
def is_space(b):
    return b == 32 or b == 10 or b == 13 or b == 9


@uncounted
def _may_go_on(regs, frames, miss):
    """Whether another name may follow in the object: GOES, DIES or MISSING."""
    frame = regs[R_FRAME]
    if frames[frame, F_KIND] == PLAIN_OBJECT:
        return GOES if (frames[frame, F_HIGH] & ~regs[R_COUNT]) != 0 else DIES
    if frames[frame, F_MAY_GO_ON] < 0:
        miss[0] = NEED_FRAME
        miss[1] = frame
        return MISSING
    return GOES if frames[frame, F_MAY_GO_ON] != 0 else DIES


@uncounted
def _pretty(regs, b, frames, children, cells, miss):
    """Whether the blanks before ``b``, or ``b`` as one more of them, are those of two spaces a level.

    A member stands on a line of its own, a closing bracket that follows one too; a colon is followed by one
    space. R_B counts the blanks of the gap so far.
    """
    mode = regs[R_MODE]
    behind = regs[R_B]
    kind = frames[regs[R_FRAME], F_KIND]
    depth = 0
    cell = regs[R_CELL]
    while cell != 0:
        depth += 1
        cell = cells[cell, 2]
    breaks = True
    need = 1 + 2 * depth
    if mode == M_VALUE and kind == TOP:
        need = 0
    elif mode == M_VALUE and (kind == PLAIN_OBJECT or kind == GENERAL_OBJECT):
        need = 1
        breaks = False
    elif (mode == M_FIRST_ITEM and b == 93) or (mode == M_FIRST_KEY and b == 125) or (mode == M_AFTER and b == 44):
        need = 0
    elif mode == M_AFTER:
        need -= 2
    elif mode == M_COLON or mode == M_END:
        need = 0
    if not is_space(b):
        return GOES if behind == need else DIES
    if behind >= need or b != (10 if breaks and behind == 0 else 32):
        return DIES
    if behind == 0:
        # Nothing is begun that cannot be gone on with.
        status = GOES
        if mode == M_FIRST_KEY:
            status = _may_go_on(regs, frames, miss)
        elif mode == M_FIRST_ITEM:
            status = _next_item(regs, frames, children, miss)
            regs[R_VALUE] = 0
        elif mode == M_AFTER and not _may_close(regs, frames):
            status = DIES
        if status != GOES:
            return status
    regs[R_B] = behind + 1
    return GOES


@uncounted
def structural(regs, b, trans, content, class_maps, reach, numbers, number_label, specs, values, frames, children, available, keys, results, cells, n_cells, max_space, miss):
    """One byte between lexemes."""
    mode = regs[R_MODE]
    if max_space == PRETTY:
        status = _pretty(regs, b, frames, children, cells, miss)
        if status != GOES or is_space(b):
            return status
    elif is_space(b):
        if max_space < 0:
            return GOES
        regs[R_B] += 1
        if regs[R_B] > max_space or (mode == M_END and max_space < NO_LIMIT):
            return DIES
        return GOES
    regs[R_B] = 0
    if mode == M_AFTER:
        is_array = frames[regs[R_FRAME], F_KIND] == PLAIN_ARRAY or frames[regs[R_FRAME], F_KIND] >= GENERAL_ARRAY
        if b == 44:
            if is_array:
                regs[R_MODE] = M_VALUE
                return _next_item(regs, frames, children, miss)
            regs[R_MODE] = M_KEY
            return _may_go_on(regs, frames, miss)
        if b != (93 if is_array else 125) or not _may_close(regs, frames):
            return DIES
        return _close(regs, frames, cells, keys, results, n_cells, miss)
    if mode == M_VALUE:
        return _start_value(regs, b, numbers, specs, values, frames, children, available, cells, miss)
    if mode == M_COLON:
        regs[R_MODE] = M_VALUE
        return GOES if b == 58 else DIES
    if mode == M_KEY or mode == M_FIRST_KEY:
        if b == 34:
            status = _may_go_on(regs, frames, miss)
            return start_string(regs, specs, values, frames, available) if status == GOES else status
        if mode == M_KEY or b != 125 or not _may_close(regs, frames):
            return DIES
        return _close(regs, frames, cells, keys, results, n_cells, miss)
    if mode == M_FIRST_ITEM:
        if b == 93:
            if not _may_close(regs, frames):
                return DIES
            return _close(regs, frames, cells, keys, results, n_cells, miss)
        regs[R_MODE] = M_VALUE
        status = _next_item(regs, frames, children, miss)
        if status != GOES:
            return status
        return _start_value(regs, b, numbers, specs, values, frames, children, available, cells, miss)
    return DIES
