"""How much an automaton may cost before its construction gives up."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFAULT_LIMITS", "Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Budgets of one compilation; each ends in ``LimitError`` with ``what`` naming the field."""

    max_states: int = 200_000
    """States of any one deterministic automaton."""
    max_nfa_states: int = 2_000_000
    """States of any one nondeterministic automaton, after repetitions are unrolled."""
    max_arena: int = 50_000_000
    """Members of all state sets of one subset construction, 4 bytes each."""
    max_table: int = 50_000_000
    """Cells of one transition table, 4 bytes each."""
    max_seconds: float = 2.0
    """Wall-clock time of one compilation."""


DEFAULT_LIMITS = Limits()
