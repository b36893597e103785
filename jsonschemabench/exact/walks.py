"""Random walks through one engine's own masks: do they always come to a valid end?"""

from __future__ import annotations

from jsonschemabench.exact.findings import Finding
from jsonschemabench.exact.task import Examination

__all__ = ["try_walks"]


def try_walks(examination: Examination) -> None:
    """``settings.walks`` walks per engine; each end is judged."""
    for engine, compiled in examination.compiled.items():
        for _ in range(examination.settings.walks):
            if examination.out_of_time:
                return
            finished = examination.finisher.random_walk(compiled)
            examination.count(f"walks {finished.outcome}")
            document = examination.decode(finished.tokens)
            text = document.decode("utf-8", "backslashreplace")
            if finished.outcome == "complete":
                judgement = examination.judge.document(document)
                if judgement.verdict == "invalid":
                    cause = judgement.reason.split(":")[0]
                    examination.add(Finding(engine, "under", cause, text, judged=judgement.reason))
            elif finished.outcome in ("dead end", "disagreement", "error"):
                cause = finished.error.split(":")[0] or "random walk"
                examination.add(Finding(engine, finished.outcome, cause, text, judged=finished.error))
