"""The worker's part of ``exact``: examine one schema with all engines in one process."""

from __future__ import annotations

import json
import random
import time
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jsonschemabench.cases import instance_text
from jsonschemabench.engines.base import Compiled, CompileOptions, TokenRow
from jsonschemabench.exact.findings import Finding
from jsonschemabench.exact.finish import Finisher
from jsonschemabench.exact.judge import Judge
from jsonschemabench.exact.shapes import Shapes, ordinary_row
from jsonschemabench.worker import Bench

__all__ = ["Examination", "Settings", "examine"]


@dataclass(frozen=True)
class Settings:
    """How much to try per schema; a run's cost is proportional to these."""

    witnesses: int = 24
    walks: int = 4
    splits: int = 2
    instances: int = 3
    seconds: float = 30.0
    seed: int = 0


@dataclass
class Examination:
    """One schema under examination: what is compiled, what was found, what is left of the time."""

    bench: Bench
    settings: Settings
    judge: Judge
    compiled: dict[str, Compiled]
    finisher: Finisher
    rng: random.Random
    rows: dict[str, TokenRow]
    shapes: Shapes
    ordinary: TokenRow
    deadline: float
    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number

    def add(self, finding: Finding) -> None:
        """Keep one finding of a kind per schema; the rest is counted."""
        self.count(f"found {finding.fault}")
        kind = (finding.engine, finding.fault, finding.cause)
        if all((found.engine, found.fault, found.cause) != kind for found in self.findings):
            self.findings.append(finding)

    @property
    def out_of_time(self) -> bool:
        return time.process_time() > self.deadline

    def decode(self, tokens: list[int]) -> bytes:
        return self.bench.tokenizer.decode(tokens)


_SHARED: dict[str, Any] = {}


def examine(bench: Bench, request: dict[str, Any]) -> dict[str, Any]:
    """A worker's task: all findings for ``request["schema"]`` with the valid values ``request["instances"]``."""
    from jsonschemabench.exact.spellings import try_spellings
    from jsonschemabench.exact.walks import try_walks
    from jsonschemabench.exact.witnesses import try_witnesses

    settings = Settings(**request["settings"])
    schema = request["schema"]
    compiled, refusals = _compile_all(bench, schema)
    answer: dict[str, Any] = {"status": "ok", "refusals": refusals}
    if not compiled:
        return answer | {"findings": [], "counts": {}}
    bench.send({"event": "compiled", "row": {"compile_us": 0.0}})
    examination = _begin(bench, settings, schema, compiled)
    instances = [value for value in request["instances"] if _surely_valid(examination.judge, value)]
    examination.count("instances", len(instances))
    for value in instances[: settings.instances]:
        try_spellings(examination, value)
        if len(compiled) > 1:
            try_witnesses(examination, instance_text(value))
    try_walks(examination)
    found = [finding.as_dict() for finding in examination.findings]
    return answer | {"findings": found, "counts": examination.counts, "out_of_time": examination.out_of_time}


def _compile_all(bench: Bench, schema: Any) -> tuple[dict[str, Compiled], dict[str, str]]:
    compiled: dict[str, Compiled] = {}
    refusals: dict[str, str] = {}
    for name, engine in bench.engines.items():
        try:
            compiled[name] = engine.compile(schema, CompileOptions())
        except Exception as error:  # a refusal is no finding: the engine said so
            refusals[name] = f"{type(error).__name__}: {error}"[:300]
    return compiled, refusals


def _begin(bench: Bench, settings: Settings, schema: Any, compiled: dict[str, Compiled]) -> Examination:
    vocabulary = bench.vocabulary
    if not _SHARED:
        # One row per use and process: adapters keep the address of the last row they saw.
        _SHARED["shapes"] = Shapes(vocabulary.token_bytes)
        _SHARED["ordinary"] = ordinary_row(vocabulary)
        _SHARED["row"] = np.zeros(vocabulary.n_words, dtype=np.uint32)
        _SHARED["rows"] = {name: np.zeros(vocabulary.n_words, dtype=np.uint32) for name in bench.engines}
    rng = random.Random(zlib.crc32(json.dumps(schema).encode()) + settings.seed)
    return Examination(
        bench=bench,
        settings=settings,
        judge=Judge(schema),
        compiled=compiled,
        finisher=Finisher(vocabulary, _SHARED["row"], rng),
        rng=rng,
        rows=_SHARED["rows"],
        shapes=_SHARED["shapes"],
        ordinary=_SHARED["ordinary"],
        deadline=time.process_time() + settings.seconds,
    )


def _surely_valid(judge: Judge, value: Any) -> bool:
    """The data set calls it valid; keep it unless the judge objects (undecided is fine: the label decides)."""
    return judge.value(value).verdict != "invalid"
