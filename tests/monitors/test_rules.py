"""Imports, arguments, enums, classes, scope and typestate: what each holds back, and where it is silent."""

from __future__ import annotations

import pytest

from structgen.monitors.analysis import Analysis
from structgen.monitors.arguments import ArgumentRule
from structgen.monitors.classes import ClassRule
from structgen.monitors.engines.protocol import UNKNOWN, Completion, Signature, Unknown
from structgen.monitors.engines.signatures import parse_parameters, parse_signature
from structgen.monitors.enums import EnumRule
from structgen.monitors.imports import ImportRule
from structgen.monitors.python_scanner import PythonScanner
from structgen.monitors.scope import ScopeRule
from structgen.monitors.text import Rule, TextMonitor
from structgen.monitors.typestate import Typestate, TypestateRule
from tests.monitors.fakes import FakeEngine


def takes(rule: Rule, prefix: str, text: str) -> bool:
    """Whether the rule lets ``text`` follow ``prefix``."""
    monitor = TextMonitor("python", PythonScanner(), [rule], prefix=prefix.encode())
    return monitor.advance(monitor.start(), text.encode()) is not None


MODULE = ("path", "sep", "getcwd")
IMPORTS = [
    ("from os import", " path", True),
    ("from os import", " zz", False),
    ("from os import", "path", False),
    ("from os import", " *", True),
    ("from os import", " (path)", True),
    ("from os import ", "pat", True),
    ("from os import ", "paz", False),
    ("from os import path, ", "sep\n", True),
    ("from os import path, ", "zz\n", False),
    ("from os import (path,\n  ", "zz", False),
    ("from os import (path,\n  ", ")", True),
    ("from os import path as ", "anything", True),
    ("from os import pa", "th", True),
    ("from os import pa", "z", False),
    ("import os.", "path", True),
    ("import os.", "zz", False),
    ("from os.", "path import", True),
    ("from .", " import", True),
    ("from .", ".", True),
    ("import ", "zz", True),
    ("x = 'from os import", " zz", True),
    ("from ", "importlib import path", True),
    ("from import", "lib import path", True),
    ("from import", "lib import zz", False),
]


@pytest.mark.parametrize(("prefix", "text", "is_allowed"), IMPORTS, ids=[f"{p!r}{t!r}" for p, t, _ in IMPORTS])
def test_imported_names(prefix: str, text: str, is_allowed: bool) -> None:
    assert takes(ImportRule(Analysis(FakeEngine(MODULE), prefix, "\nx\n")), prefix, text) is is_allowed


def test_a_module_with_getattr_may_have_any_name() -> None:
    rule = ImportRule(Analysis(FakeEngine((*MODULE, "__getattr__")), "", "\nx\n"))
    assert takes(rule, "from os import ", "zz")


ONE = "def f(a, b=1, *, key, other=2)"
TWO = "def f(a, b, c, /)"
ANY = "def f(a, *args, **kwargs)"
ARGUMENTS = [
    ((ONE,), "f(", ")", False),
    ((ONE,), "f(", "1, key=2)", True),
    ((ONE,), "f(", "1, key=2, ", True),
    ((ONE,), "f(", "1, 2, 3)", False),
    ((ONE,), "f(", "1, 2, key=3)", True),
    ((ONE,), "f(", "1, kez=3)", False),
    ((ONE,), "f(", "1, kez == 3, key=1)", True),
    ((ONE,), "f(", "1, a=3)", False),
    ((ONE,), "f(", "key=1, a=2)", True),
    ((ONE,), "f(", "key=1, key", False),
    ((ONE,), "f(", "key=1, b=2, a=0)", True),
    ((ONE,), "f(", "*args)", True),
    ((ONE,), "f(", "**kw)", True),
    ((ONE,), "f(", "1)", False),
    ((ONE,), "f(", "g(1), key=h)", True),
    ((ONE,), "f(", "(1, 2, 3, 4), key=[1, 2])", True),
    ((ONE,), "f(", "'a, b, c', key=1)", True),
    ((ONE,), "f(", "lambda x, y, z: 0, key=1)", True),
    ((TWO,), "f(1, 2", ")", False),
    ((TWO,), "f(1, 2, 3", ")", True),
    ((TWO,), "f(1, 2, 3, ", "4", False),
    ((TWO,), "f(1, 2, 3, ", ")", True),
    ((TWO,), "f(1, 2, 3, ", "*r)", True),
    ((ONE, TWO), "f(1, 2, 3", ")", True),
    ((ONE, TWO), "f(1, 2, ", "3, 4", False),
    ((ANY,), "f(1, 2, 3, x=4, ", "y=5)", True),
    ((ANY,), "f(", ")", False),
    ((TWO,), "f(a for b, c in d, 2, 3", ")", True),
    ((TWO,), "f(1, 2, ", "(a for a, b in c))", True),
    ((TWO,), "f(1, 2, ", "{a for a, (b, c) in d}, 4", False),
    ((), "f(", ")", True),
    ((TWO,), "def f(", ")", True),
    ((TWO,), "x = (", ")", True),
]


@pytest.mark.parametrize(("labels", "prefix", "text", "is_allowed"), ARGUMENTS)
def test_argument_lists(labels: tuple[str, ...], prefix: str, text: str, is_allowed: bool) -> None:
    known = tuple(s for label in labels for s in parse_signature({"label": label}) or ())

    class Calls(FakeEngine):
        def signatures(self, text: str, offset: int) -> tuple[Signature, ...] | Unknown:
            return known if known and text[:offset].endswith("f(") else UNKNOWN

    assert takes(ArgumentRule(Analysis(Calls(), prefix, "\nx\n")), prefix, text) is is_allowed


SIGNATURES = [
    ("(a, b: int = 3) -> None", 1, 2, {"a", "b"}),
    ("(self: A, a: dict[str, int] = {'x': 1}, *, k)", 2, 2, {"self", "a", "k"}),
    ("(a, /, b, *args, k=1)", 2, None, {"b", "k"}),
    ("(**kw)", 0, 0, None),
    ("(...)", 0, None, None),
    ("()", 0, 0, set()),
    ("def walk[S: (str, bytes)](top: S, follow: bool = False) -> S: ...", 1, 2, {"top", "follow"}),
]


@pytest.mark.parametrize(("label", "required", "positional", "keywords"), SIGNATURES)
def test_signatures_are_read(label: str, required: int, positional: int | None, keywords: set[str] | None) -> None:
    parsed = parse_signature({"label": label, "parameters": []} if label == "()" else {"label": label})
    assert parsed is not None
    (signature,) = parsed
    assert (signature.n_required, signature.max_positional) == (required, positional)
    assert signature.keywords == keywords


def test_what_is_not_known_is_no_call_without_arguments() -> None:
    assert parse_signature({"label": "() -> Any"}) is None


def test_a_bound_receiver_printed_in_the_label_is_left_out() -> None:
    label = "(self: Order, a: int, *, c: int = 3) -> Unknown"
    parsed = parse_signature({"label": label, "parameters": [{"label": "a: int"}, {"label": "c: int = 3"}]})
    assert parsed is not None and [[p.name for p in s.parameters] for s in parsed] == [["a", "c"], ["self", "a", "c"]]
    assert parse_parameters(["a b"]) is None


class Kinds(FakeEngine):
    """Offers names with kinds."""

    def __init__(self, kinds: dict[str, int]) -> None:
        super().__init__(kinds)
        self._kinds = kinds

    def complete(self, text: str, offset: int) -> Completion:
        return Completion(frozenset(self._kinds), self._kinds)


def test_patterns_name_enum_members() -> None:
    marked = Kinds({"RED": 20, "BLUE": 20, "name": 10, "mix": 2})
    unmarked = Kinds({"RED": 5, "name": 3, "_missing_": 2, "mix": 3, "value": 3})
    for engine in (marked, unmarked):
        prefix = "match c:\n    case Colour."
        rule = EnumRule(Analysis(engine, prefix, "\n"))
        assert takes(rule, prefix, "RED:") and not takes(rule, prefix, "mix") and not takes(rule, prefix, "zz")
        assert takes(EnumRule(Analysis(engine, "x = Colour.", "\n")), "x = Colour.", "mix")
    plain = Kinds({"PI": 21, "e": 5})
    assert takes(EnumRule(Analysis(plain, "match c:\n    case m.", "\n")), "match c:\n    case m.", "zz")


def test_except_takes_no_functions() -> None:
    engine = Kinds({"ValueError": 7, "errors": 9, "error_of": 3})
    prefix = "try:\n    pass\nexcept "
    rule = ClassRule(Analysis(engine, prefix, "\n"))
    assert (
        takes(rule, prefix, "ValueError") and takes(rule, prefix, "(errors.") and not takes(rule, prefix, "error_of ")
    )
    assert takes(ClassRule(Analysis(engine, "raise ", "\n")), "raise ", "error_of")


SCOPE = [
    ("return ", "total", True),
    ("return ", "totl", False),
    ("return ", "not total", True),
    ("return ", "len(", True),
    ("return ", "f'x'", True),
    ("return ", "1", True),
    ("x = ", "totl", False),
    ("x = total + ", "totl", False),
    ("x = [", "totl for totl in y]", True),
    ("f(", "zz=1)", True),
    ("", "totl = 1", True),
    ("for ", "totl in y", True),
    ("x = lambda totl: ", "totl", True),
    ("def ", "totl", True),
    ("import ", "totl", True),
    ("x.", "totl", True),
    ("from a import *\nx = ", "totl", True),
    ("if ", "totl := 1", True),
    ("while total and ", "totl", False),
    ("def f(width):\n    kept = 1\n    x = ", "width", True),
    ("def f(width):\n    kept = 1\n    x = ", "kept", True),
    ("def f(width):\n    kept = 1\n    x = ", "totl", False),
]


@pytest.mark.parametrize(("prefix", "text", "is_allowed"), SCOPE, ids=[f"{p!r}{t!r}" for p, t, _ in SCOPE])
def test_names_in_scope(prefix: str, text: str, is_allowed: bool) -> None:
    engine = FakeEngine(("total", "y"))
    assert takes(ScopeRule(Analysis(engine, prefix, "\nend = 1\n")), prefix, text) is is_allowed


def test_functions_may_name_what_the_module_will_define() -> None:
    engine, prefix = FakeEngine(("total",)), "def f():\n    return "
    assert takes(ScopeRule(Analysis(engine, prefix, "\n")), prefix, "helper")
    assert not takes(ScopeRule(Analysis(engine, prefix, "\ng()\n")), prefix, "helper")
    assert not takes(ScopeRule(Analysis(engine, "x = ", "\n")), "x = ", "helper")


FILE = Typestate(
    "file",
    frozenset({"open"}),
    "open",
    {("open", "read"): "open", ("open", "close"): "closed", ("closed", "reopen"): "open"},
)
TYPESTATE = [
    ("f = open(p)\nf.", "read", True),
    ("f = open(p)\nf.", "reopen", False),
    ("f = open(p)\nf.", "reopened", True),
    ("f = open(p)\nf.", "name", True),
    ("f = open(p)\nf.close()\nf.", "read", False),
    ("f = open(p)\nf.close()\nf.", "reopen", True),
    ("f = open(p)\nx = f.read()\nf.", "reopen", False),
    ("f = open(p)\nf.close(); f.", "read", False),
    ("f = open(p)\ng(f)\nf.", "reopen", True),
    ("f = open(p)\nif x:\n    f.close()\nf.", "read", True),
    ("f = open(p)\nif x:\n    g()\nf.", "reopen", False),
    ("f = open(p)\nfor a in b:\n    f.", "reopen", True),
    ("f = open(p)\nf = g()\nf.", "reopen", True),
    ("def h():\n    f = open(p)\n    f.close()\n    f.", "read", False),
    ("def h():\n    f = open(p)\ndef k():\n    f.", "reopen", True),
    ("f: IO = open(p)\n# f.close()\nf.", "reopen", False),
    ("g.f = open(p)\ng.f.", "reopen", True),
]


@pytest.mark.parametrize(("prefix", "text", "is_allowed"), TYPESTATE, ids=[f"{p!r}{t!r}" for p, t, _ in TYPESTATE])
def test_typestate(prefix: str, text: str, is_allowed: bool) -> None:
    assert takes(TypestateRule(FILE, prefix=prefix.encode()), prefix, text + "(") is is_allowed


def test_rules_of_one_text_are_intersected() -> None:
    """Members that exist, less those that the state forbids."""
    from structgen.monitors.members import MemberRule

    prefix = "f = open(p)\nf.close()\ny = f."
    analysis = Analysis(FakeEngine(("read", "reopen", "name")), prefix, "\nx\n")
    rules = [MemberRule(analysis), TypestateRule(FILE, prefix=prefix.encode())]
    monitor = TextMonitor("python", PythonScanner(), rules, prefix=prefix.encode())
    verdicts = {
        name: monitor.advance(monitor.start(), name.encode() + b"(") is not None for name in ("read", "reopen", "zz")
    }
    assert verdicts == {"read": False, "reopen": True, "zz": False}
