"""From the expression to its automaton.

An expression without looks goes straight through :mod:`structgen.automata.nfa`. Looks are
resolved first (:mod:`structgen.automata.looks`). Intersections and complements become products.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from structgen.automata import ops
from structgen.automata.dfa import Dfa
from structgen.automata.limits import DEFAULT_LIMITS, Limits
from structgen.automata.nfa import Clock, determinize, warm_up, write_program
from structgen.ir.regex import Alternate, Complement, Intersect, Node, has_look

__all__ = ["compile_regex"]


_MAX_REMEMBERED, _MAX_CELLS = 1024, 16_000_000  # 64 MB of tables
_recent: OrderedDict[int, tuple[Node, Dfa]] = OrderedDict()
"""The last automata by the identity of their node, which the readers remember by its text.

By identity, since hashing a large expression costs as much as compiling a small one; the entry keeps
the node alive, so an identity is never reused.
"""
_cells = 0
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
    warm_up()
    found = _resolve_and_compile(node, Clock(limits))
    _remember(node, found)
    return found


def _remember(node: Node, dfa: Dfa) -> None:
    """Keep the newest automata, up to a number of them and of table cells in all."""
    global _cells
    if dfa.transitions.size > _MAX_CELLS // 8:
        return
    with _lock:
        if id(node) not in _recent:
            _cells += dfa.transitions.size
        _recent[id(node)] = (node, dfa)
        while len(_recent) > _MAX_REMEMBERED or _cells > _MAX_CELLS:
            _, (_, dropped) = _recent.popitem(last=False)
            _cells -= dropped.transitions.size


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
    """The automaton of an expression without looks."""
    if _is_boolean(node) or (isinstance(node, Alternate) and any(map(_is_boolean, node.options))):
        with clock.paused():
            ops.warm_up()
        return _combine(node, clock)
    return determinize(write_program(node, lambda inner: _compile(inner, clock), clock.limits), clock)


def _is_boolean(node: Node) -> bool:
    return isinstance(node, Intersect | Complement)


def _combine(node: Node, clock: Clock) -> Dfa:
    """Products of the parts' automata, one part after the other."""
    if isinstance(node, Complement):
        return ops.complement(_compile(node.node, clock), clock.limits)
    parts = node.parts if isinstance(node, Intersect) else node.options  # type: ignore[union-attr]
    found = _compile(parts[0], clock)
    for part in parts[1:]:
        clock.check()
        if isinstance(node, Alternate):
            found = ops.union(found, _compile(part, clock), clock.limits)
        elif isinstance(part, Complement):
            # Subtracting needs no automaton of all other texts.
            found = ops.difference(found, _compile(part.node, clock), clock.limits)
        else:
            found = ops.intersect(found, _compile(part, clock), clock.limits)
    return found
