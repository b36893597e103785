"""The command line: one file per command, results on stdout, everything else on stderr.

Exit codes: 0 clean; 1 findings, or an output that could not be made; 2 wrong usage; 3 input
unreadable; 4 a limit was reached; 70 a defect of structgen. ``NO_COLOR`` is honoured (by rich).

Commands import what they need when they run, so that ``structgen --help`` is quick.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    from structgen.cli.app import run

    return run(sys.argv[1:] if arguments is None else arguments)
