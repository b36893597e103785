"""Where masks differ along a valid instance: find a document that says who is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jsonschemabench.engines.base import Matcher, TokenRow
from jsonschemabench.exact.findings import Finding
from jsonschemabench.exact.shapes import TokenIds, allowed_ids, in_string, is_allowed
from jsonschemabench.exact.task import Examination

__all__ = ["try_witnesses"]

_TRIES = 3
_LONGEST_BYTEWISE = 400


@dataclass(frozen=True)
class Difference:
    """A token after ``tokens[:position]`` that some engines allow and others forbid."""

    position: int
    token: int
    shape: str
    allowing: tuple[str, ...]
    forbidding: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """A difference and the tokens of the instance it was met in."""

    difference: Difference
    tokens: list[int]


def try_witnesses(examination: Examination, text: str) -> None:
    """Collect differences along an instance, one per shape and situation, and settle as many as settings allow.

    The instance is walked in the tokenizer's own spelling and byte by byte, since some
    differences lie inside of a longer token.
    """
    tokenizer = examination.bench.tokenizer
    spellings = [tokenizer.encode(text)]
    single = tokenizer.encode_bytewise(text.encode()) if len(text) <= _LONGEST_BYTEWISE else []
    if single and single != spellings[0]:
        spellings.append(single)
    seen: set[tuple[str, tuple[str, ...], tuple[str, ...], bool]] = set()
    places: list[Place] = []
    for tokens in spellings:
        for difference in _differences(examination, tokens):
            inside = in_string(examination.decode(tokens[: difference.position]))
            kind = (difference.shape, difference.allowing, difference.forbidding, inside)
            if kind not in seen:
                seen.add(kind)
                places.append(Place(difference, tokens))
    examination.count("differences", len(places))
    examination.rng.shuffle(places)
    # Short shapes first: they name a cause, long ones usually contain it.
    places.sort(key=lambda place: len(place.difference.shape))
    for place in places[: examination.settings.witnesses]:
        if examination.out_of_time:
            examination.count("differences left for lack of time")
            return
        _settle(examination, place.difference, place.tokens)


def _differences(examination: Examination, tokens: list[int]) -> list[Difference]:
    matchers: dict[str, Matcher] = {name: compiled.matcher() for name, compiled in examination.compiled.items()}
    found: list[Difference] = []
    known: set[tuple[bytes, bytes]] = set()
    for position in range(len(tokens) + 1):
        for name, matcher in matchers.items():
            matcher.fill_mask(examination.rows[name])
        rows = {name: examination.rows[name] & examination.ordinary for name in matchers}
        found += _at(examination, position, rows, known)
        if position == len(tokens) or examination.out_of_time:
            break
        token = tokens[position]
        # A false answer may spoil a matcher; its engine drops out, and the spelling tests report it.
        matchers = {
            name: matcher
            for name, matcher in matchers.items()
            if is_allowed(rows[name], token) and matcher.advance(token)
        }
        if len(matchers) < 2:
            break
    return found


def _at(
    examination: Examination, position: int, rows: dict[str, TokenRow], known: set[tuple[bytes, bytes]]
) -> list[Difference]:
    """One difference per shape of token and set of allowing engines, the shortest token of each."""
    names = list(rows)
    some = np.bitwise_or.reduce([rows[name] for name in names])
    every = np.bitwise_and.reduce([rows[name] for name in names])
    disputed = allowed_ids(some & ~every, examination.bench.vocabulary.n_tokens)
    if not disputed.size:
        return []
    key = (some.tobytes(), every.tobytes())
    if key in known:
        return []
    known.add(key)
    votes = sum(
        (_bits(rows[name], disputed).astype(np.int64) << number for number, name in enumerate(names)),
        start=np.zeros(disputed.size, dtype=np.int64),
    )
    found: list[Difference] = []
    for vote in np.unique(votes).tolist():
        allowing = tuple(name for number, name in enumerate(names) if vote >> number & 1)
        forbidding = tuple(name for name in names if name not in allowing)
        for shape, token in examination.shapes.shortest_of_each(disputed[votes == vote]):
            found.append(Difference(position, token, shape, allowing, forbidding))
    return found


def _bits(row: TokenRow, tokens: TokenIds) -> TokenRow:
    bits: TokenRow = row[tokens >> 5] >> (tokens & 31).astype(np.uint32) & np.uint32(1)
    return bits


def _settle(examination: Examination, difference: Difference, tokens: list[int]) -> None:
    """Let an allowing engine finish behind the token, and draw the conclusion."""
    examination.count("differences tried")
    prefix = [*tokens[: difference.position], difference.token]
    rest = _rest(examination, tokens, difference)
    for attempt in range(_TRIES):
        name = difference.allowing[attempt % len(difference.allowing)]
        finished = examination.finisher.finish(
            examination.compiled[name], prefix, rest if attempt == 0 else (), chance=0.05 + 0.15 * attempt
        )
        if finished.outcome == "complete":
            document = examination.decode(finished.tokens)
            judgement = examination.judge.document(document)
            if judgement.verdict == "valid":
                _report(
                    examination, difference, prefix, "over", difference.forbidding, document, judgement.reason, name
                )
                return
            if judgement.verdict == "invalid":
                _report(examination, difference, prefix, "under", (name,), document, judgement.reason)
                return
        elif finished.outcome != "unfinished":
            document = examination.decode(finished.tokens)
            fault = finished.outcome if finished.outcome in ("dead end", "error") else "disagreement"
            _report(examination, difference, prefix, fault, (name,), document, finished.error)
            return
    examination.count("differences undecided")


def _rest(examination: Examination, tokens: list[int], difference: Difference) -> list[int]:
    """The rest of the instance where the token is a prefix of it, else from the next token on."""
    spelling = examination.bench.vocabulary.token_bytes[difference.token]
    remaining = examination.decode(tokens[difference.position :])
    if remaining.startswith(spelling):
        return examination.bench.tokenizer.encode_greedy(remaining[len(spelling) :])
    return tokens[difference.position :]


def _report(
    examination: Examination,
    difference: Difference,
    prefix: list[int],
    fault: str,
    engines: tuple[str, ...],
    document: bytes,
    judged: str,
    other: str = "",
) -> None:
    before = examination.decode(prefix[:-1])
    cause = f"{'in a string' if in_string(before) else 'between'}: {difference.shape}"
    if fault == "under":
        # What is wrong with the document says more than the token it was found by.
        cause = judged.split(":")[0] if not judged.startswith("not JSON") else f"not JSON, {cause}"
    for engine in engines:
        examination.add(
            Finding(
                engine=engine,
                fault=fault,
                cause=cause,
                text=document.decode("utf-8", "backslashreplace"),
                prefix=before.decode("utf-8", "backslashreplace")[-80:],
                token=examination.decode(prefix[-1:]).decode("utf-8", "backslashreplace"),
                judged=judged or "valid",
                other=other,
            )
        )
