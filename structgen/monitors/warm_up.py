"""Load the kernels behind monitors before a clock is started."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from structgen.dtypes import WORD
from structgen.masks.machine import TokenMachine
from structgen.monitors.analysis import Analysis
from structgen.monitors.engines.protocol import UNKNOWN, Completion, EngineStats, Signature, Unknown
from structgen.monitors.machine import MonitoredMachine
from structgen.monitors.members import MemberRule
from structgen.monitors.python_scanner import PythonScanner
from structgen.monitors.text import Rule, TextMonitor
from structgen.monitors.typestate import Typestate, TypestateRule

__all__ = ["warm_up"]


class _Toy:
    """Knows two names, everywhere."""

    name = "toy"

    def __init__(self) -> None:
        self.stats = EngineStats()

    def complete(self, text: str, offset: int) -> Completion | Unknown:
        return Completion(frozenset(("total", "tax")))

    def signatures(self, text: str, offset: int) -> tuple[Signature, ...] | Unknown:
        return UNKNOWN

    def close(self) -> None:
        return None


def warm_up(machines: Iterable[TokenMachine]) -> None:
    """Write ``x.t`` under a monitor beside each machine, which must take it."""
    closed = Typestate("toy", frozenset({"f"}), "closed", {("open", "tax"): "open"})
    prefix = "x = f()\ny = x.tax; "
    for machine in machines:
        members: Rule = MemberRule(Analysis(_Toy(), prefix, "\nend = 1\n"))
        rules = [members, TypestateRule(closed, prefix=prefix.encode())]
        monitor = TextMonitor("python", PythonScanner(), rules, prefix=prefix.encode())
        product = MonitoredMachine(machine, [monitor], min_group=1)
        row = np.zeros(machine.vocabulary.n_words, dtype=WORD)
        config = product.start()
        for byte in b"x.t":
            product.fill_mask(config, row)
            after = product.advance_bytes(config, bytes((byte,)))
            assert after is not None
            config = after
        product.fill_mask(config, row)
