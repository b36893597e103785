"""Values looked at before a token asks for them.

What stands under a name (its types, the automata of its patterns, the names of an object) is filled in when a token
first comes to the end of the name. In a large schema such tokens keep coming, and are most of a text's slow ones. So
when a large schema is bound to a vocabulary, the values near its root are filled in, from the outside inwards and in
the order of their names, within a budget of values and of time. Binding is done once, often while the prompt is being
read; a slow token holds up a text, or a batch of them. A small schema is left alone: its first mask would come twice
as late.

On a third of the benchmark's sample (processor time, least of three runs): the average token takes an eighth less, the
slowest of a hundred and of a thousand a quarter less; the first mask of the median schema comes 5 % later, that of the
slowest of a hundred a third, that of the tenth slowest 2.6 times as late (3 ms). That was with 3 ms to look ahead in.
With 2 ms the slow tokens are as they were, within what one run differs from the next, and the slowest first mask of a
hundred comes at .43 to .51 of llguidance's, not at .54 to .58; at .45 if reading and looking ahead take 2.5 ms together
instead of 3, which is made up for by twice as many values where there is time. With 1 ms the slowest tokens of a
thousand are worse. Looking ahead in schemas of 12 subschemas and more, not 16: average tokens take 1 to 2 % less and
the slowest of a thousand 4 %, and the median schema's first mask comes 7 % later; of 8 and more, 4 % and a tenth, but
half as late again.

Rejected: required names alone (they are few); all schemas (the first mask of the median one comes twice as late); in
small portions between tokens whose masks are ready (a portion takes longer than what it is to prevent); another thread
(one core has the same work to do).
"""

from __future__ import annotations

from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING

from structgen.errors import StructgenError
from structgen.kernels import document as K

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structgen.masks.document_machine import DocumentMachine

__all__ = ["look_ahead"]

LEAST_SUBSCHEMAS = 12
"""Subschemas from which on a schema is large."""
MOST_VALUES = 128
MOST_SECONDS = 2e-3
"""After as much, the value at hand is the last."""
LATEST = 2.5e-3
"""Seconds for reading and looking ahead together: first masks that come late anyway are not put off further."""


def look_ahead(machine: DocumentMachine, n_subschemas: int, seconds_spent: float = 0.0) -> int:
    """Fill in values of a large schema that took ``seconds_spent`` to read; returns how many.

    What a budget of the automaton refuses is left to the token that needs it, and to the error it gets.
    """
    if n_subschemas < LEAST_SUBSCHEMAS:
        return 0
    until = perf_counter() + min(MOST_SECONDS, LATEST - seconds_spent)
    values = _values(machine)
    n = 0
    try:
        while n < MOST_VALUES and perf_counter() < until and next(values, None) is not None:
            n += 1
    except StructgenError:
        pass
    return n


def _values(machine: DocumentMachine) -> Iterator[int]:
    """Value contexts as they are filled in, those of outer containers first."""
    todo = deque([machine.automaton.start[K.R_VALUE]])
    seen = set(todo)
    while todo:
        value = todo.popleft()
        machine.automaton.fill_types(value)
        for inner in machine.sharing.values_within(value):
            if inner not in seen:
                seen.add(inner)
                todo.append(inner)
                yield inner
