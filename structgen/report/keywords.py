"""README's table of JSON Schema keywords, printed from the table that reports are made from.

``python -m structgen.report.keywords`` prints Markdown. Keywords that share drafts, manner
and note share a row; a test keeps README's copy equal to what is printed here.
"""

from __future__ import annotations

from structgen.frontends.formats import FORMATS, format_is_exact
from structgen.frontends.jsonschema.support import KEYWORDS, LAST, Keyword

__all__ = ["markdown"]

_SPELLED = {2019: "2019-09", 2020: "2020-12"}


def markdown() -> str:
    """The table of keywords and the list of formats, as Markdown without a final newline."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for row in KEYWORDS.values():
        groups.setdefault((_drafts(row), row.how, row.note), []).append(f"`{row.name}`")
    lines = ["| Keywords | Drafts | Enforced by | Note |", "|---|---|---|---|"]
    for (drafts, how, note), names in groups.items():
        lines.append(f"| {', '.join(names)} | {drafts} | {how} | {note} |")
    exact = [f"`{name}`" for name in FORMATS if format_is_exact(name)]
    loose = [f"`{name}`" for name in FORMATS if not format_is_exact(name)]
    lines += ["", f"Formats enforced exactly: {', '.join(exact)}."]
    lines += [
        "By an automaton where it is sure, else by a judge before the quote that ends the string or name: "
        f"{', '.join(loose)}. Other names are annotations."
    ]
    return "\n".join(lines)


def _drafts(row: Keyword) -> str:
    since, until = (_SPELLED.get(draft, str(draft)) for draft in (row.since, row.until))
    if row.since == row.until:
        return since
    if row.until == LAST:
        return "all" if row.since == 4 else f"from {since}"
    return f"{since} to {until}"


if __name__ == "__main__":
    print(markdown())
