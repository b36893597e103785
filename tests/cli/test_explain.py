"""``structgen explain`` and the trace behind it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import structgen as sg
from structgen.cli import main
from structgen.models.table import Table
from structgen.report.trace import trace
from structgen.report.trace_page import to_html

WORDS = ["yes", "no", "may", "be", "<b>", "\n"]
CONSTRAINT = sg.regex("maybe|no<b>\n")


def toy() -> Table:
    chances = {"yes": 0.4, "no": 0.2, "may": 0.1, "be": 0.1, "<b>": 0.1, "\n": 0.05, "": 0.05}
    return Table.from_function(lambda prefix: chances, vocabulary=WORDS)


class Deaf:
    """The toy, whatever it is asked."""

    def __init__(self) -> None:
        self._toy = toy()
        self.vocabulary, self.name, self.start = self._toy.vocabulary, "deaf", self._toy.start

    def encode(self, prompt: object) -> list[int]:
        return []


@pytest.fixture
def toy_model() -> Iterator[None]:
    with sg.configure(model=Deaf()):
        yield


def test_steps_tell_what_the_model_wanted() -> None:
    found = trace(toy(), constraint=CONSTRAINT, max_tokens=5, top=3)
    assert (found.text, found.finish_reason) == ("no<b>\n", "complete")
    first = found.steps[0]
    assert [(o.text, o.is_allowed) for o in first.options[:2]] == [("yes", False), ("no", True)]
    assert first.is_overruled and first.rank == 1 and not first.is_forced
    assert (first.n_allowed, round(first.allowed_mass, 6), round(first.mass_lost, 6)) == (2, 0.3, 0.7)
    second = found.steps[1]
    assert second.is_forced and second.n_allowed == 1 and second.chosen.text == "<b>"
    assert found.steps[-2].chosen.text == "\\n"


@pytest.mark.parametrize("constraint", [CONSTRAINT, sg.regex("(yes|no)*"), None], ids=str)
@pytest.mark.parametrize("max_tokens", [4, 12])
def test_weights_and_text_are_those_of_masking(constraint: sg.Constraint | None, max_tokens: int) -> None:
    found = trace(toy(), constraint=constraint, max_tokens=max_tokens)
    sample = sg.samplers.Masking(temperature=0).sample(toy(), constraint=constraint, max_tokens=max_tokens)[0]
    assert (found.text, found.finish_reason) == (sample.text, sample.finish_reason)
    assert math.isclose(found.log_prob, sample.log_prob, abs_tol=1e-5)
    assert math.isclose(found.log_weight, sample.log_weight, abs_tol=1e-5)


def test_sampled_steps_follow_the_masked_distribution() -> None:
    drawn = [trace(toy(), constraint=CONSTRAINT, max_tokens=5, temperature=1, seed=s).text for s in range(400)]
    share = np.mean([text == "maybe" for text in drawn])
    assert abs(share - 1 / 3) < 4 * math.sqrt(2 / 9 / 400)  # 4 standard errors of a binomial


def test_a_budget_that_is_too_small_is_said_at_once() -> None:
    with pytest.raises(sg.IncompleteError):
        trace(toy(), constraint=CONSTRAINT, max_tokens=1)


class Balanced(HTMLParser):
    """Every opened element is closed, and text comes out unescaped."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attributes: object) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def test_the_page_is_balanced_and_escapes_tokens() -> None:
    page = to_html(trace(toy(), constraint=CONSTRAINT, max_tokens=5))
    parser = Balanced()
    parser.feed(page)
    assert parser.open == [] and "<b>" in parser.said and "<script" not in page


@pytest.mark.usefixtures("toy_model")
class TestCommand:
    def test_terminal(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["explain", "x", "-r", "no|maybe"]) == 0
        out = capsys.readouterr().out
        assert out.startswith("no\n") and "masked" in out and "log weight" in out

    def test_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["explain", "x", "-c", "maybe", "--json", "--top", "2"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["text"] == "maybe" and len(told["steps"][0]["options"]) == 2
        assert math.isclose(math.exp(told["log_prob"]), 0.1 * 0.1 * 0.05, rel_tol=1e-4)

    def test_page(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "page.html"
        assert main(["explain", "x", "-c", "maybe", "--html", str(path)]) == 0
        assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
        assert main(["explain", "x", "-c", "maybe", "--html", str(tmp_path / "no" / "where.html")]) == 3
        assert main(["explain", "x", "-c", "maybe", "--html", "-"]) == 0
        assert "<!doctype html>" in capsys.readouterr().out

    def test_wrong_usage(self) -> None:
        assert main(["explain", "x", "--json", "--html", "y"]) == 2
        assert main(["explain"]) == 2
