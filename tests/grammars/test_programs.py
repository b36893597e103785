"""Programs that people wrote: the standard library under the grammar of Python; and what gcc says of C's sentences."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.grammars.judges import constraint
from tests.grammars.lexemes import LEXEMES
from tests.grammars.sentences import Sentences

OTHER_PROGRAMS = {"site-packages", "test", "tests", "idle_test", "lib2to3"}
"""Folders that are not part of the library, or hold files that are wrong on purpose."""


def library_files() -> list[Path]:
    root = Path(sysconfig.get_paths()["stdlib"])
    return sorted(path for path in root.rglob("*.py") if not OTHER_PROGRAMS & set(path.relative_to(root).parts))


def first_unread_line(data: bytes) -> int | None:
    """The number of the line at which no sentence can begin like this any more; None if all is well."""
    automaton = constraint("python").chosen.shared_automaton()
    threads = automaton.start()
    number = 0
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        threads = automaton.advance(threads, line)
        if not threads:
            return number
    return None if automaton.is_accepting(threads) else number


@pytest.mark.slow
def test_most_of_the_standard_library_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    files = library_files()
    ours = [path for path in files if _is_python(path)]
    reasons = {path: first_unread_line(path.read_bytes()) for path in ours}
    failed = {path: number for path, number in reasons.items() if number is not None}
    with capsys.disabled():
        print(f"\n{len(ours) - len(failed)} of {len(ours)} files of the standard library are read")
        for path, number in failed.items():
            line = path.read_bytes().splitlines()[number - 1].strip()
            print(f"  {path.name}:{number}: {line.decode(errors='replace')[:90]}")
    assert len(ours) > 400
    assert len(failed) < 0.06 * len(ours)


def test_what_is_left_out_is_where_the_reading_stops() -> None:
    for text, number in (
        (b"x = 1\ndel (a, b)\n", 2),
        (b"f(a,\\\n  b)\n", 1),
        (b'x\ny\nf"{[a for a in b]}"\n', 3),
        (b"if x:\n\ty\n", 2),
        (b'"\\N{BULLET}"\n', 1),
    ):
        assert first_unread_line(text) == number
        ast.parse(text)


def _is_python(path: Path) -> bool:
    try:
        ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return False
    return True


HEADERS = "".join(
    f"#include <{name}.h>\n"
    for name in ("stddef", "stdint", "stdbool", "stdio", "time", "stdarg", "sys/types")
)  # fmt: skip


@pytest.mark.slow
def test_gcc_finds_no_syntax_error_in_sentences_of_c() -> None:
    """Sentences mean nothing, so gcc complains of types and names; of what it expected to read, it must not."""
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("gcc is not installed")
    found = constraint("c")
    lexemes = LEXEMES["c"] | {"DIRECTIVE": lambda rng: "\n#define LONG_NAME(x) (x)\n"}
    source = Sentences(found.grammar, 6, lexemes=lexemes)
    texts = [text for text in (source.one() for _ in range(300)) if found.accepts(text)]
    assert len(texts) > 200
    for text in [*texts, "int x = ;"]:
        command = [gcc, "-fsyntax-only", "-w", "-std=gnu11", "-fmax-errors=0", "-x", "c", "-"]
        said = subprocess.run(command, input=f"{HEADERS}{text}\n", capture_output=True, text=True, check=False).stderr
        wrong = re.search(r"error: (expected|stray|missing|unterminated|.* before ).*", said)
        assert bool(wrong) == (text == "int x = ;"), (text, wrong)
