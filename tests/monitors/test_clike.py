"""Where names stand in TypeScript, Java and C++, and what may stand there instead."""

from __future__ import annotations

import random

import pytest

from structgen.errors import MonitorError
from structgen.monitors.analysis import Analysis
from structgen.monitors.classes import ClassRule
from structgen.monitors.clike_scanner import HABITS, ClikeScanner
from structgen.monitors.engines.protocol import Completion
from structgen.monitors.members import MemberRule
from structgen.monitors.sites import SiteKind
from structgen.monitors.text import Rule, TextMonitor
from tests.monitors.fakes import FakeEngine

TS, JAVA, CPP = "typescript", "java", "cpp"
MEMBER, LOAD = SiteKind.MEMBER, SiteKind.LOAD
SITES = [
    (TS, "a.", MEMBER),
    (TS, "f(x).", MEMBER),
    (TS, "a[0].", MEMBER),
    (TS, "a?.", MEMBER),
    (TS, "a!.", MEMBER),
    (TS, "a != .", None),
    (TS, "a . ", MEMBER),
    (TS, "a. // why\n", MEMBER),
    (TS, "a. /* why */ ", MEMBER),
    (TS, "'s'.", MEMBER),
    (TS, "`x ${a.", MEMBER),
    (TS, "`x ${ {b: 1} } a.", None),
    (TS, "`x ${a} `.", MEMBER),
    (TS, "// a.", None),
    (TS, "// it's\na.", MEMBER),
    (TS, "; // a.", None),
    (TS, "/* a.", None),
    (TS, "/*/ a.", None),
    (TS, "/** x */ a.", MEMBER),
    (TS, "x = /a.", None),
    (TS, "x = /a[/].", None),
    (TS, "x = /a\\/b.", None),
    (TS, "x = /a/g.", MEMBER),
    (TS, "x = a / b / c.", MEMBER),
    (TS, "x = (a) / c.", MEMBER),
    (TS, "f(...", None),
    (TS, "[...a.", MEMBER),
    (TS, "1.", None),
    (TS, "1.5.", None),
    (TS, "x ? .", None),
    (TS, "new ", LOAD),
    (TS, "new a.", MEMBER),
    (TS, "'a\nb.", None),
    (JAVA, "import java.", None),
    (JAVA, "/** doc. */ package a.b.", None),
    (JAVA, "import a.b; c.", MEMBER),
    (JAVA, "void f(String...", None),
    (JAVA, "void f(String", None),
    (JAVA, "Foo.class.", MEMBER),
    (JAVA, 'x = """\n a.', None),
    (JAVA, 'x = """\n a "" b.', None),
    (JAVA, 'x = """\n a\\""" b.', None),
    (JAVA, 'x = """\n "a" """.', MEMBER),
    (JAVA, 'f("", a.', MEMBER),
    (JAVA, "'.' + a.", MEMBER),
    (CPP, "a.", MEMBER),
    (CPP, "a->", MEMBER),
    (CPP, "std::", MEMBER),
    (CPP, "a-", None),
    (CPP, "case 1: ", None),
    (CPP, "#include <sys/types.", None),
    (CPP, "#define F(x) x.", None),
    (CPP, "#define F(x) \\\n x.", None),
    (CPP, "#define F 1\na.", MEMBER),
    (CPP, 'x = R"(a.', None),
    (CPP, 'x = R"d(a)" b.', None),
    (CPP, 'x = R"d(a)d" + b.', MEMBER),
    (CPP, "x = 1'000'000 + b.", MEMBER),
    (CPP, "template <class... A> void f(A...", None),
]


@pytest.mark.parametrize(("language", "text", "kind"), SITES, ids=[f"{lang} {t!r}" for lang, t, _ in SITES])
def test_sites(language: str, text: str, kind: SiteKind | None) -> None:
    assert ClikeScanner(HABITS[language]).feed(text.encode()).kind is kind


def takes(language: str, prefix: str, text: str, engine: FakeEngine) -> bool:
    habits = HABITS[language]
    analysis = Analysis(engine, prefix, "\n")
    rules: list[Rule] = [
        MemberRule(analysis, private=True, always=habits.words),
        ClassRule(analysis, always=habits.after_new),
    ]
    monitor = TextMonitor(language, ClikeScanner(habits), rules, prefix=prefix.encode())
    return monitor.advance(monitor.start(), text.encode()) is not None


MEMBERS = [
    (TS, "x.", "host;", True),
    (TS, "x.", "zz;", False),
    (TS, "x", "?.host", True),
    (TS, "x", "?.zz", False),
    (TS, "x", "?.[0]", True),
    (TS, "x", "?.(0)", True),
    (TS, "this.", "#secret", True),
    (TS, "x.", "// why", True),
    (JAVA, "Outer.", "this.", True),
    (JAVA, "Collections.", "<String>host()", True),
    (JAVA, "void f(String", "... a", True),
    (CPP, "p", "->host", True),
    (CPP, "p", "->zz", False),
    (CPP, "p->", "~T()", True),
    (CPP, "p", "->*q", True),
    (CPP, "auto f() ", "-> int", True),
    (CPP, "int T::", "*q", True),
    (CPP, "x.", "operator==", True),
    (CPP, "f(A", "... a)", True),
]


@pytest.mark.parametrize(("language", "prefix", "text", "is_allowed"), MEMBERS)
def test_members(language: str, prefix: str, text: str, is_allowed: bool) -> None:
    assert takes(language, prefix, text, FakeEngine(("host", "port"))) is is_allowed


class Kinds(FakeEngine):
    """Offers a class, a variable and a function."""

    def complete(self, text: str, offset: int) -> Completion:
        kinds = {"Order": 7, "made": 6, "make": 3}
        return Completion(frozenset(kinds), kinds)


@pytest.mark.parametrize(
    ("language", "text", "is_allowed"),
    [(TS, "Order(", True), (TS, "make(", False), (TS, "this.", True), (CPP, "int[3]", True), (CPP, "make(", False)],
)
def test_constructors(language: str, text: str, is_allowed: bool) -> None:
    assert takes(language, "x = new ", text, Kinds()) is is_allowed


def test_a_namespace_is_no_proof() -> None:
    """What a namespace has comes from an index that may lack anything; classes and enums are whole."""

    class Scopes(FakeEngine):
        def complete(self, text: str, offset: int) -> Completion:
            kinds = {"make": 3} if text[:offset].endswith("std::") else {"Red": 20, "Green": 20}
            return Completion(frozenset(kinds), kinds)

    assert takes(CPP, "std::", "move(", Scopes())
    assert takes(CPP, "Colour::", "Red;", Scopes()) and not takes(CPP, "Colour::", "Blue;", Scopes())


def test_splits_change_nothing() -> None:
    """However a text is cut into pieces, the scanner ends in the same lexical place."""
    rng = random.Random(1)
    for language, text, _ in SITES:
        data = text.encode()
        whole = ClikeScanner(HABITS[language]).feed(data)
        cut = rng.randint(0, len(data))
        parts = ClikeScanner(HABITS[language]).feed(data[:cut]).feed(data[cut:])
        assert (whole.kind, whole.lexical_key()) == (parts.kind, parts.lexical_key())


def test_a_rule_that_does_not_exist_is_named(tmp_path: object) -> None:
    from structgen.monitors import clike

    with pytest.raises(MonitorError, match="typestate"):
        clike("cpp", str(tmp_path), file="a.cpp", engine=FakeEngine(), rules=["typestate"])  # type: ignore[list-item]
