"""One call, end to end: prompt, constraint, sampler, model, object.

This is the one place that sees every layer. The decorator, the command line and the demo all
come through ``generate_one`` or ``generate_stream`` with the same ``Options``.

When the type's own validators refuse an object (the schema cannot know them), the refused
answer and the reason are appended to the conversation and the model tries again, at most
``retries`` times. Rejected: drawing again from the same prompt, which at temperature 0
repeats the same answer.

The module is not called ``generate``, because ``structgen.generate`` is the decorator.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from structgen.config import Defaults, defaults, resolve_model, resolve_sampler
from structgen.errors import IncompleteError, ObjectError
from structgen.objects import OutputType
from structgen.prompts import Message, Prompt
from structgen.samplers.protocol import LanguageModel, Sampler
from structgen.samplers.samples import Sample, Samples, Timings
from structgen.watch import WatchedModel

__all__ = ["Generation", "Options", "generate_one", "generate_stream", "messages_for"]

T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """What may be said at a call; None falls back to ``configure``'s defaults.

    Parameters
    ----------
    model : a model, or a hub id or folder to load
    sampler : how tokens are drawn
    max_tokens : budget of tokens; the output always completes within it
    seed : replays the same draws
    retries : further attempts after the type's own validators refused
    schema_in_prompt : whether the prompt ends with the form of the answer
    schema_options : keyword options of ``json_schema`` (``property_order``, ``whitespace``, ...)
    """

    model: LanguageModel | str | None = None
    sampler: Sampler | None = None
    max_tokens: int | None = None
    seed: int | None = None
    retries: int | None = None
    schema_in_prompt: bool | None = None
    schema_options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.max_tokens is not None and self.max_tokens < 1:
            raise ValueError("max_tokens must be at least 1")
        if self.retries is not None and self.retries < 0:
            raise ValueError("retries must be at least 0")

    def settled(self) -> Defaults:
        """The options with every gap filled from the defaults; model and sampler stay as given."""
        base = defaults()
        given = {
            name: getattr(self, name)
            for name in ("max_tokens", "seed", "retries", "schema_in_prompt")
            if getattr(self, name) is not None
        }
        return replace(base, **given)


@dataclass(frozen=True)
class Generation(Generic[T]):
    """One typed result and what it took.

    Parameters
    ----------
    value : the object
    text : what the model wrote, as it was constrained
    tokens : generated token ids, end of sequence left out
    log_prob : nats, the model's own log-probability of the text
    log_weight : nats, importance weight of the draw (see the sampler)
    log_evidence : nats, log of the estimated probability that the model alone fits the constraint
    finish_reason : "stop", "complete", "length", ...
    timings : seconds, by what they were spent on
    """

    value: T
    text: str
    tokens: tuple[int, ...]
    log_prob: float
    log_weight: float
    log_evidence: float
    finish_reason: str
    timings: Timings

    @property
    def seconds_per_token(self) -> float:
        """Wall clock of the run divided by its tokens, in seconds."""
        return self.timings.total / max(1, len(self.tokens))

    def __repr__(self) -> str:
        return (
            f"Generation(value={self.value!r}, tokens={len(self.tokens)}, log_prob={self.log_prob:.3f}, "
            f"log_weight={self.log_weight:.3f}, finish_reason={self.finish_reason!r})"
        )


def messages_for(prompt: Prompt, output: OutputType[Any], options: Options) -> list[Message]:
    """What is sent: the prompt, and unless switched off the form of the answer."""
    return prompt.with_instruction(output.instruction() if options.settled().schema_in_prompt else "")


def generate_one(prompt: Prompt, output: OutputType[T], options: Options) -> Generation[T]:
    """Generate one typed value.

    Raises
    ------
    TypeSupportError, UnsupportedError : the type cannot be promised
    IncompleteError : the budget cannot hold even the shortest answer
    ObjectError : the type's validators refused every attempt
    """
    constraint = output.constraint(**options.schema_options)
    messages = messages_for(prompt, output, options)
    model = resolve_model(options.model)
    attempts_left = options.settled().retries
    while True:
        samples = _sample(model, messages, constraint, options)
        try:
            return _generation(samples, output)
        except ObjectError as error:
            if attempts_left == 0:
                raise
            attempts_left -= 1
            messages = [*messages, *_correction(error)]


def generate_stream(prompt: Prompt, output: OutputType[T], options: Options) -> Iterator[Any]:
    """Yield the growing value as plain data, each time it changes, and at last the object itself.

    User validators run once, on the last. Retries do not apply: what was shown stays shown.
    """
    constraint = output.constraint(**options.schema_options)
    messages = messages_for(prompt, output, options)
    model = resolve_model(options.model)
    before: Any = None
    pieces: list[int] = []
    for event in _in_background(lambda emit: _sample(WatchedModel(model, emit), messages, constraint, options)):
        if isinstance(event, Samples):
            yield _generation(event, output).value
            return
        pieces.extend(event)
        text = model.vocabulary.decode(pieces).decode("utf-8", errors="ignore")
        partial = output.partial(text)
        if partial is not None and partial != before:
            before = partial
            yield partial


def _sample(model: LanguageModel, messages: list[Message], constraint: Any, options: Options) -> Samples:
    settled = options.settled()
    samples: Samples = resolve_sampler(options.sampler).sample(
        model, messages, constraint=constraint, n=1, max_tokens=settled.max_tokens, seed=settled.seed
    )
    return samples


def _generation(samples: Samples, output: OutputType[T]) -> Generation[T]:
    sample: Sample = samples[0]
    if sample.finish_reason in ("dead_end", "rejected"):
        raise IncompleteError(
            f"the sampler gave up on this draw ({sample.finish_reason})",
            text=sample.text,
            hint="draw again with another seed, or use a sampler with more particles",
        )
    return Generation(
        value=output.build(sample.text),
        text=sample.text,
        tokens=sample.token_ids,
        log_prob=sample.log_prob,
        log_weight=sample.log_weight,
        log_evidence=samples.log_evidence,
        finish_reason=sample.finish_reason,
        timings=samples.timings,
    )


def _correction(error: ObjectError) -> list[Message]:
    return [
        {"role": "assistant", "content": error.text},
        {"role": "user", "content": f"That was refused: {error.message}. Answer again."},
    ]


def _in_background(work: Callable[[Callable[[Any], None]], Any]) -> Iterator[Any]:
    """Run ``work(emit)`` in a thread; yield what it emits, then what it returns; raise what it raises.

    When the consumer stops early, the next ``emit`` ends the work.
    """
    events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    stopped = threading.Event()

    def emit(event: Any) -> None:
        if stopped.is_set():
            raise _StoppedError
        events.put(("event", event))

    def run() -> None:
        try:
            events.put(("result", work(emit)))
        except _StoppedError:
            pass
        except BaseException as error:
            events.put(("error", error))

    threading.Thread(target=run, name="structgen-stream", daemon=True).start()
    try:
        while True:
            kind, payload = events.get()
            if kind == "error":
                raise payload
            yield payload
            if kind == "result":
                return
    finally:
        stopped.set()


class _StoppedError(Exception):
    """The consumer of a stream went away."""
