"""The product against its obvious twin: every token tried byte by byte."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

import structgen as sg
from structgen.errors import VocabularyError
from structgen.kernels.names import MOST_TWINS
from structgen.masks.mask import allowed_ids
from structgen.masks.matcher import Matcher
from structgen.monitored_constraint import MonitoredConstraint, apply_monitors, monitored
from structgen.monitors.analysis import Analysis
from structgen.monitors.arguments import ArgumentRule
from structgen.monitors.engines.signatures import parse_signature
from structgen.monitors.gates import BytesGate, ExceptGate, Gate, NameSet, NamesGate
from structgen.monitors.imports import ImportRule
from structgen.monitors.machine import FreeMachine, MonitoredMachine
from structgen.monitors.members import MemberRule
from structgen.monitors.name_tables import NameTables
from structgen.monitors.potential import MonitorPotential
from structgen.monitors.python_scanner import PythonScanner
from structgen.monitors.scope import ScopeRule
from structgen.monitors.text import TextMonitor, TextState
from structgen.vocab.vocabulary import Vocabulary
from tests.monitors.fakes import FakeEngine, free_product, member_monitor

PIECES = [
    *("x", "y", " ", "\n", "=", "(", ")", "'", "#", ".", "h", "o", "s", "t", "host", "hosts", "ho", "rt", "port", "po"),
    *(
        "x.",
        ".host",
        ".h",
        ".hosts",
        ".zz",
        "host.",
        "host(",
        "port)",
        "t.",
        "(x.",
        "'.",
        ").",
        ").ho",
        "x = x.",
        "\n\n",
    ),
    *("_", "_z", "__name__", "größe", "gr", ".größe", "# x.", "host.port", ".host.zz", " host", ". ", "1.", "1"),
]
TOKENS = [piece.encode() for piece in PIECES] + [b"\xc3", b"\xb6", b"\xc3\xb6\xc3"]
NAMES = ("host", "hostname", "port", "größe")


def vocabulary() -> Vocabulary:
    return Vocabulary.from_bytes([*TOKENS, b"</s>"], eos_ids=[len(TOKENS)])


def mask_of(machine: MonitoredMachine, config: object) -> set[int]:
    row = np.zeros(machine.vocabulary.n_words, dtype=np.uint32)
    machine.fill_mask(config, row)
    return set(allowed_ids(row, machine.vocabulary.n_tokens).tolist())


@pytest.mark.parametrize("seed", range(12))
def test_masks_agree_with_trying_every_token(seed: int) -> None:
    rng = random.Random(seed)
    words = vocabulary()
    machine = free_product(words, member_monitor(FakeEngine(NAMES), "y = x"))
    config = machine.start()
    for _ in range(25):
        allowed = mask_of(machine, config)
        tried = {i for i in range(words.n_tokens) if machine.advance(config, i) is not None}
        tried |= set(words.eos_ids) if machine.is_accepting(config) else set()
        assert allowed == tried
        choices = sorted(allowed - set(words.eos_ids))
        if not choices:
            break
        config = machine.advance(config, rng.choice(choices))
        assert config is not None


def judged_byte_by_byte(monitor: TextMonitor, data: bytes) -> bool:
    """The obvious judge: every rule is asked at every byte, nothing is remembered."""
    scanner = monitor.start().scanner
    for at in range(len(data)):
        here = TextState(data[:at], scanner)
        for rule in monitor.rules:
            gate = rule.gate(here) if rule.pre(here) else None
            if gate is not None and not gate.allows(data[at]):
                return False
        scanner = scanner.feed(data[at : at + 1])
    return True


@pytest.mark.parametrize("prefix", ["y = x", "from x import", "from x", "import os.x", "f(", "if x"])
def test_whole_names_are_judged_as_byte_by_byte(prefix: str) -> None:
    """However the text is split, and whether or not a mask looked ahead before."""
    rng = random.Random(prefix)
    engine = FakeEngine((*NAMES, "_private", "import_"))
    pieces = [*PIECES, "import", " import ", ", host", "import host", "(host,"]
    for _ in range(400):
        text = "".join(rng.choices(pieces, k=rng.randint(1, 4))).encode()
        analysis = Analysis(engine, prefix, "\nend = 1\n")
        rules = [MemberRule(analysis), ImportRule(analysis), ScopeRule(analysis)]
        monitor = TextMonitor("python", PythonScanner(), rules, prefix=prefix.encode())
        state: TextState | None = monitor.start()
        rest = text
        while rest and state is not None:
            monitor.advance(state, b".")
            monitor.advance(state, b" .")
            cut = rng.randint(1, len(rest))
            state, rest = monitor.advance(state, rest[:cut]), rest[cut:]
        assert (state is not None) == judged_byte_by_byte(monitor, text), text


def test_small_groups_leave_tokens_out_and_no_text() -> None:
    """With ``min_group`` some spellings go, but the mask only ever allows what ``advance`` takes."""
    every_byte = [bytes((b,)) for b in range(256)]
    words = Vocabulary.from_bytes([*TOKENS, *every_byte, b"</s>"], eos_ids=[len(TOKENS) + 256])
    machine = free_product(words, member_monitor(FakeEngine(NAMES), "y = x"), min_group=50)
    config = machine.start()
    allowed = mask_of(machine, config)
    assert all(machine.advance(config, i) is not None for i in allowed - set(words.eos_ids))
    assert TOKENS.index(b".host") not in allowed
    assert machine.advance_bytes(config, b".host") is not None


def test_grammar_and_monitor_are_intersected() -> None:
    words = vocabulary()
    constraint = MonitoredConstraint(sg.regex(r"\.(host|zz|port)\("), (member_monitor(FakeEngine(NAMES), "y = x"),))
    matcher = constraint.bind(words).start()
    row = np.zeros(words.n_words, dtype=np.uint32)
    matcher.fill_mask(row)
    assert {TOKENS[i] for i in allowed_ids(row, words.n_tokens).tolist()} == {b".", b".h", b".host"}
    matcher.advance(TOKENS.index(b"."))
    matcher.fill_mask(row)
    found = {TOKENS[i] for i in allowed_ids(row, words.n_tokens).tolist()}
    assert found == {b"h", b"ho", b"host", b"host(", b"po", b"port"}


def test_names_the_grammar_cannot_take_are_no_dead_ends() -> None:
    """``ho`` starts a member and fits the grammar; no member goes on as the grammar wants."""
    words = vocabulary()
    monitor = member_monitor(FakeEngine(("hostess", "port")), "y = x.")
    machine = MonitoredMachine(sg.regex("(hostile|port)").bind(words).machine, [monitor])
    assert {TOKENS[i] for i in mask_of(machine, machine.start())} == {b"po", b"port"}


def test_forced_bytes_stop_where_a_monitor_disagrees() -> None:
    words = vocabulary()
    monitor = member_monitor(FakeEngine(("host", "port")), "y = x")
    matcher = MonitoredConstraint(sg.regex(r"\.hosts"), (monitor,)).bind(words).start()
    assert matcher.forced_bytes() == b".host"


def test_the_shortest_completion_finishes_the_name() -> None:
    words = vocabulary()
    matcher = apply_monitors(words, [member_monitor(FakeEngine(NAMES), "y = x.ho")], min_group=1).start()
    assert matcher.shortest_completion() == b"st"
    row = np.zeros(words.n_words, dtype=np.uint32)
    matcher.fill_mask(row, budget=200)
    assert allowed_ids(row, words.n_tokens).size > 0


def test_forks_and_rollbacks_share_nothing_but_answers() -> None:
    words = vocabulary()
    matcher = Matcher(free_product(words, member_monitor(FakeEngine(NAMES), "y = x.")))
    fork = matcher.fork()
    matcher.advance(TOKENS.index(b"host"))
    fork.advance(TOKENS.index(b"port"))
    assert (matcher.text, fork.text) == ("host", "port")
    assert not matcher.try_advance(TOKENS.index(b"s")) and not fork.try_advance(TOKENS.index(b"s"))
    matcher.rollback()
    assert matcher.try_advance(TOKENS.index(b"po"))
    assert matcher.config != fork.config and hash(matcher.config) is not None


def test_a_report_names_the_monitor() -> None:
    constraint = monitored(sg.regex("a"), [member_monitor(FakeEngine(NAMES))])
    assert [entry.how for entry in constraint.report().entries][-1] == "monitor"
    assert monitored(sg.regex("a"), []) is not None
    with pytest.raises(ValueError):
        monitored(None, [])


# --- gates against their definition


@pytest.mark.parametrize(
    "gate",
    [
        NamesGate(NameSet(NAMES)),
        NamesGate(NameSet(NAMES), b"host"),
        NamesGate(NameSet(NAMES), b"gr"),
        NamesGate(NameSet(NAMES), blanks=b" \n", lifts=b"#_"),
        NamesGate(NameSet(["a.", "a", "b("])),
        ExceptGate(NameSet(["host", "port"])),
        ExceptGate(NameSet(["host", "hosts"]), b"host"),
        BytesGate(b"h(."),
    ],
    ids=repr,
)
def test_gates_fill_what_they_allow(gate: Gate) -> None:
    """A token is allowed if its first byte is; and for names, if its bytes follow the terminal to its end."""
    words = vocabulary()
    row = np.full(words.n_words, 0xFFFFFFFF, dtype=np.uint32)
    gate.cut(NameTables.of(words), 0, np.zeros_like(row), row)
    found = {TOKENS[i] for i in allowed_ids(row, words.n_tokens).tolist() if i < len(TOKENS)}
    for token in TOKENS:
        assert (token in found) is follows(gate, token), token


def test_more_tokens_of_the_same_bytes_than_records_count_are_refused() -> None:
    words = Vocabulary.from_bytes([*[b"a"] * (MOST_TWINS + 1), b"</s>"], eos_ids=[MOST_TWINS + 1])
    with pytest.raises(VocabularyError, match="8,191 tokens of the same bytes, not 8,192"):
        NameTables(words)


def follows(gate: Gate, token: bytes) -> bool:
    if not gate.allows(token[0]):
        return False
    if isinstance(gate, BytesGate):
        return True
    for i, byte in enumerate(token):
        if not gate.allows(byte):
            return False
        if isinstance(gate, NamesGate):
            if not gate.typed and byte in gate.lifts:
                return True
            if not gate.typed and byte in gate.blanks:
                continue
            if not gate.names.has_prefix(gate.typed + token[i : i + 1]):
                return True  # past the name
            gate = NamesGate(gate.names, gate.typed + token[i : i + 1])
        else:
            assert isinstance(gate, ExceptGate)
            if not (token[i : i + 1].isalnum() or byte == 0x5F or byte >= 0x80):
                return True
            gate = ExceptGate(gate.names, gate.typed + token[i : i + 1])
    return True


# --- potentials


@pytest.mark.parametrize("log_penalty", [-math.inf, -2.5])
def test_potential_keeps_its_laws(log_penalty: float) -> None:
    words = vocabulary()
    potential = MonitorPotential([member_monitor(FakeEngine(NAMES), "y = x")], words, log_penalty=log_penalty)
    rng = random.Random(1)
    for _ in range(6):
        token_ids: list[int] = []
        for _ in range(4):
            here = potential.prefix(token_ids)
            ahead = potential.logw_next(token_ids)
            for i in range(len(TOKENS)):
                assert potential.prefix([*token_ids, i]) == pytest.approx(here + ahead[i])
            assert potential.complete(token_ids) == pytest.approx(here + ahead[len(TOKENS)])
            token_ids.append(rng.choice([i for i in range(len(TOKENS)) if ahead[i] > -math.inf]))
    assert potential.prefix([TOKENS.index(b"."), TOKENS.index(b".zz")]) == log_penalty


def test_a_penalty_must_not_reward() -> None:
    with pytest.raises(ValueError):
        MonitorPotential([], vocabulary(), log_penalty=0.5)


def test_free_machine_allows_every_token_with_bytes() -> None:
    words = Vocabulary.from_bytes([b"a", b"", b"<s>", b"</s>"], eos_ids=[3], special_ids=[2])
    row = np.zeros(1, dtype=np.uint32)
    FreeMachine(words).fill_mask(0, row)
    assert allowed_ids(row, 4).tolist() == [0, 3]


# --- monitors with gates anywhere


@pytest.mark.parametrize("seed", range(6))
def test_dense_masks_agree_with_trying_every_token(seed: int) -> None:
    tokens = [
        p.encode() for p in ("f", "(", ")", ",", "a", "=", "==", "1", " ", "()", "(1", "1)", "a=", "a=1)", ", b", "'")
    ]
    tokens += [p.encode() for p in ("b=", "f(", "),", "')", "',", "(a", "[", "]", "])", "*", "\n", "x)", "1, 2", "key")]
    words = Vocabulary.from_bytes([*tokens, b"</s>"], eos_ids=[len(tokens)])
    signatures = parse_signature({"label": "(a, b=1, *, key)"})
    assert signatures is not None
    engine = FakeEngine(signatures=signatures)
    monitor = TextMonitor("python", PythonScanner(), [ArgumentRule(Analysis(engine, "", "\nx\n"))])
    machine = free_product(words, monitor)
    rng = random.Random(seed)
    config = machine.advance_bytes(machine.start(), b"x = f(")
    for _ in range(20):
        allowed = mask_of(machine, config) - set(words.eos_ids)
        assert allowed == {i for i in range(len(tokens)) if machine.advance(config, i) is not None}
        config = machine.advance(config, rng.choice(sorted(allowed)))
        assert config is not None


# --- samplers


@pytest.mark.parametrize("name", ["Masking", "AWRS", "SMC"])
def test_every_sampler_keeps_to_the_names(name: str) -> None:
    tokens = [*TOKENS, *(bytes((b,)) for b in range(97, 123))]
    words = Vocabulary.from_bytes([*tokens, b"</s>"], eos_ids=[len(tokens)])
    rng = np.random.default_rng(0)
    table = rng.dirichlet(np.ones(words.n_tokens), size=16)
    model = sg.models.Table.from_function(lambda prefix: table[len(list(prefix)) % 16], vocabulary=words)
    constraint = MonitoredConstraint(sg.regex(r"\.[a-z]+\("), (member_monitor(FakeEngine(NAMES), "y = x"),))
    sampler = getattr(sg.samplers, name)()
    samples = sampler.sample(model, constraint=constraint, n=4, max_tokens=30, seed=3)
    alive = [sample for sample in samples if sample.log_weight > -math.inf]
    assert alive
    for sample in alive:
        assert sample.text.rstrip("(")[1:] in (*NAMES, "mro")


# --- budgets


@pytest.mark.parametrize("pattern", [r"(x\.[a-z]+\n)+", r"[a-z]+(\.[a-z]+)?\n", r"x = [a-z.()]*\n", None], ids=str)
@pytest.mark.parametrize("budget", [1, 3, 6, 9, 14, 40])
def test_every_text_ends_within_its_budget(pattern: str | None, budget: int) -> None:
    """Byte tokens, and names of up to nine of them: the least room there can be."""
    tokens = [bytes((b,)) for b in b"abcdefghijklmnopqrstuvwxyz.\n =()"]
    words = Vocabulary.from_bytes([*tokens, b"x.", b".h", b"</s>"], eos_ids=[len(tokens) + 2])
    model = sg.models.Table.from_function(lambda prefix: [1.0] * words.n_tokens, vocabulary=words)
    monitor = member_monitor(FakeEngine(("hostnames", "port")), "y = 1\n")
    constraint = None if pattern is None else sg.regex(pattern)
    for seed in range(25):
        target = MonitoredConstraint(constraint, (monitor,))
        try:
            sample = sg.samplers.Masking().sample(model, constraint=target, max_tokens=budget, seed=seed)[0]
        except sg.IncompleteError as error:
            assert error.text in ("", b""), "said after something was written"
            assert pattern is not None and budget <= 9
            continue
        assert sample.finish_reason in ("stop", "complete") and len(sample.token_ids) < budget
        assert constraint is None or constraint.accepts(sample.text)
        state = monitor.advance(monitor.start(), sample.text.encode())
        assert state is not None and all(gate.may_end for gate in monitor.gates(state))
