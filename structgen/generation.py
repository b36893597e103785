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

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from structgen.config import Defaults, defaults, resolve_model, resolve_sampler
from structgen.constraint import Constraint
from structgen.errors import IncompleteError, ObjectError, TypeSupportError
from structgen.monitored_constraint import MonitoredConstraint, monitored
from structgen.monitors.protocol import Monitor
from structgen.monitors.records import MonitorRecord
from structgen.objects import OutputType
from structgen.prompts import Message, Prompt
from structgen.samplers.masking import Masking, Request
from structgen.samplers.protocol import LanguageModel, Sampler
from structgen.samplers.samples import Sample, Samples, Timings

__all__ = ["Call", "Generation", "Options", "constraint_of", "generate_batch", "generate_one", "generate_stream"]

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
    constraint : what the text must fit, in place of what the return type says
    monitors : static analysis and the like beside the constraint; from ``structgen.monitors``

    Raises
    ------
    ValueError : a budget below 1, fewer than 0 retries, or schema options beside a constraint
    TypeError : ``constraint`` is none, or ``monitors`` is not a list of monitors
    """

    model: LanguageModel | str | None = None
    sampler: Sampler | None = None
    max_tokens: int | None = None
    seed: int | None = None
    retries: int | None = None
    schema_in_prompt: bool | None = None
    schema_options: dict[str, Any] = field(default_factory=dict)
    constraint: Constraint | None = None
    monitors: Sequence[Monitor] = ()

    def __post_init__(self) -> None:
        if self.max_tokens is not None and self.max_tokens < 1:
            raise ValueError("max_tokens must be at least 1")
        if self.retries is not None and self.retries < 0:
            raise ValueError("retries must be at least 0")
        if self.constraint is not None and not isinstance(self.constraint, Constraint):
            raise TypeError(f"constraint takes a constraint such as sg.lark(...), not {type(self.constraint).__name__}")
        if self.constraint is not None and self.schema_options:
            raise ValueError(f"{', '.join(self.schema_options)} shape the return type's JSON; a constraint replaces it")
        object.__setattr__(self, "monitors", _monitors(self.monitors))

    def changed(self, **given: Any) -> Options:
        """The same with what is given and not None."""
        return replace(self, **{name: value for name, value in given.items() if value is not None})

    def settled(self) -> Defaults:
        """The options with every gap filled from the defaults; model and sampler stay as given."""
        base = defaults()
        given = {
            name: getattr(self, name)
            for name in ("max_tokens", "seed", "retries", "schema_in_prompt")
            if getattr(self, name) is not None
        }
        return replace(base, **given)


def _monitors(given: Any) -> tuple[Monitor, ...]:
    if hasattr(given, "gates") or not all(hasattr(monitor, "gates") for monitor in given):
        raise TypeError("monitors takes a list of monitors, such as [sg.monitors.python()]")
    return tuple(given)


def constraint_of(output: OutputType[Any], options: Options) -> Constraint | None:
    """What the text of an answer must fit: the constraint given or the type's own, narrowed by monitors.

    Raises
    ------
    TypeSupportError : no promise can be made for the type, or it says itself what the text is
    """
    if options.constraint is None:
        chosen = output.constraint(**options.schema_options)
    elif output.marker is not None:
        raise TypeSupportError(
            f"{output.marker!r} and a constraint both say what the text is",
            type_name=repr(output.marker),
            hint="return str, or leave the constraint out",
        )
    else:
        chosen = options.constraint
    return monitored(chosen, options.monitors) if options.monitors else chosen


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
    monitors : what each monitor did; one that could not work says why in ``gave_up``
    """

    value: T
    text: str
    tokens: tuple[int, ...]
    log_prob: float
    log_weight: float
    log_evidence: float
    finish_reason: str
    timings: Timings
    monitors: tuple[MonitorRecord, ...] = ()

    @property
    def seconds_per_token(self) -> float:
        """Wall clock of the run divided by its tokens, in seconds."""
        return self.timings.total / max(1, len(self.tokens))

    def __repr__(self) -> str:
        return (
            f"Generation(value={self.value!r}, tokens={len(self.tokens)}, log_prob={self.log_prob:.3f}, "
            f"log_weight={self.log_weight:.3f}, finish_reason={self.finish_reason!r})"
        )


@dataclass(frozen=True)
class Call(Generic[T]):
    """A prompt that waits for its answer: what is sent, what comes back, and how."""

    prompt: Prompt
    output: OutputType[T]
    options: Options

    def constraint(self) -> Constraint | None:
        """What the answer must fit; None where any text will do."""
        return constraint_of(self.output, self.options)

    def messages(self) -> list[Message]:
        """What is sent: the prompt, and unless switched off the form of the answer."""
        wanted = self.options.settled().schema_in_prompt
        return self.prompt.with_instruction(self.output.instruction() if wanted else "")


def generate_one(call: Call[T]) -> Generation[T]:
    """Generate one typed value.

    Raises
    ------
    TypeSupportError, UnsupportedError : the type cannot be promised
    IncompleteError : the budget cannot hold even the shortest answer
    ObjectError : the type's validators refused every attempt
    """
    constraint, messages = call.constraint(), call.messages()
    return _settle(call, constraint, messages, _sample(call.options, messages, constraint))


def generate_batch(calls: Sequence[Call[T]]) -> list[Generation[T]]:
    """Generate for several calls, results in their order.

    Calls of one model and one sampler share forward passes where the sampler can do that
    (``sample_batch``); the others run one after the other. Errors are those of
    ``generate_one``; the first stops the batch.
    """
    results: list[Generation[T] | None] = [None] * len(calls)
    for numbers in _groups(calls):
        group = [calls[number] for number in numbers]
        prepared = [(call.constraint(), call.messages()) for call in group]
        for number, call, (constraint, messages), samples in zip(
            numbers, group, prepared, _sample_group(group, prepared), strict=True
        ):
            results[number] = _settle(call, constraint, messages, samples)
    return [result for result in results if result is not None]


def generate_stream(call: Call[T]) -> Iterator[Any]:
    """Yield the growing value as plain data, each time it changes, and at last the object itself.

    The type's own validators run once, on the last; retries do not apply, since what was shown
    stays shown. A sampler that cannot stream (particles have no one text until the end)
    yields the object alone.
    """
    constraint, messages = call.constraint(), call.messages()
    sampler = resolve_sampler(call.options.sampler)
    if not isinstance(sampler, Masking):
        yield _generation(_sample(call.options, messages, constraint), call.output, constraint).value
        return
    settled = call.options.settled()
    model = resolve_model(call.options.model)
    data, before = bytearray(), None
    for event in sampler.stream(
        model, messages, constraint=constraint, max_tokens=settled.max_tokens, seed=settled.seed
    ):
        if isinstance(event, Samples):
            yield _generation(event, call.output, constraint).value
            return
        data += event.text
        partial = call.output.partial(data.decode("utf-8", errors="ignore"))
        if partial is not None and partial != before:
            before = partial
            yield partial


def _sample(options: Options, messages: list[Message], constraint: Constraint | None) -> Samples:
    settled = options.settled()
    samples: Samples = resolve_sampler(options.sampler).sample(
        resolve_model(options.model),
        messages,
        constraint=constraint,
        n=1,
        max_tokens=settled.max_tokens,
        seed=settled.seed,
    )
    return samples


def _groups(calls: Sequence[Call[Any]]) -> list[list[int]]:
    """Numbers of calls that share model and sampler."""
    groups: dict[Any, list[int]] = {}
    for number, call in enumerate(calls):
        model, sampler = call.options.model, resolve_sampler(call.options.sampler)
        key = (model if isinstance(model, str) else id(model), repr(sampler))
        groups.setdefault(key, []).append(number)
    return list(groups.values())


def _sample_group(calls: Sequence[Call[Any]], prepared: Sequence[tuple[Any, list[Message]]]) -> list[Samples]:
    sampler = resolve_sampler(calls[0].options.sampler)
    if not isinstance(sampler, Masking):
        return [_sample(call.options, made[1], made[0]) for call, made in zip(calls, prepared, strict=True)]
    requests = []
    for call, (constraint, messages) in zip(calls, prepared, strict=True):
        settled = call.options.settled()
        requests.append(Request(messages, constraint, 1, settled.max_tokens, settled.seed))
    return sampler.sample_batch(resolve_model(calls[0].options.model), requests)


def _settle(call: Call[T], constraint: Constraint | None, messages: list[Message], samples: Samples) -> Generation[T]:
    """Build the object; where its validators refuse, tell the model why and try again."""
    attempts_left = call.options.settled().retries
    while True:
        try:
            return _generation(samples, call.output, constraint)
        except ObjectError as error:
            if attempts_left == 0:
                raise
            attempts_left -= 1
            messages = [*messages, *_correction(error)]
            samples = _sample(call.options, messages, constraint)


def _generation(samples: Samples, output: OutputType[T], constraint: Constraint | None) -> Generation[T]:
    if not len(samples):
        raise KeyboardInterrupt  # a sampler returns what it has of an interrupted run; here that is nothing
    sample: Sample = samples[0]
    # A chain of MCMC may stand at a valid text and weigh nothing.
    if sample.log_weight == -math.inf and sample.finish_reason not in ("stop", "complete"):
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
        monitors=constraint.records() if isinstance(constraint, MonitoredConstraint) else (),
    )


def _correction(error: ObjectError) -> list[Message]:
    return [
        {"role": "assistant", "content": error.text},
        {"role": "user", "content": f"That was refused: {error.message}. Answer again."},
    ]
