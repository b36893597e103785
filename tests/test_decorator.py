"""``generate``: prompts, values, streams, batches, retries; with a toy model that follows a script."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, field_validator

import structgen as sg
from structgen.config import defaults
from structgen.models.table import Table

Answer = Annotated[str, sg.Choice(["calm", "cross"])]
ByteVocabulary = sg.Vocabulary.from_bytes([*(bytes([i]) for i in range(256)), b"</s>"], eos_ids=[256])


def uniform() -> Table:
    return Table.from_function(lambda prefix: [1.0] * 257, vocabulary=ByteVocabulary)


class Scripted:
    """A model that says the next of its answers each time it is started, and records what it was sent."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.sent = list(answers), list[Any]()
        self.vocabulary, self.name = ByteVocabulary, "scripted"

    def encode(self, prompt: Any) -> list[int]:
        self.sent.append(prompt)
        return []

    def start(self, prompts: Any) -> Any:
        assert len(prompts) == 1
        script = [*self.answers.pop(0).encode(), 256]

        def weights(prefix: tuple[int, ...]) -> list[float]:
            wanted = script[len(prefix)] if len(prefix) < len(script) else 256
            return [1.0 if token == wanted else 1e-9 for token in range(257)]

        return Table.from_function(weights, vocabulary=ByteVocabulary).start(prompts)


@pytest.fixture(autouse=True)
def toy_model() -> Iterator[None]:
    with sg.configure(model=uniform(), seed=1):
        yield


@sg.generate
def mood(text: str) -> Answer:
    """Which mood is this: {text}"""
    raise NotImplementedError


@sg.generate
def shouted(text: str, tone: str = "dry") -> Answer:
    return sg.prompt(text.upper(), system=f"Be {tone}.")


@sg.generate
async def later(text: str) -> Answer:
    await asyncio.sleep(0)
    return sg.prompt(text)


class TestPrompts:
    def test_docstring_is_the_user_message(self) -> None:
        (message,) = mood.messages("fine")
        assert message["role"] == "user"
        assert message["content"].startswith("Which mood is this: fine\n\n")
        assert "calm, cross" in message["content"]

    def test_computed_prompt_with_system_and_default(self) -> None:
        system, user = shouted.messages("hi")
        assert system == {"role": "system", "content": "Be dry."}
        assert user["content"].startswith("HI")

    def test_ellipsis_body_uses_the_docstring(self) -> None:
        @sg.generate
        def f(x: int) -> str:  # type: ignore[empty-body]
            """Say {x}"""

        assert f.messages(3) == [{"role": "user", "content": "Say 3"}]

    def test_schema_can_stay_out_of_the_prompt(self) -> None:
        assert mood.using(schema_in_prompt=False).messages("x")[0]["content"] == "Which mood is this: x"

    def test_literal_braces_and_attributes(self) -> None:
        fn = sg.Function("{{}} {x.real}", returns=str)
        assert fn.messages(x=2)[0]["content"] == "{} 2"

    def test_earlier_messages_come_between(self) -> None:
        @sg.generate
        def f() -> str:
            return sg.prompt("now", system="s", messages=[{"role": "assistant", "content": "before"}])

        assert [m["role"] for m in f.messages()] == ["system", "assistant", "user"]

    def test_multi_line_docstring_loses_its_indentation(self) -> None:
        @sg.generate
        def f(x: str) -> str:
            """First.

            Second {x}.
            """
            raise NotImplementedError

        assert f.messages("y")[0]["content"] == "First.\n\nSecond y."


class TestBadPrompts:
    def test_unknown_field_is_found_at_decoration(self) -> None:
        with pytest.raises(sg.PromptError) as caught:

            @sg.generate
            def f(text: str) -> str:
                """Say {txet}"""
                raise NotImplementedError

        assert caught.value.field == "txet"
        assert caught.value.hint and "text" in caught.value.hint

    def test_braces_in_the_docstring_of_a_computed_prompt_do_not_matter(self) -> None:
        @sg.generate
        def f(text: str) -> str:
            """Makes {json}."""
            return sg.prompt(text)

        assert f.messages("x")[0]["content"] == "x"

    def test_no_prompt_at_all(self) -> None:
        with pytest.raises(sg.PromptError) as caught:

            @sg.generate
            def f(text: str) -> str:
                raise NotImplementedError

        assert "f" in caught.value.field

    @pytest.mark.parametrize("template", ["{", "{}", "{0}", "a } b"])
    def test_broken_templates(self, template: str) -> None:
        with pytest.raises(sg.PromptError):
            sg.Function(template, returns=str)

    def test_body_must_return_a_prompt(self) -> None:
        @sg.generate
        def f(text: str) -> str:
            return text.upper()

        with pytest.raises(sg.PromptError):
            f("x")

    def test_empty_prompt(self) -> None:
        with pytest.raises(sg.PromptError):
            sg.prompt("")

    def test_message_without_role(self) -> None:
        with pytest.raises(sg.PromptError) as caught:
            sg.prompt("x", messages=[{"content": "y"}])
        assert caught.value.field == "messages"

    def test_no_return_type(self) -> None:
        with pytest.raises(sg.TypeSupportError):

            @sg.generate
            def f(text: str):  # type: ignore[no-untyped-def]
                """Say {text}"""

    def test_undefined_return_type_is_named(self) -> None:
        with pytest.raises(sg.TypeSupportError) as caught:

            @sg.generate
            def f(text: str) -> "Missing":  # type: ignore[name-defined]  # noqa: F821, UP037
                """Say {text}"""

        assert caught.value.type_name == "Missing"

    def test_wrong_arguments_are_a_type_error(self) -> None:
        with pytest.raises(TypeError):
            mood()  # type: ignore[call-arg]
        with pytest.raises(TypeError):
            mood.bind("a", "b")  # type: ignore[call-arg]


class TestValues:
    def test_value_is_one_of_the_options(self) -> None:
        assert mood("x") in ("calm", "cross")

    def test_raw_tells_what_it_took(self) -> None:
        generation = mood.raw("x")
        assert generation.text == generation.value
        assert bytes(generation.tokens).decode() == generation.text
        assert generation.log_prob < generation.log_weight < 0
        assert generation.finish_reason == "complete"
        assert 0 <= generation.timings.mask_share <= 1

    def test_function_without_decorator(self) -> None:
        fn = sg.Function("{a} or {b}?", returns=sg.Regex("[ab]"))
        assert fn("1", "2") in ("a", "b")
        assert fn(b="1", a="2") in ("a", "b")
        with pytest.raises(TypeError):
            fn("1")

    def test_methods_can_be_decorated(self) -> None:
        class Agent:
            name = "Ann"

            @sg.generate
            def ask(self, text: str) -> Answer:
                return sg.prompt(f"{self.name}: {text}")

        assert Agent().ask.messages("hi")[0]["content"].startswith("Ann: hi")
        assert Agent().ask("hi") in ("calm", "cross")

    def test_using_leaves_the_original_alone(self) -> None:
        changed = mood.using(max_tokens=7, seed=3)
        assert (changed.options.max_tokens, mood.options.max_tokens) == (7, None)

    def test_seed_replays(self) -> None:
        sampler = sg.samplers.Masking(temperature=1.0)
        free = sg.Function("{x}", returns=sg.Regex("[a-z]{12}")).using(sampler=sampler, seed=5)
        assert free("x") == free("x")
        assert free("x") != free.using(seed=6)("x")

    def test_budget_too_small_is_said_at_once(self) -> None:
        with pytest.raises(sg.IncompleteError):
            mood.using(max_tokens=2)("x")

    def test_budget_is_kept_by_completing_in_time(self) -> None:
        fn = sg.Function("{x}", returns=sg.Regex("(ab)*c")).using(max_tokens=10, sampler=sg.samplers.Masking())
        for seed in range(5):
            generation = fn.using(seed=seed).raw("x")
            assert len(generation.tokens) <= 10
            assert generation.text.endswith("c")

    def test_plain_text_ends_with_the_model_or_the_budget(self) -> None:
        talk = sg.Function("{x}", returns=str)
        with sg.configure(model=Scripted("Hello, you")):
            assert talk("x") == "Hello, you"
        with sg.configure(model=Scripted("Hello, you")):
            assert talk.using(max_tokens=5).raw("x").finish_reason == "length"

    def test_check_reports_enforcement(self) -> None:
        assert mood.check().is_exact
        assert sg.Function("{x}", returns=str).check() is None

    def test_bad_options(self) -> None:
        with pytest.raises(ValueError, match="max_tokens"):
            mood.using(max_tokens=0)
        with pytest.raises(ValueError, match="retries"):
            sg.configure(retries=-1)

    def test_threads_share_a_function(self) -> None:
        results: list[str] = []
        threads = [threading.Thread(target=lambda: results.append(mood("x"))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 4 and set(results) <= {"calm", "cross"}


class TestStreams:
    def test_text_grows_and_ends_with_the_value(self) -> None:
        parts = list(mood.stream("x"))
        assert all(str(b).startswith(a) for a, b in pairwise(parts[:-1]))
        assert parts[-1] in ("calm", "cross")

    def test_stream_can_be_left_early(self) -> None:
        stream = mood.stream("x")
        assert len(next(iter(stream))) == 1


class TestBatches:
    def test_results_keep_their_order(self) -> None:
        say = [sg.Function("{x}", returns=sg.Choice([str(i)])) for i in range(5)]
        assert sg.batch([fn.bind("x") for fn in say]) == ["0", "1", "2", "3", "4"]

    def test_different_models_and_samplers_in_one_batch(self) -> None:
        other = mood.using(model=uniform(), sampler=sg.samplers.Masking(temperature=0.5))
        assert set(sg.batch([mood.bind("a"), other.bind("b"), mood.bind("c")])) <= {"calm", "cross"}

    def test_empty_batch(self) -> None:
        assert sg.batch([]) == []


class TestAsync:
    def test_value_raw_messages_and_stream(self) -> None:
        async def run() -> None:
            assert await later("x") in ("calm", "cross")
            assert (await later.raw("x")).text in ("calm", "cross")
            assert (await later.messages("x"))[0]["content"].startswith("x")
            parts = [part async for part in later.stream("x")]
            assert parts[-1] in ("calm", "cross")
            both = await asyncio.gather(later("a"), later("b"))
            assert len(both) == 2

        asyncio.run(run())

    def test_bound_in_a_batch(self) -> None:
        assert sg.batch([later.bind("x")])[0] in ("calm", "cross")


class Picky(BaseModel):
    mood: Literal["calm", "cross"]

    @field_validator("mood")
    @classmethod
    def no_anger(cls, value: str) -> str:
        if value == "cross":
            raise ValueError("be nice")
        return value


class TestRetries:
    fn = sg.Function("{x}", returns=Picky)

    def test_refusal_is_told_to_the_model(self) -> None:
        model = Scripted('{"mood":"cross"}', '{"mood":"calm"}')
        assert self.fn.using(model=model, retries=1)("x").mood == "calm"
        correction = model.sent[-1][-2:]
        assert correction[0]["role"] == "assistant" and "cross" in correction[0]["content"]
        assert "be nice" in correction[1]["content"]

    def test_the_last_refusal_is_raised(self) -> None:
        model = Scripted('{"mood":"cross"}', '{"mood":"cross"}')
        with pytest.raises(sg.ObjectError) as caught:
            self.fn.using(model=model, retries=1)("x")
        assert caught.value.path == "$.mood"


class TestConfigure:
    def test_block_restores(self) -> None:
        before = defaults()
        with sg.configure(max_tokens=3):
            assert defaults().max_tokens == 3
        assert defaults() == before

    def test_what_is_not_named_stays(self) -> None:
        with sg.configure(max_tokens=3), sg.configure(retries=2):
            assert (defaults().max_tokens, defaults().retries) == (3, 2)
