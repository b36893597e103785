"""One file per command; importing this registers them all with the application."""

from __future__ import annotations

from jsonschemabench.commands import run_command, suite_command

__all__ = ["run_command", "suite_command"]
