"""Checks of schemas, grammars and types before they are used, with stable rule ids.

``check`` is the public entrance; ``structgen check`` on the command line adds files, output
formats (text, JSON, SARIF, GitHub annotations) and exit codes. Lessons from schema linters:
findings need a line and a column, not only a JSON pointer; ids must never change meaning; and
a verdict for every keyword *occurrence* tells more than a list of supported keywords.
"""

from __future__ import annotations

from typing import Any

from structgen.report.findings import RULES, CheckReport, Finding

__all__ = ["RULES", "CheckReport", "Finding", "check"]


def check(schema: Any) -> CheckReport:
    """Whether a schema, its JSON text, or a Python type can be enforced, and how; see ``structgen.report.checker``."""
    from structgen.report.checker import check as run

    return run(schema)
