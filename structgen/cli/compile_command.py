"""``structgen compile``: what a constraint turns into, and what that costs."""

from __future__ import annotations

import json
from time import perf_counter
from typing import Annotated

import typer

from structgen.cli import options
from structgen.cli.exits import CLEAN
from structgen.cli.inputs import output_of

__all__ = ["compile_constraint"]


def compile_constraint(
    schema: options.Schema = None,
    grammar: options.Grammar = None,
    regex: options.Regex = None,
    choice: options.Choices = None,
    type_name: options.TypeName = None,
    tokenizer: Annotated[str | None, typer.Option(help="A tokenizer.json; without it tokens are bytes.")] = None,
    as_json: options.AsJson = False,
) -> int:
    """Compile a constraint, compute its first mask and print what it takes."""
    import numpy as np

    from structgen.report.probe import byte_vocabulary, describe_bytes
    from structgen.vocab.vocabulary import Vocabulary

    output = output_of(schema=schema, grammar=grammar, regex=regex, choice=choice, type_name=type_name)
    vocabulary = Vocabulary.from_tokenizer_json(tokenizer) if tokenizer else byte_vocabulary()
    began = perf_counter()
    constraint = output.constraint()
    if constraint is None:
        raise typer.BadParameter("nothing to compile: give a schema, grammar, regex, choice or type")
    compiled = perf_counter()
    matcher = constraint.bind(vocabulary).start()
    row = np.zeros(vocabulary.n_words, dtype=np.uint32)
    matcher.fill_mask(row)
    masked = perf_counter()
    allowed = [t for t in range(vocabulary.n_tokens) if int(row[t >> 5]) >> (t & 31) & 1]
    first = {vocabulary.token_bytes(t)[:1] for t in allowed} - {b""}
    told = {
        "compile_ms": round((compiled - began) * 1e3, 3),
        "first_mask_ms": round((masked - compiled) * 1e3, 3),
        "vocabulary": vocabulary.n_tokens,
        "allowed_first": len(allowed),
        "first_bytes": describe_bytes(b[0] for b in first),
        "may_be_empty": matcher.is_accepting,
        "report": [[e.pointer, e.keyword, e.how, e.note] for e in constraint.report().entries],
    }
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        for name, value in told.items():
            if name != "report":
                typer.echo(f"{name.replace('_', ' ')}: {value}")
        typer.echo(str(constraint.report()))
    return CLEAN
