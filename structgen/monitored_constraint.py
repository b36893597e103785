"""A constraint and monitors as one constraint: ``monitored(constraint, monitors)``.

The product is taken when it is bound: grammar and monitors share each trie walk's result
(see ``structgen.monitors.machine``), so every sampler that takes a constraint takes this.
"""

from __future__ import annotations

from collections.abc import Iterable

from structgen.constraint import Constraint, Enforcement, Report, TokenConstraint
from structgen.masks.machine import TokenMachine
from structgen.monitors.machine import MIN_GROUP, FreeMachine, MonitoredMachine
from structgen.monitors.protocol import Monitor
from structgen.monitors.records import MonitorRecord, engine_stats, record_between
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["MonitoredConstraint", "apply_monitors", "monitored"]


class MonitoredConstraint(Constraint):
    """What ``constraint`` allows, less what the monitors hold back; see ``monitored``.

    ``records()`` tells what the monitors have done since this object was made.
    """

    def __init__(
        self, constraint: Constraint | None, monitors: tuple[Monitor, ...], *, min_group: int = MIN_GROUP
    ) -> None:
        super().__init__()
        self.constraint = constraint
        self.monitors = monitors
        self.min_group = min_group
        self._before = tuple(engine_stats(monitor) for monitor in monitors)

    def records(self) -> tuple[MonitorRecord, ...]:
        """What each monitor has done under this constraint so far, in their order."""
        machines = [bound.machine for bound in self._bound.values()]
        products = [machine for machine in machines if isinstance(machine, MonitoredMachine)]
        masks = sum(product.n_masks for product in products)
        return tuple(
            record_between(monitor, before, masks=masks, constrained=sum(p.constrained[at] for p in products))
            for at, (monitor, before) in enumerate(zip(self.monitors, self._before, strict=True))
        )

    def build_machine(self, vocabulary: Vocabulary) -> TokenMachine:
        inner = FreeMachine(vocabulary) if self.constraint is None else self.constraint.bind(vocabulary).machine
        return MonitoredMachine(inner, self.monitors, min_group=self.min_group)

    def report(self) -> Report:
        inner = Report("any text", ()) if self.constraint is None else self.constraint.report()
        watched = tuple(
            Enforcement("", monitor.name, "monitor", "where its analysis knows; elsewhere nothing is held back")
            for monitor in self.monitors
        )
        return Report(inner.title, inner.entries + watched)

    def __repr__(self) -> str:
        return f"MonitoredConstraint({self.constraint!r}, {list(self.monitors)!r})"


def monitored(constraint: Constraint | None, monitors: Iterable[Monitor]) -> Constraint:
    """A constraint narrowed by monitors; ``constraint`` itself where there are none.

    Parameters
    ----------
    constraint : the grammar; None for any text
    monitors : from ``structgen.monitors``, each for one text

    Raises
    ------
    ValueError : there is neither a constraint nor a monitor
    """
    watchers = tuple(monitors)
    if watchers:
        return MonitoredConstraint(constraint, watchers)
    if constraint is None:
        raise ValueError("neither a constraint nor a monitor")
    return constraint


def apply_monitors(
    constraint: TokenConstraint | Vocabulary, monitors: Iterable[Monitor], *, min_group: int = MIN_GROUP
) -> TokenConstraint:
    """The same for a constraint that is bound already, or for any text over a vocabulary."""
    inner = FreeMachine(constraint) if isinstance(constraint, Vocabulary) else constraint.machine
    return TokenConstraint(MonitoredMachine(inner, tuple(monitors), min_group=min_group))
