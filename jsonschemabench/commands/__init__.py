"""One file per command; importing this registers them all with the application."""

from __future__ import annotations

from jsonschemabench.commands import (
    exact_command,
    fetch_command,
    generate_command,
    grammars_command,
    overhead_command,
    report_command,
    run_command,
    suite_command,
    walks_command,
)

__all__ = [
    "exact_command",
    "fetch_command",
    "generate_command",
    "grammars_command",
    "overhead_command",
    "report_command",
    "run_command",
    "suite_command",
    "walks_command",
]
