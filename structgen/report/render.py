"""Reports as text, JSON, JSON lines, SARIF and GitHub annotations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from structgen.report.findings import RULES, CheckReport, Finding

__all__ = ["FORMATS", "render"]

FORMATS = ("text", "json", "jsonl", "sarif", "github")


def render(reports: Sequence[CheckReport], form: str, *, verbose: bool = False, version: str = "") -> str:
    """All reports in one of ``FORMATS``; ``verbose`` adds notes and enforced keywords to the text form."""
    if form == "json":
        return json.dumps([report.as_dict() for report in reports], indent=2, ensure_ascii=False)
    if form == "jsonl":
        return "\n".join(json.dumps(f.as_dict(), ensure_ascii=False) for r in reports for f in r.findings)
    if form == "sarif":
        return json.dumps(_sarif(reports, version), indent=2, ensure_ascii=False)
    if form == "github":
        return "\n".join(_github(f) for r in reports for f in r.at_least("warning"))
    return "\n".join(_text(report, verbose) for report in reports)


def _text(report: CheckReport, verbose: bool) -> str:
    shown = report.findings if verbose else report.at_least("warning")
    lines = [_line(finding) for finding in shown]
    if verbose:
        lines += [f"  {v['pointer'] or '(root)'}: {v['verdict']}{_reason(v)}" for v in report.verdicts]
    lines += [f"  sample: {sample}" for sample in report.samples]
    if report.masks:
        lines.append(
            "  masks: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in report.masks.items())
        )
    return "\n".join([*lines, _summary(report)])


def _line(finding: Finding) -> str:
    position = f":{finding.line}:{finding.column}" if finding.line is not None else ""
    where = f" at {finding.pointer or '(root)'}" if finding.pointer is not None else ""
    hint = f"\n  hint: {finding.hint}" if finding.hint else ""
    return f"{finding.source}{position}: {finding.severity} {finding.rule}: {finding.message}{where}{hint}"


def _reason(verdict: dict[str, Any]) -> str:
    return f" ({verdict['reason']})" if verdict.get("reason") else ""


def _summary(report: CheckReport) -> str:
    counts: dict[str, int] = {}
    for verdict in report.verdicts:
        counts[verdict["verdict"]] = counts.get(verdict["verdict"], 0) + 1
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    costs = ", ".join(
        f"{value:g} {name}" if isinstance(value, float) else f"{value} {name}" for name, value in report.cost.items()
    )
    state = "ok" if report.is_clean else f"{len(report.at_least('warning'))} findings"
    return f"{report.source}: {state}" + "".join(f"; {part}" for part in (told and f"keywords: {told}", costs) if part)


def _github(finding: Finding) -> str:
    place = [f"file={_escaped(finding.source)}"]
    if finding.line is not None:
        place += [f"line={finding.line}", f"col={finding.column}"]
    place.append(f"title={finding.rule} {RULES[finding.rule].name}")
    where = f" ({finding.pointer or '(root)'})" if finding.pointer is not None else ""
    return f"::{finding.severity} {','.join(place)}::{_escaped(finding.message + where)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _sarif(reports: Sequence[CheckReport], version: str) -> dict[str, Any]:
    used = sorted({finding.rule for report in reports for finding in report.findings})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "structgen",
                        "version": version,
                        "rules": [
                            {
                                "id": rule,
                                "name": RULES[rule].name,
                                "shortDescription": {"text": RULES[rule].description},
                                "defaultConfiguration": {"level": RULES[rule].severity},
                            }
                            for rule in used
                        ],
                    }
                },
                "results": [_sarif_result(f, used) for report in reports for f in report.findings],
            }
        ],
    }


def _sarif_result(finding: Finding, rules: list[str]) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": finding.source}}
    if finding.line is not None:
        physical["region"] = {"startLine": finding.line, "startColumn": finding.column}
    location: dict[str, Any] = {"physicalLocation": physical}
    if finding.pointer is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.pointer}]
    return {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": finding.severity,
        "message": {"text": finding.message + (f" Hint: {finding.hint}" if finding.hint else "")},
        "locations": [location],
    }
