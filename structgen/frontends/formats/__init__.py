"""What JSON Schema's ``format`` says about strings, as expressions and, where needed, checks.

Most formats are regular languages, dates with their leap days included, and for those
:func:`format_node` is the whole truth (:func:`format_is_exact`). Three are not: a host name may hold
``xn--`` labels whose Punycode must decode, an internationalised one has an encoded length and a direction, and
whether a string is a regular expression takes a parser. Their node is the least regular
language at hand that holds all of them, :func:`format_sure_node` gives one that holds no others, and
:func:`format_check` judges a finished string between the two.

A name that is not in the table is an annotation, as the specification wants it: None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from structgen.frontends.formats import dates, idna, network, regexes
from structgen.frontends.formats.beginnings import RegexBeginnings
from structgen.frontends.formats.hosts import HostNameBeginnings
from structgen.frontends.regex import is_valid_ecma, parse_ecma
from structgen.ir.beginnings import Beginnings
from structgen.ir.regex import Node, alternate
from structgen.ir.sample import sample

__all__ = [
    "FORMATS",
    "FormatSpec",
    "format_beginnings",
    "format_check",
    "format_is_exact",
    "format_node",
    "format_sample",
    "format_sure_node",
]

_POINTER = "(?:/(?:[^~/]|~[01])*)*"
_HEX = "[0-9A-Fa-f]"


@dataclass(frozen=True, slots=True)
class FormatSpec:
    """One format: how to build its expression, and what that leaves open."""

    build: Callable[[], Node]
    check: Callable[[str], bool] | None = None
    sure: Callable[[], Node] | None = None
    """Texts among those of the expression that the check need not see."""
    beginnings: Beginnings | None = None


def _pattern(text: str) -> Callable[[], Node]:
    return lambda: parse_ecma(text)


def _uuid(version: str) -> Callable[[], Node]:
    return _pattern(rf"{_HEX}{{8}}-{_HEX}{{4}}-{version}{_HEX}{{3}}-{_HEX}{{4}}-{_HEX}{{12}}")


FORMATS: dict[str, FormatSpec] = {
    "date-time": FormatSpec(dates.date_time),
    "date": FormatSpec(dates.date),
    "time": FormatSpec(dates.time),
    "duration": FormatSpec(dates.duration),
    "email": FormatSpec(network.email),
    "idn-email": FormatSpec(network.idn_email),
    "hostname": FormatSpec(
        network.hostname,
        check=idna.is_hostname,
        sure=network.plain_hostname,
        beginnings=HostNameBeginnings(international=False),
    ),
    "idn-hostname": FormatSpec(
        network.idn_hostname,
        check=idna.is_idn_hostname,
        sure=network.plain_idn_hostname,
        beginnings=HostNameBeginnings(international=True),
    ),
    "ipv4": FormatSpec(network.ipv4),
    "ipv6": FormatSpec(network.ipv6),
    "uri": FormatSpec(network.uri),
    "uri-reference": FormatSpec(network.uri_reference),
    "iri": FormatSpec(network.iri),
    "iri-reference": FormatSpec(network.iri_reference),
    "uri-template": FormatSpec(network.uri_template),
    "uuid": FormatSpec(_uuid(_HEX)),
    "json-pointer": FormatSpec(_pattern(_POINTER)),
    "relative-json-pointer": FormatSpec(_pattern(rf"(?:0|[1-9]\d*)(?:#|{_POINTER})")),
    "regex": FormatSpec(regexes.regex, check=is_valid_ecma, sure=regexes.plain_regex, beginnings=RegexBeginnings()),
}
"""The formats of the specification, all drafts together."""

EXTRA_FORMATS: dict[str, FormatSpec] = {
    "ipv4network": FormatSpec(lambda: alternate(network.ipv4(), network.ipv4_network())),
    "ipv6network": FormatSpec(lambda: alternate(network.ipv6(), network.ipv6_network())),
    "ipv4interface": FormatSpec(lambda: alternate(network.ipv4(), network.ipv4_network())),
    "ipv6interface": FormatSpec(lambda: alternate(network.ipv6(), network.ipv6_network())),
    "ipvanyaddress": FormatSpec(lambda: alternate(network.ipv4(), network.ipv6())),
    **{f"uuid{version}": FormatSpec(_uuid(version)) for version in "1345678"},
}
"""Formats that Python types are written with; only asserted where the caller asks for them."""


def _spec(name: str, extras: bool) -> FormatSpec | None:
    return FORMATS.get(name) or (EXTRA_FORMATS.get(name) if extras else None)


def format_node(name: str, draft: int | str | None = None, *, extras: bool = False) -> Node | None:
    """The expression of a format's strings; None for a name that asserts nothing.

    Parameters
    ----------
    name : as in the schema; case matters
    draft : which draft the schema follows. It changes nothing: a name means the same in every draft that has it,
        and authors use ``uuid`` and ``date`` with drafts from before these were named, meaning them.
        (In MaskBench, asserting them everywhere wronged no valid document, and caught 40 invalid ones.)
    extras : also the names that Python libraries use, such as ``uuid4``
    """
    del draft
    return _node(name, extras)


def format_sample(name: str) -> str | None:
    """A string of a format, where one can be read off its expression; remembered, for a date-time takes long."""
    node = format_node(name)
    return None if node is None else sample(node)


@lru_cache(maxsize=64)
def _node(name: str, extras: bool) -> Node | None:
    """One expression for all drafts: it is hashed and compared often, and a date-time has thousands of parts."""
    spec = _spec(name, extras)
    return None if spec is None else spec.build()


def format_check(name: str) -> Callable[[str], bool] | None:
    """Judges a finished string where the expression is not the whole truth; None where it is."""
    spec = FORMATS.get(name)
    return None if spec is None else spec.check


def format_is_exact(name: str) -> bool:
    """Whether ``format_node`` accepts exactly the format's strings."""
    spec = _spec(name, True)
    return spec is not None and spec.check is None


@lru_cache(maxsize=64)
def format_sure_node(name: str) -> Node | None:
    """An expression of texts that surely are of the format; None where none is known, or the format is exact."""
    spec = FORMATS.get(name)
    return None if spec is None or spec.sure is None else spec.sure()


def format_beginnings(name: str) -> Beginnings | None:
    """Judges beginnings of texts of a format that has a check; None where nothing is known of them."""
    spec = FORMATS.get(name)
    return None if spec is None else spec.beginnings
