"""The harness against a plain rewriting of MaskBench's definitions, and against bare loops."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jsonschemabench.jobs import Plan, measure
from jsonschemabench.metrics import is_pass
from jsonschemabench.rows import read_rows
from jsonschemabench.run import case_jobs
from jsonschemabench.tokens import Tokenizer
from tests.support.data import data_path

pytestmark = [pytest.mark.data, pytest.mark.slow]
N_SCHEMAS, N_SMALL = 60, 40


def sample_paths() -> list[Path]:
    folder = data_path("maskbench", "data")
    return [folder / name for name in data_path("maskbench", "sample.txt").read_text().split()[:N_SCHEMAS]]


def small_sample_paths() -> list[Path]:
    """Those that an engine which compiles slowly still takes in a second or two."""
    folder = data_path("maskbench", "data")
    names = data_path("maskbench", "sample.txt").read_text().split()
    return [folder / name for name in names if (folder / name).stat().st_size < 1500][:N_SMALL]


def passes_in_maskbench(start: Callable[[], Any], encode: Callable[[str], list[int]], tests: list[Any]) -> bool:
    """Every valid instance has all its tokens in the masks, every invalid one has a token that is not.

    ``start()`` gives (mask of the next token as bytes, take a token) of a new sequence.
    """
    for test in tests:
        compute, take = start()
        accepted = True
        for token in encode(json.dumps(test["data"], indent=None, ensure_ascii=False)):
            accepted = bool(compute()[token // 8] >> (token % 8) & 1)
            if not accepted:
                break
            take(token)
        if accepted != test["valid"]:
            return False
    return True


def verdicts_of_the_harness(engine: str, tokenizer: Path, paths: list[Path], out: Path) -> dict[str, bool]:
    measure(Plan([engine], tokenizer, out), case_jobs(paths))
    return {row["id"]: is_pass(row, strict=False) for row in read_rows(out) if row["kind"] == "row"}


def test_passing_schemas_of_llguidance_are_those_of_maskbenchs_definition(tmp_path: Path) -> None:
    llguidance = pytest.importorskip("llguidance")
    path = data_path("tokenizers", "llama3_1.json")
    tokenizer = Tokenizer(path)
    engine = llguidance.LLTokenizer(path.read_text(), eos_token=list(tokenizer.vocabulary.eos_ids))
    wanted: dict[str, bool] = {}
    for case in sample_paths():
        document = json.loads(case.read_text())
        grammar = llguidance.LLMatcher.grammar_from_json_schema(json.dumps(document["schema"]))
        matcher = llguidance.LLMatcher(engine, grammar, log_level=0)

        def start(matcher: Any = matcher) -> tuple[Callable[[], bytes], Callable[[int], object]]:
            running = matcher.deep_copy()
            return running.compute_bitmask, running.consume_token

        wanted[case.name] = not matcher.is_error() and passes_in_maskbench(start, tokenizer.encode, document["tests"])
    assert verdicts_of_the_harness("llguidance", path, sample_paths(), tmp_path / "r.jsonl") == wanted
    assert 0.7 * N_SCHEMAS < sum(wanted.values()) < N_SCHEMAS


@pytest.mark.parametrize("compliant", [False, True])
def test_passing_schemas_of_xgrammar_are_those_of_maskbenchs_definition(tmp_path: Path, compliant: bool) -> None:
    xgrammar = pytest.importorskip("xgrammar")
    path = data_path("tokenizers", "llama3_1.json")
    tokenizer = Tokenizer(path)
    vocabulary = tokenizer.vocabulary
    info = xgrammar.TokenizerInfo(
        list(vocabulary.token_bytes), xgrammar.VocabType.RAW, stop_token_ids=list(vocabulary.eos_ids)
    )
    compiler = xgrammar.GrammarCompiler(info, max_threads=1)
    wanted: dict[str, bool] = {}
    for case in small_sample_paths():
        document = json.loads(case.read_text())
        try:
            compiled = compiler.compile_json_schema(
                json.dumps(document["schema"]), any_whitespace=compliant, strict_mode=not compliant
            )
        except RuntimeError:
            wanted[case.name] = False
            continue

        def start(compiled: Any = compiled) -> tuple[Callable[[], bytes], Callable[[int], object]]:
            running = xgrammar.GrammarMatcher(compiled)
            mask = xgrammar.allocate_token_bitmask(1, vocabulary.n_tokens)

            def compute() -> bytes:
                running.fill_next_token_bitmask(mask)
                return mask.numpy().tobytes()

            return compute, running.accept_token

        wanted[case.name] = passes_in_maskbench(start, tokenizer.encode, document["tests"])
    engine = "xgrammar-compliant" if compliant else "xgrammar"
    assert verdicts_of_the_harness(engine, path, small_sample_paths(), tmp_path / "r.jsonl") == wanted
    assert sum(wanted.values()) == len(wanted) if compliant else 0 < sum(wanted.values()) < len(wanted)


@pytest.mark.parametrize("engine", ["llguidance", "xgrammar"])
def test_overhead_is_below_half_a_microsecond_a_call_and_sums_agree_with_a_bare_loop(
    engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip(engine)
    from jsonschemabench import main

    data, files = data_path("maskbench", "data"), data_path("maskbench", "sample.txt")
    tokenizer = data_path("tokenizers", "llama3_1.json")
    common = ["--data", str(data), "--files", str(files), "--tokenizer", str(tokenizer), "--limit", "8"]
    assert main(["overhead", "-e", "null", "-e", engine, *common]) == 0
    null, real = ([cell.strip() for cell in line.split("|")] for line in capsys.readouterr().out.splitlines()[-2:])
    assert float(null[3]) - float(null[4]) < 2 * 0.5
    assert 0.85 < float(real[5]) < 1.15
