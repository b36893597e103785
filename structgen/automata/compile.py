"""From the expression to its automaton.

An expression without looks goes straight through :mod:`structgen.automata.nfa`. Looks are
resolved first (:mod:`structgen.automata.looks`). Intersections and complements become products.
"""

from __future__ import annotations

from structgen.automata.dfa import Dfa
from structgen.automata.limits import DEFAULT_LIMITS, Limits
from structgen.automata.nfa import Clock, determinize, write_program
from structgen.ir.regex import Alternate, Complement, Intersect, Node, has_look

__all__ = ["compile_regex"]


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
    clock = Clock(limits or DEFAULT_LIMITS)
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
