"""Monitors and grammars in generating functions: results, records, streams, batches, what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest

import structgen as sg
from structgen.models.table import Table
from structgen.monitors.python_monitor import python
from structgen.monitors.text import TextMonitor
from tests.monitors.fakes import FakeEngine, server_profile

Bytes = sg.Vocabulary.from_bytes([*(bytes([i]) for i in range(256)), b"</s>"], eos_ids=[256])
LINE = sg.regex(r"[a-z]+\.[a-z]+\n")
"""A toy grammar: one dereference to the end of the line."""


class Wants:
    """A model that would write ``text`` if nothing held it back, whatever it is asked."""

    def __init__(self, text: bytes) -> None:
        self.vocabulary, self.name = Bytes, "wants"

        def weights(prefix: tuple[int, ...]) -> list[float]:
            wanted = text[len(prefix)] if len(prefix) < len(text) else 256
            return [1.0 if token == wanted else 1e-6 for token in range(257)]

        self._table = Table.from_function(weights, vocabulary=Bytes)

    def encode(self, prompt: Any) -> list[int]:
        return []

    def start(self, prompts: Any) -> Any:
        return self._table.start(prompts)


def orders(*names: str) -> TextMonitor:
    return python(".", engine=FakeEngine(names or ("total", "ship")), suffix="\nend = 1\n")


@pytest.fixture(autouse=True)
def model() -> Iterator[None]:
    with sg.configure(model=Wants(b"order.totl\n"), seed=0, max_tokens=40):
        yield


@sg.generate(constraint=LINE, monitors=[orders()])
def line(what: str) -> str:
    """Write a line about {what}."""
    raise NotImplementedError


@sg.generate(constraint=LINE, monitors=[orders()])
async def later(what: str) -> str:
    """Write a line about {what}."""
    raise NotImplementedError


def test_the_monitor_turns_a_wrong_name_into_a_right_one() -> None:
    assert line("orders") == "order.total\n"
    assert line.using(monitors=[])("orders") == "order.totl\n"


def test_a_record_tells_what_the_monitor_did() -> None:
    generation = line.using(monitors=[orders()]).raw("orders")
    (record,) = generation.monitors
    assert (record.name, record.engine, record.gave_up) == ("python", "fake", "")
    assert record.queries >= 1 and 1 <= record.constrained <= record.masks
    assert record.is_whole
    assert line.using(monitors=[]).raw("orders").monitors == ()


def test_records_start_anew_with_each_call() -> None:
    first, second = line.raw("orders").monitors[0], line.raw("orders").monitors[0]
    assert first.masks == second.masks


def test_streams_batches_and_awaited_calls_are_monitored() -> None:
    assert list(line.stream("orders"))[-1] == "order.total\n"
    assert sg.batch([line.bind("a"), later.bind("b")]) == ["order.total\n"] * 2
    assert asyncio.run(later("orders")) == "order.total\n"


def test_every_sampler_takes_the_product() -> None:
    for sampler in (sg.samplers.ASAp(), sg.samplers.SMC(particles=3)):
        name = line.using(sampler=sampler, seed=1)("x").split(".")[1].strip()
        assert name in ("total", "ship")


def test_function_without_decorator() -> None:
    fn = sg.Function("{x}", returns=str).using(monitors=[orders()])
    assert fn("x").startswith("order.total")


def test_check_lists_the_monitors() -> None:
    entries = {entry.keyword: entry.how for entry in line.check().entries}
    assert entries["python"] == "monitor" and entries["regex"] == "automaton"


def test_a_constraint_stands_in_for_a_type_of_json() -> None:
    with sg.configure(model=Wants(b"[7]")):
        fn = sg.Function("{x}", returns=list[int])
        assert fn.using(constraint=sg.regex(r"\[[0-9]\]"))("x") == [7]


def test_monitored_is_public() -> None:
    sampled = sg.samplers.Masking(temperature=0).sample(Wants(b"a.yx\n"), constraint=sg.monitored(LINE, [orders("y")]))
    assert sampled.texts == ("a.y\n",)
    with pytest.raises(ValueError, match="neither"):
        sg.monitored(None, [])


class TestBadInput:
    def test_two_words_on_what_the_text_is(self) -> None:
        fn = sg.Function("{x}", returns=Annotated[str, sg.Regex("a+")]).using(constraint=LINE)
        with pytest.raises(sg.TypeSupportError):
            fn("x")

    def test_options_of_the_wrong_kind(self) -> None:
        with pytest.raises(TypeError, match="constraint"):
            sg.generate(constraint="[a-z]+")  # type: ignore[call-overload]
        with pytest.raises(TypeError, match="list of monitors"):
            line.using(monitors=orders())  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="whitespace"):
            sg.generate(constraint=LINE, whitespace="compact")

    def test_a_server_that_talks_nonsense_is_an_error(self, tmp_path: Path) -> None:
        monitor = python(tmp_path, engine=server_profile(tmp_path, "garbage"))
        with pytest.raises(sg.MonitorError) as caught:
            line.using(monitors=[monitor])("x")
        assert caught.value.engine == "fake" and caught.value.hint

    def test_unless_the_caller_goes_on_without_which_is_recorded(self, tmp_path: Path) -> None:
        monitor = python(tmp_path, engine=server_profile(tmp_path, "garbage"), on_failure="continue")
        with pytest.warns(RuntimeWarning, match="without the monitor"):
            generation = line.using(monitors=[monitor]).raw("x")
        assert generation.text == "order.totl\n"
        assert "does not come up" in generation.monitors[0].gave_up
        assert not generation.monitors[0].is_whole
        # It is not tried again at each call, and goes on being recorded.
        assert line.using(monitors=[monitor]).raw("x").monitors[0].gave_up

    def test_a_server_that_dies_costs_constraints_and_is_recorded(self, tmp_path: Path) -> None:
        monitor = python(tmp_path, engine=server_profile(tmp_path, "crashes"), suffix="\nz = 1\n")
        generation = line.using(monitors=[monitor]).raw("x")
        assert generation.text == "order.totl\n"
        assert generation.monitors[0].failures == 1 and not generation.monitors[0].is_whole
        monitor.engine.close()  # type: ignore[union-attr]

    def test_a_file_that_is_no_python(self, tmp_path: Path) -> None:
        with pytest.raises(sg.MonitorError) as caught:
            python(tmp_path, engine=FakeEngine(), prefix="x = 1)\n")
        assert caught.value.engine == "python" and caught.value.hint
        with pytest.warns(RuntimeWarning):
            monitor = python(tmp_path, engine=FakeEngine(), prefix="x = 1)\n", on_failure="continue")
        generation = line.using(monitors=[monitor]).raw("x")
        assert generation.text == "order.totl\n" and "closing bracket" in generation.monitors[0].gave_up

    def test_nothing_is_installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
        monkeypatch.setattr("structgen.monitors.engines.choose.find_spec", lambda name: None)
        with pytest.raises(sg.MonitorError) as caught:
            python(tmp_path)
        assert "structgen[monitors]" in (caught.value.hint or "")
        with pytest.raises(sg.MonitorError) as caught:
            python(tmp_path, engine="jedi")
        assert caught.value.engine == "jedi"
        with pytest.warns(RuntimeWarning):
            generation = line.using(monitors=[python(tmp_path, on_failure="continue")]).raw("x")
        assert "not installed" in generation.monitors[0].gave_up

    def test_no_such_word(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="on_failure"):
            python(tmp_path, engine=FakeEngine(), on_failure="shrug")  # type: ignore[arg-type]
