"""``structgen check``: can these schemas, grammars and types be enforced, and how?"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from structgen.cli.exits import CLEAN, FINDINGS, LIMIT, UNREADABLE, UnreadableError
from structgen.cli.inputs import expand, is_type_name, read
from structgen.cli.waiting import deadline, progress

__all__ = ["check"]


class Form(StrEnum):
    """Output formats."""

    text = "text"
    json = "json"
    jsonl = "jsonl"
    sarif = "sarif"
    github = "github"


class Level(StrEnum):
    """What makes the exit code 1."""

    error = "error"
    warning = "warning"


class Target(StrEnum):
    """Engines whose gaps are known; see ``structgen.report.targets``."""

    openai = "openai"
    vllm = "vllm"
    xgrammar = "xgrammar"
    llguidance = "llguidance"


def check(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, globs, - for stdin, or package.module:Type.")],
    form: Annotated[Form, typer.Option("--format", help="How findings are printed.")] = Form.text,
    fail_on: Annotated[Level, typer.Option(help="The gravity that makes the exit code 1.")] = Level.error,
    samples: Annotated[int, typer.Option(min=0, max=1000, help="Print so many samples, each validated again.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the samples.")] = 0,
    explain: Annotated[str | None, typer.Option(help="Say where this text is refused, and what was expected.")] = None,
    instance: Annotated[list[str] | None, typer.Option(help="Validate this document; may be repeated.")] = None,
    tokenizer: Annotated[str | None, typer.Option(help="A tokenizer.json: add statistics of masks under it.")] = None,
    target: Annotated[
        list[Target] | None, typer.Option(help="Warn about what this engine refuses or ignores; may be repeated.")
    ] = None,
    max_states: Annotated[int | None, typer.Option(min=1, help="A finding where compiling takes more.")] = None,
    timeout: Annotated[float | None, typer.Option(min=0.001, help="Seconds that checking one source may take.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print notes and every keyword's verdict.")] = False,
) -> int:
    """Check schemas and grammars for generation: well-formed, valid, resolvable, enforceable."""
    import structgen
    from structgen.errors import LimitError
    from structgen.report.checker import Checker
    from structgen.report.render import render

    vocabulary = _vocabulary(tokenizer)
    reports, unreadable = [], False
    for path in progress(list(expand(paths)), "checking"):
        checker = Checker(path)
        try:
            with deadline(timeout):
                _check_one(checker, path)
                for document in instance or []:
                    checker.add_instance(read(document), document)
                if samples:
                    checker.add_samples(samples, seed=seed)
                if explain is not None:
                    checker.add_explanation(explain)
                for engine in target or []:
                    checker.add_target(engine.value)
                if vocabulary is not None:
                    checker.add_mask_statistics(vocabulary, str(tokenizer), seed=seed)
        except UnreadableError as error:
            print(f"structgen: {error}", file=sys.stderr)
            unreadable = True
            continue
        except LimitError as error:
            checker.add_error(error)
        if max_states is not None:
            checker.limit_states(max_states)
        reports.append(checker.report)
    text = render(reports, form.value, verbose=verbose, version=structgen.__version__)
    if text:
        typer.echo(text)
    if unreadable:
        return UNREADABLE
    if any(finding.rule in ("SG401", "SG402") for report in reports for finding in report.findings):
        return LIMIT
    return FINDINGS if any(report.at_least(fail_on.value) for report in reports) else CLEAN


def _vocabulary(path: str | None) -> Any:
    if path is None:
        return None
    from structgen.vocab.vocabulary import Vocabulary

    if not Path(path).is_file():
        raise UnreadableError(f"{path}: no such file")
    return Vocabulary.from_tokenizer_json(path)


def _check_one(checker: object, path: str) -> None:
    from structgen.errors import TypeSupportError
    from structgen.report.checker import Checker, load_type

    assert isinstance(checker, Checker)
    if is_type_name(path):
        try:
            target = load_type(path)
        except TypeSupportError as error:
            raise UnreadableError(str(error)) from None
        checker.check_type(target)
    elif path.endswith(".lark"):
        checker.check_grammar(read(path))
    else:
        checker.check_text(read(path))
