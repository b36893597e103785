"""From the expression to its automaton.

An expression without looks goes straight through :mod:`structgen.automata.nfa`. Looks are
resolved first (:mod:`structgen.automata.looks`). Intersections and complements become products.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from structgen.automata.dfa import Dfa
from structgen.automata.limits import DEFAULT_LIMITS, Limits
from structgen.automata.nfa import Clock, determinize, write_program
from structgen.ir.regex import Alternate, Complement, Intersect, Node, has_look

__all__ = ["compile_regex"]


_N_REMEMBERED, _MAX_REMEMBERED = 512, 1_000_000
_recent: OrderedDict[int, tuple[Node, Dfa]] = OrderedDict()
"""The last automata by the identity of their node, which the readers remember by its text.

By identity, since hashing a large expression costs as much as compiling a small one; the entry keeps
the node alive, so an identity is never reused.
"""
_lock = Lock()


def compile_regex(node: Node, limits: Limits | None = None) -> Dfa:
    """The minimal automaton of the UTF-8 texts that ``node`` matches as a whole.

    Parameters
    ----------
    node : any expression; looks see the whole text
    limits : budgets; ``DEFAULT_LIMITS`` by default

    Raises
    ------
    LimitError : ``what`` names the budget of :class:`Limits` that ran out
    """
    limits = limits or DEFAULT_LIMITS
    with _lock:
        known = _recent.get(id(node))
        if known is not None and known[0] is node:
            _recent.move_to_end(id(node))
            return known[1]
    found = _resolve_and_compile(node, Clock(limits))
    if found.transitions.size <= _MAX_REMEMBERED:
        with _lock:
            _recent[id(node)] = (node, found)
            while len(_recent) > _N_REMEMBERED:
                _recent.popitem(last=False)
    return found


def _resolve_and_compile(node: Node, clock: Clock) -> Dfa:
    if has_look(node):
        from structgen.automata.looks import CrossingError, resolve

        try:
            node = resolve(node)
        except CrossingError:
            from structgen.automata.derivatives import compile_derivatives

            return compile_derivatives(node, clock)
    return _compile(node, clock)


def _compile(node: Node, clock: Clock) -> Dfa:
    from structgen.automata import ops

    if isinstance(node, Intersect):
        found = _compile(node.parts[0], clock)
        for part in node.parts[1:]:
            clock.check()
            # A complement is subtracted, which needs no automaton of all other texts.
            if isinstance(part, Complement):
                found = ops.difference(found, _compile(part.node, clock), clock.limits)
            else:
                found = ops.intersect(found, _compile(part, clock), clock.limits)
        return found
    if isinstance(node, Complement):
        return ops.complement(_compile(node.node, clock), clock.limits)
    if isinstance(node, Alternate) and any(isinstance(p, Intersect | Complement) for p in node.options):
        found = _compile(node.options[0], clock)
        for part in node.options[1:]:
            clock.check()
            found = ops.union(found, _compile(part, clock), clock.limits)
        return found
    return determinize(write_program(node, lambda inner: _compile(inner, clock), clock.limits), clock)
