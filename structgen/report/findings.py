"""What a check can find: rules with stable ids, and findings that point into a file.

Ids never change meaning; a rule that goes away leaves a hole. Severity is the rule's, so
that a build can fail on errors and let warnings pass.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["RULES", "CheckReport", "Finding", "Rule", "Severity"]

Severity = Literal["error", "warning", "note"]
_RANK = {"note": 0, "warning": 1, "error": 2}


@dataclass(frozen=True)
class Rule:
    """One kind of finding."""

    id: str
    name: str
    severity: Severity
    description: str


_ALL_RULES = [
    Rule("SG101", "malformed-json", "error", "The file is not well-formed JSON."),
    Rule("SG102", "duplicate-key", "warning", "A property is written twice; the last one counts."),
    Rule("SG103", "metaschema", "error", "The schema breaks the metaschema of its draft."),
    Rule("SG104", "reference", "error", "A reference does not resolve."),
    Rule("SG105", "pattern-syntax", "error", "A pattern is not a regular expression of ECMA-262."),
    Rule("SG110", "type", "error", "No schema can be made from a Python type."),
    Rule("SG120", "grammar-syntax", "error", "The grammar does not follow its notation."),
    Rule("SG201", "unsupported", "error", "A keyword is understood but cannot be enforced."),
    Rule("SG202", "unsatisfiable", "error", "No output satisfies the constraint."),
    Rule("SG203", "unsatisfiable-part", "warning", "A subschema that no value satisfies."),
    Rule("SG204", "relaxed", "warning", "A keyword is enforced more loosely than it is defined."),
    Rule("SG301", "annotation", "note", "A keyword constrains nothing: it is an annotation."),
    Rule("SG302", "monitor", "note", "A keyword is enforced by a monitor during generation."),
    Rule("SG303", "unknown-keyword", "warning", "A keyword that no draft of JSON Schema knows: perhaps misspelled."),
    Rule("SG401", "limit", "error", "Compiling went over a limit of states, memory, time or depth."),
    Rule("SG402", "time", "error", "Checking took longer than allowed."),
    Rule("SG403", "vocabulary", "error", "The tokenizer cannot spell what the constraint allows."),
    Rule("SG404", "unexamined", "note", "Subschemas that were not looked at for conflicts, for want of time."),
    Rule("SG501", "instance", "error", "A document is not accepted."),
    Rule("SG502", "sample", "error", "A generated sample does not validate: a defect of structgen."),
    Rule("SG503", "explained", "error", "The text to explain is not accepted."),
    Rule("SG601", "target-refuses", "warning", "The engine this is meant for refuses a keyword."),
    Rule("SG602", "target-ignores", "warning", "The engine this is meant for ignores a keyword without a word."),
]
RULES: dict[str, Rule] = {rule.id: rule for rule in _ALL_RULES}


@dataclass(frozen=True)
class Finding:
    """One finding.

    Parameters
    ----------
    rule : an id of ``RULES``
    message : one sentence
    source : file, or name of the type
    pointer : JSON pointer into the schema; None where it is no JSON
    line, column : both from 1; None where the source is not a text
    keyword : the schema keyword it is about
    hint : what to do
    """

    rule: str
    message: str
    source: str = ""
    pointer: str | None = None
    line: int | None = None
    column: int | None = None
    keyword: str | None = None
    hint: str | None = None

    @property
    def severity(self) -> Severity:
        return RULES[self.rule].severity

    def as_dict(self) -> dict[str, Any]:
        """Plain data, gaps left out."""
        plain = {"rule": self.rule, "name": RULES[self.rule].name, "severity": self.severity}
        return plain | {key: value for key, value in asdict(self).items() if key != "rule" and value is not None}


@dataclass
class CheckReport:
    """Everything found about one source.

    Parameters
    ----------
    source : file, or name of the type
    findings : in the order of the file
    verdicts : enforcement of each keyword occurrence: pointer, keyword, verdict, reason
    cost : what compiling and the first mask over bytes took: states found so far, bytes, milliseconds
    samples : generated samples, where asked for
    masks : statistics of masks under a tokenizer, where asked for (see ``mask_statistics``)
    """

    source: str
    findings: list[Finding] = field(default_factory=list)
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    cost: dict[str, Any] = field(default_factory=dict)
    samples: list[str] = field(default_factory=list)
    masks: dict[str, Any] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Whether there are neither errors nor warnings."""
        return not self.at_least("warning")

    def at_least(self, severity: Severity) -> list[Finding]:
        """Findings of this severity or a graver one."""
        return [finding for finding in self.findings if _RANK[finding.severity] >= _RANK[severity]]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for ``--format json``."""
        plain = asdict(self)
        plain["findings"] = [finding.as_dict() for finding in self.findings]
        return plain

    def __repr__(self) -> str:
        counts = {s: sum(f.severity == s for f in self.findings) for s in _RANK}
        told = ", ".join(f"{n} {s}{'s' * (n != 1)}" for s, n in counts.items() if n)
        return f"CheckReport({self.source!r}, {told or 'clean'}, {len(self.verdicts)} keywords)"
