"""Constraints: construction errors, combination, binding."""

from __future__ import annotations

import gc
import re
import weakref

import pytest

import structgen as sg
from structgen.errors import RegexSyntaxError, UnsatisfiableError, UnsupportedError
from tests.support import vocabularies


def test_choice_is_exactly_its_options() -> None:
    constraint = sg.choice(["a", "ab", "a", "é"])
    assert [t for t in ("", "a", "ab", "abc", "b", "é") if constraint.accepts(t)] == ["a", "ab", "é"]


def test_an_empty_option_is_an_option() -> None:
    assert sg.choice([""]).accepts("")


@pytest.mark.parametrize("options", ["abc", [1], [b"a"], None])
def test_choice_takes_strings(options: object) -> None:
    with pytest.raises(TypeError):
        sg.choice(options)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [[], ["\ud800"]])
def test_choice_without_any_text_is_unsatisfiable(options: list[str]) -> None:
    with pytest.raises(UnsatisfiableError):
        sg.choice(options)


def test_regex_errors_have_source_and_span() -> None:
    with pytest.raises(RegexSyntaxError) as caught:
        sg.regex("a(b")
    assert caught.value.source == "a(b" and caught.value.span is not None


def test_regex_that_matches_nothing_is_unsatisfiable() -> None:
    with pytest.raises(UnsatisfiableError):
        sg.regex(r"a(?!b)(?=b)b")


def test_regex_options() -> None:
    assert sg.regex("ab", flags=re.IGNORECASE).accepts("aB")
    assert sg.regex("b", search=True).accepts("abc")
    assert sg.regex(r"\d", syntax="ecma").accepts("1") and not sg.regex(r"\d", syntax="ecma").accepts("१")
    with pytest.raises(ValueError):
        sg.regex("a", syntax="ecma", flags=re.IGNORECASE)
    with pytest.raises(ValueError):
        sg.regex("a", syntax="perl")  # type: ignore[arg-type]


def test_combinations() -> None:
    either = sg.regex("a+") | sg.choice(["b"])
    then = sg.regex("a+") + sg.choice(["b"])
    both = sg.regex("[ab]{3}") & sg.regex("a.*")
    texts = ["a", "b", "ab", "aab", "abb", "bbb"]
    assert [t for t in texts if either.accepts(t)] == ["a", "b"]  # type: ignore[attr-defined]
    assert [t for t in texts if then.accepts(t)] == ["ab", "aab"]  # type: ignore[attr-defined]
    assert [t for t in texts if both.accepts(t)] == ["aab", "abb"]  # type: ignore[attr-defined]


def test_an_empty_combination_is_unsatisfiable() -> None:
    with pytest.raises(UnsatisfiableError):
        sg.regex("a") & sg.regex("b")


def test_combining_with_what_is_no_constraint_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        sg.regex("a") | "b"  # type: ignore[operator]


def test_combining_with_what_is_not_regular_is_refused_by_name() -> None:
    class Other(sg.Constraint):
        def build_machine(self, vocabulary: sg.Vocabulary) -> object:  # type: ignore[override]
            raise AssertionError

        def report(self) -> object:  # type: ignore[override]
            raise AssertionError

    with pytest.raises(UnsupportedError) as caught:
        sg.regex("a") + Other()
    assert caught.value.keyword == "+"


def test_binding_twice_gives_the_same_object() -> None:
    constraint = sg.regex("a+")
    first = constraint.bind(vocabularies.hostile())
    assert constraint.bind(vocabularies.hostile()) is first
    assert constraint.bind(vocabularies.all_bytes()) is not first
    assert first.vocabulary is vocabularies.hostile()


def test_binding_keeps_few_vocabularies_alive() -> None:
    constraint = sg.regex("a+")
    made = sg.Vocabulary.from_bytes([b"a", b"$"], eos_ids=[1])
    constraint.bind(made)
    watch = weakref.ref(made)
    del made
    for n in range(6):
        constraint.bind(sg.Vocabulary.from_bytes([b"a"] * (n + 2) + [b"$"], eos_ids=[n + 2]))
    gc.collect()
    assert watch() is None


def test_binding_to_what_is_no_vocabulary_says_how() -> None:
    with pytest.raises(TypeError, match="from_transformers"):
        sg.regex("a").bind(object())  # type: ignore[arg-type]


def test_matchers_of_one_constraint_are_independent() -> None:
    bound = sg.regex("a+b?").bind(vocabularies.hostile())
    left, right = bound.start(), bound.start()
    assert left.advance_bytes(b"ab")
    assert right.text == "" and right.advance_bytes(b"a")


def test_report_names_how_it_is_enforced() -> None:
    report = sg.choice(["a"]).report()
    assert report.is_exact and [(e.keyword, e.how) for e in report.entries] == [("choice", "automaton")]
    assert "choice" in str(report)
