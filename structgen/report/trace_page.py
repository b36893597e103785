"""A trace as a page of its own (HTML), and as a table for the terminal.

The page holds no script and asks for nothing: each token is a coloured span, the darker
the more mass the mask took there, and opens into its alternatives.
"""

from __future__ import annotations

from html import escape
from typing import Any

from structgen.report.trace import Option, Step, Trace

__all__ = ["summary", "to_html", "to_table"]

_STYLE = """
body { font: 15px/1.6 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
pre { font: 14px/2 ui-monospace, monospace; white-space: pre-wrap; background: #fafafa; padding: 1rem }
pre span { border-radius: 3px; padding: 1px 0; outline: 1px solid #0001 }
pre .forced { text-decoration: underline dotted #777 }
table { border-collapse: collapse; width: 100%; font-size: 13px }
td, th { text-align: left; padding: 2px 8px; border-bottom: 1px solid #eee; vertical-align: top }
code { background: #f3f3f3; border-radius: 3px; padding: 0 3px; white-space: pre }
.masked code { text-decoration: line-through; color: #a33 }
.chosen code { font-weight: bold }
"""


def summary(trace: Trace) -> list[tuple[str, str]]:
    """The figures of the whole generation, each with its name."""
    steps = trace.steps
    worst = max(steps, key=lambda step: step.mass_lost, default=None)
    told = [
        ("finish reason", trace.finish_reason),
        ("tokens", f"{len(steps)} after a prompt of {trace.n_prompt}"),
        ("forced", f"{sum(step.is_forced for step in steps)} where the text had one continuation"),
        ("overruled", f"{sum(step.is_overruled for step in steps)} where the model's favourite was masked"),
        ("log prob", f"{trace.log_prob:.3f} nats, the model's own"),
        ("log weight", f"{trace.log_weight:.3f} nats, sum of the log masses left"),
    ]
    if worst is not None:
        told.append(("most mass lost", f"{worst.mass_lost:.1%} before {worst.chosen.text!r}"))
    return told


def to_html(trace: Trace, *, title: str = "structgen explain") -> str:
    """One page, complete in itself."""
    figures = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in summary(trace))
    rows = "".join(_row(number, step) for number, step in enumerate(trace.steps, start=1))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>{escape(title)}</h1>\n<table>{figures}</table>\n"
        "<p>The redder a token, the more of the model's mass the mask took before it; dotted: the text had one "
        "continuation only.</p>\n"
        f"<pre>{''.join(map(_span, trace.steps))}</pre>\n"
        "<table><thead><tr><th>#</th><th>token</th><th>p</th><th>mass left</th><th>allowed</th>"
        "<th>the model's likeliest</th></tr></thead>\n"
        f"<tbody>{rows}</tbody></table></body></html>\n"
    )


def _span(step: Step) -> str:
    shade = f"background: hsl(8 90% {100 - 45 * step.mass_lost:.0f}%)"
    kind = ' class="forced"' if step.is_forced else ""
    told = f"p {step.chosen.probability:.2g}, mass left {step.allowed_mass:.2g}, {step.n_allowed} allowed"
    text = escape(step.chosen.text).replace("\\n", "\\n\n")
    return f'<span{kind} style="{shade}" title="{escape(told)}">{text}</span>'


def _row(number: int, step: Step) -> str:
    options = " ".join(_option(option, step.chosen.token_id) for option in step.options)
    forced = " forced" if step.is_forced else ""
    return (
        f"<tr><td>{number}</td><td><code>{escape(step.chosen.text)}</code></td>"
        f"<td>{step.chosen.probability:.3g}</td><td>{step.allowed_mass:.3g}</td>"
        f"<td>{step.n_allowed}{forced}</td><td>{options}</td></tr>\n"
    )


def _option(option: Option, chosen: int) -> str:
    kind = "masked" if not option.is_allowed else "chosen" if option.token_id == chosen else "other"
    return f'<span class="{kind}"><code>{escape(option.text)}</code> {option.probability:.2g}</span>'


def to_table(trace: Trace) -> Any:
    """A ``rich`` table; masked tokens are struck through."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in (("#", "right"), ("token", "left"), ("p", "right"), ("mass left", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("allowed", justify="right")
    table.add_column("the model's likeliest (masked ones struck through)", overflow="fold")
    for number, step in enumerate(trace.steps, start=1):
        options = Text()
        for option in step.options:
            style = "strike red" if not option.is_allowed else "bold" if option == step.chosen else ""
            options.append(repr(option.text), style)
            options.append(f" {option.probability:.2g}{'' if option.is_allowed else ' masked'}  ", "dim")
        forced = " forced" if step.is_forced else ""
        figures = (f"{step.chosen.probability:.3g}", f"{step.allowed_mass:.3g}", f"{step.n_allowed}{forced}")
        table.add_row(str(number), Text(repr(step.chosen.text)), *figures, options)
    return table
