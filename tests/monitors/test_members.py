"""Member access: the golden example and a table of places, on engines that answer by table."""

from __future__ import annotations

import numpy as np
import pytest

from structgen.masks.mask import allowed_ids
from structgen.masks.matcher import Matcher
from structgen.monitors.members import MemberRule
from structgen.monitors.rules import ALWAYS
from structgen.vocab.vocabulary import Vocabulary
from tests.monitors.fakes import FakeEngine, free_product, member_monitor

GOLDEN = [b"h", b"host", b"hostn", b"hosts", b"host(", b"po", b"port.", b"x", b"(", b"name", b"name(", b"s", b"</s>"]


def allowed(vocabulary: Vocabulary, prefix: str, engine: FakeEngine, **options: bool) -> set[bytes]:
    """Tokens that may come after ``prefix``; the end of sequence goes by its name."""
    matcher = Matcher(free_product(vocabulary, member_monitor(engine, prefix, **options)))
    row = np.zeros(vocabulary.n_words, dtype=np.uint32)
    matcher.fill_mask(row)
    ids = allowed_ids(row, vocabulary.n_tokens).tolist()
    return {vocabulary.token_bytes(i) or b"</s>" for i in ids}


def test_golden_example() -> None:
    vocabulary = Vocabulary.from_bytes(GOLDEN, eos_ids=[12])
    engine = FakeEngine(("host", "hostname", "port"))
    typed_nothing = allowed(vocabulary, "c = conf.", engine)
    assert typed_nothing == {b"h", b"host", b"hostn", b"host(", b"po", b"port."}
    after_host = allowed(vocabulary, "c = conf.host", engine)
    assert {b"(", b"name", b"name("} <= after_host and b"s" not in after_host
    assert after_host == {b"(", b"name", b"name(", b"</s>"}


NAMES = ("host", "hostname", "port", "größe", "名前")

# prefix, then whether the member names are demanded there
PLACES: list[tuple[str, str, bool]] = [
    ("after a name", "y = x.", True),
    ("after a call", "y = f(1).", True),
    ("after a subscript", "y = x[0].", True),
    ("after a string", "y = 'abc'.", True),
    ("after a bytes literal", "y = b'abc'.", True),
    ("after a triple string", "y = '''a.b'''.", True),
    ("after a display", "y = {1: 2}.", True),
    ("ladder of dots", "y = a.b.c.", True),
    ("ladder over calls", "y = a.b(c.d).e[f.g].", True),
    ("inside an argument", "f(a, b=x.", True),
    ("inside a subscript", "y = d[x.", True),
    ("on a continued line", "y = (a\n    .", True),
    ("after a joined line", "y = a\\\n    .", True),
    ("blank before the dot", "y = x .", True),
    ("blank after the dot", "y = x. ", True),
    ("in an f-string's field", "y = f'{x.", True),
    ("in a nested field", "y = f'{a:{x.", True),
    ("in a field with quotes", 'y = f"{d["k"].', True),
    ("after an f-string", "y = f'{a}'.", True),
    ("after a comment line", "# x.\ny = x.", True),
    ("after an escaped quote", "y = 'it\\'s'.", True),
    ("after a raw string with backslash", "y = r'\\'' ; z = x.", True),
    ("after a hex number", "y = 0xFF.", True),
    ("after a float", "y = 1.5.", True),
    ("after an imaginary number", "y = 1j.", True),
    ("after a number and a blank", "y = 1 .", True),
    ("after a constant", "y = None.", True),
    ("in a decorator", "@x.", True),
    ("in a condition", "if x.", True),
    ("after a walrus", "if (n := x.", True),
    ("in a lambda's body", "f = lambda: x.", True),
    ("in a default", "def f(a=x.", True),
    ("in an annotation", "def f(a: x.", True),
    ("in a class's bases", "class A(x.", True),
    ("in a comprehension", "y = [a for a in x.", True),
    ("after return", "    return self.", True),
    ("after del", "del x.", True),
    ("loaded through self", "    y = self.", True),
    ("augmented value", "y += x.", True),
    ("statement's start, not self", "x.", True),
    ("self at a statement's start", "    self.", False),
    ("cls at a statement's start", "    cls.", False),
    ("self in a tuple target", "    a, self.", False),
    ("self under a with", "    with f() as self.", False),
    ("self in a for", "    for self.", False),
    ("self's attribute's attribute", "    self.a.", False),
    ("after a colon on one line", "    if a: self.", False),
    ("after a semicolon", "    a = 1; self.", False),
    ("in a comment", "y = 1 # x.", False),
    ("in a string", "y = 'x.", False),
    ("in a triple string", 'y = """a\nx.', False),
    ("in a docstring", 'def f():\n    """x.', False),
    ("in an f-string's text", "y = f'x.", False),
    ("in doubled braces", "y = f'{{x.", False),
    ("in a format spec", "y = f'{x:.", False),
    ("a float's point", "y = 1.", False),
    ("a float's point after an underscore", "y = 1_000.", False),
    ("a fraction's start", "y = .", False),
    ("an ellipsis", "y = ..", False),
    ("an ellipsis in a subscript", "y = x[..", False),
    ("a relative import", "from .", False),
    ("a module's path", "import x.", False),
    ("a broken string", "y = 'abc\nz = x.", False),
    ("a bracket too many", "y = 1)\nz = x.", False),
    ("after a keyword", "y = not .", False),
]


@pytest.mark.parametrize(("place", "prefix", "is_constrained"), PLACES, ids=[place for place, _, _ in PLACES])
def test_names_are_demanded_at_dereferences_only(place: str, prefix: str, is_constrained: bool) -> None:
    vocabulary = Vocabulary.from_bytes([b"ho", b"zz", b"</s>"], eos_ids=[2])
    engine = FakeEngine(NAMES)
    found = allowed(vocabulary, prefix, engine)
    assert b"ho" in found
    assert (b"zz" not in found) is is_constrained
    if is_constrained:
        assert engine.asked == [prefix.rstrip(" ")], "the question is put right after the dot"


UNKNOWN_LISTS: list[tuple[str, object]] = [
    ("no answer", None),
    ("an empty list", ()),
    ("object's members", dir(object)),
    ("a function's members", [*dir(object), "__call__", "__get__", "__dict__"]),
    ("__getattr__ among them", ("host", "__getattr__")),
    ("names in scope", ("host", "ArithmeticError", "isinstance", "print")),
]


@pytest.mark.parametrize(("why", "names"), UNKNOWN_LISTS, ids=[why for why, _ in UNKNOWN_LISTS])
def test_unknown_never_constrains(why: str, names: list[str] | None) -> None:
    vocabulary = Vocabulary.from_bytes([b"zz", b"</s>"], eos_ids=[1])
    assert allowed(vocabulary, "y = x.", FakeEngine(lambda text: names)) == {b"zz", b"</s>"}


def test_a_list_cut_short_is_unknown() -> None:
    vocabulary = Vocabulary.from_bytes([b"zz", b"</s>"], eos_ids=[1])
    assert allowed(vocabulary, "y = x.", FakeEngine(NAMES, incomplete=True)) == {b"zz", b"</s>"}


def test_self_is_unknown_while_its_class_is_still_written() -> None:
    vocabulary = Vocabulary.from_bytes([b"zz", b"</s>"], eos_ids=[1])
    prefix = "class A:\n    def f(self):\n        return self."
    for suffix, is_constrained in (("", False), ("\n  \n", False), ("\n\n    def zz(self): ...\n", True)):
        engine = FakeEngine(NAMES)
        matcher = Matcher(free_product(vocabulary, member_monitor(engine, prefix, suffix)))
        row = np.zeros(1, dtype=np.uint32)
        matcher.fill_mask(row)
        assert (not row[0] & 1) is is_constrained


def test_any_target_is_unknown_if_asked_for() -> None:
    vocabulary = Vocabulary.from_bytes([b"zz", b"</s>"], eos_ids=[1])
    assert b"zz" not in allowed(vocabulary, "x.", FakeEngine(NAMES))
    assert b"zz" in allowed(vocabulary, "x.", FakeEngine(NAMES), any_target=True)
    assert b"zz" not in allowed(vocabulary, "y = x.", FakeEngine(NAMES), any_target=True)


def test_private_names_are_free_unless_asked_for() -> None:
    vocabulary = Vocabulary.from_bytes([b"_zz", b"_ho", b"</s>"], eos_ids=[2])
    names = ("host", "_hot")
    assert allowed(vocabulary, "y = x.", FakeEngine(names)) == {b"_zz", b"_ho"}
    assert allowed(vocabulary, "y = x.", FakeEngine(names), private=True) == {b"_ho"}
    assert b"_zz" in allowed(vocabulary, "y = x._h", FakeEngine(names))


def test_dunder_names_of_every_object_are_always_offered() -> None:
    vocabulary = Vocabulary.from_bytes([b"__name__", b"__nam", b"__zz__", b"</s>"], eos_ids=[3])
    found = allowed(vocabulary, "y = x.", FakeEngine(("host",)), private=True)
    assert found == {b"__name__", b"__nam"} and "__name__" in ALWAYS


def test_multi_byte_names_split_anywhere() -> None:
    name = "größe".encode()
    pieces = [b"gr", b"gr\xc3", b"\xb6", b"\xb6\xc3\x9f", b"\xb7", b"e", b"\xc3", b"</s>"]
    vocabulary = Vocabulary.from_bytes(pieces, eos_ids=[7])
    matcher = Matcher(free_product(vocabulary, member_monitor(FakeEngine(NAMES), "y = x.")))
    text = b""
    for token in (b"gr\xc3", b"\xb6\xc3\x9f"):
        row = np.zeros(1, dtype=np.uint32)
        matcher.fill_mask(row)
        ids = {pieces[i] for i in allowed_ids(row, 8).tolist()}
        assert token in ids and b"\xb7" not in ids
        matcher.advance(pieces.index(token))
        text += token
    matcher.advance(5)
    assert matcher.text_bytes == name and matcher.is_accepting


def test_a_name_typed_before_the_cursor_goes_on() -> None:
    vocabulary = Vocabulary.from_bytes([b"st", b"stname", b"zz", b"rt", b"</s>"], eos_ids=[4])
    engine = FakeEngine(NAMES)
    assert allowed(vocabulary, "y = x.ho", engine) == {b"st", b"stname"}
    assert engine.asked == ["y = x."]


def test_a_wrong_name_typed_before_the_cursor_is_let_be() -> None:
    vocabulary = Vocabulary.from_bytes([b"zz", b"</s>"], eos_ids=[1])
    assert allowed(vocabulary, "y = x.qu", FakeEngine(NAMES)) == {b"zz", b"</s>"}


def test_tokens_that_contain_the_dot_are_judged_whole() -> None:
    tokens = [b".", b".ho", b".host", b".hosts", b".zz", b").port", b").zz", b" .host", b"...", b".5", b"</s>"]
    vocabulary = Vocabulary.from_bytes(tokens, eos_ids=[10])
    found = allowed(vocabulary, "y = f(x", FakeEngine(NAMES))
    assert found == {b".", b".ho", b".host", b").port", b" .host", b"</s>"}


def test_a_token_of_two_dereferences_asks_twice() -> None:
    tokens = [b".a.b", b".a.c", b".b.b", b"</s>"]
    vocabulary = Vocabulary.from_bytes(tokens, eos_ids=[3])
    engine = FakeEngine(lambda text: ("a",) if text.endswith("x.") else ("b",))
    assert allowed(vocabulary, "y = x", engine) == {b".a.b", b"</s>"}


def test_small_groups_are_left_to_shorter_tokens_only_where_those_exist() -> None:
    tokens = [bytes((b,)) for b in b".).hostz"] + [b".host", b".zz", b").host", b"</s>"]
    for spelled in (True, False):
        kept = tokens if spelled else tokens[8:]
        vocabulary = Vocabulary.from_bytes(kept, eos_ids=[len(kept) - 1])
        engine = FakeEngine(NAMES)
        machine = free_product(vocabulary, member_monitor(engine, "y = f(x"), min_group=8)
        row = np.zeros(vocabulary.n_words, dtype=np.uint32)
        machine.fill_mask(machine.start(), row)
        found = {kept[i] for i in allowed_ids(row, len(kept)).tolist()}
        assert (b".host" in found) is not spelled and b".zz" not in found
        assert bool(engine.asked) is not spelled


def test_end_of_sequence_waits_for_the_whole_name() -> None:
    vocabulary = Vocabulary.from_bytes([b"ho", b"st", b"</s>"], eos_ids=[2])
    matcher = Matcher(free_product(vocabulary, member_monitor(FakeEngine(("host",)), "y = x.")))
    assert not matcher.is_accepting
    matcher.advance(0)
    assert not matcher.is_accepting and matcher.shortest_completion() == b"st"
    matcher.advance(1)
    assert matcher.is_accepting


def test_an_analysis_is_asked_once_per_place() -> None:
    vocabulary = Vocabulary.from_bytes([b"ho", b"st", b" ", b"</s>"], eos_ids=[3])
    engine = FakeEngine(("host",))
    matcher = Matcher(free_product(vocabulary, member_monitor(engine, "y = x.")))
    row = np.zeros(1, dtype=np.uint32)
    for token in (0, 1, 2):
        matcher.fill_mask(row)
        matcher.advance(token)
    matcher.rollback(3)
    matcher.fill_mask(row)
    assert engine.asked == ["y = x."]


def test_what_one_generation_asked_in_vain_the_next_asks_again() -> None:
    """Within one, an answer that was late is not asked for again: a place must not turn from free to constrained."""
    answers: list[tuple[str, ...] | None] = [None, NAMES]
    engine = FakeEngine(lambda text: answers.pop(0))
    monitor = member_monitor(engine, "y = x.")
    first = monitor.start()
    assert monitor.gates(first) == () and monitor.gates(monitor.feed(first, b"")) == () and len(answers) == 1
    second = monitor.start()
    assert monitor.gates(second) and monitor.gates(monitor.feed(second, b"ho")) and not answers


def test_pre_makes_no_query() -> None:
    engine = FakeEngine(NAMES)
    monitor = member_monitor(engine, "y = ")
    state = monitor.start()
    for byte in b"abc.":
        state = monitor.feed(state, bytes((byte,)))
    assert monitor.pre(state) and engine.asked == []
    assert isinstance(monitor.rules[0], MemberRule)
