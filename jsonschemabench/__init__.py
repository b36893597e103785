"""Measure engines that constrain a language model's output to a JSON schema.

The question is always the same four: how fast are the masks, which schemas does an engine
take, does it accept exactly what is valid, and does real output get better or worse. The
harness drives every engine through one small protocol (:mod:`jsonschemabench.engines.base`)
in a fresh single-threaded process each, and writes one JSON row per schema and engine.
Reports are computed from rows alone, so a figure can always be traced to what was measured.

Definitions follow MaskBench (Moskal et al., part of JSONSchemaBench, arXiv:2501.10868);
where ours is stricter both are recorded. ``README.md`` beside this file has the method.
"""

from __future__ import annotations

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code (0 fine, 1 findings, 2 usage, 3 unreadable input)."""
    from jsonschemabench.cli import main as cli_main

    return cli_main(argv)
