"""The scanner against Python's own tokenizer, and what it says of statements and calls."""

from __future__ import annotations

import io
import keyword
import sysconfig
import tokenize
from pathlib import Path

import pytest

from structgen.monitors.python_scanner import PythonScanner
from structgen.monitors.sites import SiteKind

MODULES = (
    *("abc", "argparse", "ast", "calendar", "copy", "csv", "dataclasses", "enum", "fractions"),
    *("heapq", "json/decoder", "shlex", "textwrap"),
)


def dereferences_by_tokenize(source: bytes) -> tuple[set[int], list[tuple[int, int]]]:
    """Byte offsets just after each dereferencing dot outside strings, and the spans of strings."""
    lines = source.split(b"\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def offset(position: tuple[int, int]) -> int:
        row, column = position
        return starts[row - 1] + len(lines[row - 1].decode()[:column].encode())

    found: set[int] = set()
    strings: list[tuple[int, int]] = []
    statement: list[tokenize.TokenInfo] = []
    in_fstring = 0
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "FSTRING_START":
            in_fstring += 1
            strings.append((offset(token.start), 1 << 60))
        if kind == "FSTRING_END":
            in_fstring -= 1
            strings[-1] = (strings[-1][0], offset(token.end))
        if kind in ("NEWLINE", "INDENT", "DEDENT", "ENCODING"):
            statement = []
            continue
        if kind in ("NL", "COMMENT"):
            continue
        if kind == "STRING":
            strings.append((offset(token.start), offset(token.end)))
        if token.string == "." and statement and statement[0].string not in ("from", "import"):
            before = statement[-1]
            is_name = before.type == tokenize.NAME and (
                not keyword.iskeyword(before.string) or before.string in ("None", "True", "False")
            )
            closes = before.string in (")", "]", "}") or tokenize.tok_name[before.type] in (
                "NUMBER",
                "STRING",
                "FSTRING_END",
            )
            if (is_name or closes) and not in_fstring:
                found.add(offset(token.start) + 1)
        statement = [] if token.string == ";" else [*statement, token]
    return found, strings


@pytest.mark.parametrize("module", MODULES)
def test_dereferences_agree_with_tokenize(module: str) -> None:
    source = (Path(sysconfig.get_path("stdlib")) / f"{module}.py").read_bytes()
    expected, strings = dereferences_by_tokenize(source)
    scanner = PythonScanner().copy()
    found = set()
    for i, byte in enumerate(source):
        scanner.push(byte)
        if byte == 0x2E and scanner.kind is SiteKind.MEMBER:
            found.add(i + 1)
    assert scanner.error == ""
    outside = {i for i in found if not any(start < i <= end for start, end in strings)}
    assert outside == expected
    assert len(expected) > 3


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 50])
def test_any_cut_of_the_text_gives_the_same_sites(cut: int) -> None:
    source = b'import a.b\nx = f\'{a.b!r:{c.d}}\' """q\n.""".r # s.t\ny = 1.5.z(\n  w.v, k=u.t\n)[0].e\n'
    whole = PythonScanner()
    expected = []
    for i in range(len(source)):
        whole = whole.feed(source[i : i + 1])
        expected.append(whole.site())
    pieces = PythonScanner()
    for start in range(0, len(source), cut):
        pieces = pieces.feed(source[start : start + cut])
        end = min(start + cut, len(source))
        assert pieces.site() == expected[end - 1] and pieces.position == end


def test_feeding_leaves_the_scanner_as_it_was() -> None:
    before = PythonScanner().feed(b"x")
    before.feed(b".y(")
    site = before.feed(b".").site()
    assert site is not None and site.trigger == 2 and before.position == 1


RECEIVERS = [
    ("y = a.b.c.", "a.b.c"),
    ("y = f(1, g(2)).", "f(1, g(2))"),
    ("y = x[a.b].c.", "x[a.b].c"),
    ("y = -a.", "a"),
    ("y = not a.", "a"),
    ("y = (a or b).", "(a or b)"),
    ("f(a.", "a"),
    ("f(x, y=a.b.", "a.b"),
    ("y = 'abc'.", "'abc'"),
    ("y = a\\\n  .", "a"),
    ("match c:\n    case K.", "K"),
    ("y = [1, 2].", "[1, 2]"),
    ("y = f'{a.", "a"),
]


@pytest.mark.parametrize(("text", "receiver"), RECEIVERS, ids=[text for text, _ in RECEIVERS])
def test_receivers(text: str, receiver: str) -> None:
    site = PythonScanner().feed(text.encode()).site()
    assert site is not None and site.receiver.decode() == receiver


ERRORS = ["x = 'abc\n", "x = )", "x = (]", "x = \\y", "f'{a]}'"]


@pytest.mark.parametrize("text", ERRORS)
def test_text_that_cannot_be_python_ends_the_sites(text: str) -> None:
    scanner = PythonScanner().feed(text.encode())
    assert scanner.error
    assert scanner.feed(b"\ny = x.").site() is None


def test_imported_names_are_asked_for_where_the_list_starts() -> None:
    site = PythonScanner().feed(b"from a.b import c, (d") and PythonScanner().feed(b"from a.b import c, d").site()
    assert site is not None
    assert (site.kind, site.trigger, site.typed) == (SiteKind.IMPORTED, len(b"from a.b import "), b"d")


def test_arguments_are_counted() -> None:
    frame = PythonScanner().feed(b"f(1, g(2, 3), [4, 5], k=lambda a, b: a, *r").call_frame
    assert frame is not None
    assert (frame.arguments, frame.keywords, frame.is_starred) == (4, {b"k"}, True)
    comparison = PythonScanner().feed(b"f(a == b, c").call_frame
    assert comparison is not None and comparison.keywords == frozenset() and comparison.arguments == 1
