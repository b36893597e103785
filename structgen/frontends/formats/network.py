"""Addresses and identifiers of the network, from the grammars of their RFCs.

RFC 791 and 4291 (addresses), 1123 and 5890 (host names), 5321 and 6531 (mail), 3986 and 3987
(URI and IRI). The patterns follow the ABNF line by line; they are composed as text because that is
how they can be compared with it.
"""

from __future__ import annotations

from structgen.frontends.formats import idna
from structgen.frontends.regex import parse_ecma
from structgen.ir.regex import Node, alternate, char_set, concat, optional, set_union, star

__all__ = [
    "email",
    "hostname",
    "idn_email",
    "idn_hostname",
    "ipv4",
    "ipv6",
    "iri",
    "iri_reference",
    "plain_hostname",
    "plain_idn_hostname",
    "uri",
    "uri_reference",
]

# ---------------------------------------------------------------- addresses

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"(?:{_OCTET}(?:\.{_OCTET}){{3}})"
_H16 = r"[0-9A-Fa-f]{1,4}"
_LS32 = rf"(?:{_H16}:{_H16}|{_IPV4})"


def _ipv6_pattern() -> str:
    """The nine lines of ``IPv6address`` in RFC 3986, section 3.2.2."""
    lines = [rf"(?:{_H16}:){{6}}{_LS32}"]
    for after in range(5, -3, -1):
        before = 5 - after
        left = "" if before == 0 else rf"(?:(?:{_H16}:){{0,{before - 1}}}{_H16})?"
        right = rf"(?:{_H16}:){{{after}}}{_LS32}" if after >= 0 else _H16 if after == -1 else ""
        lines.append(rf"{left}::{right}")
    return "(?:" + "|".join(lines) + ")"


_IPV6 = _ipv6_pattern()


def ipv4() -> Node:
    """Dotted decimal, four octets, no leading zeros."""
    return parse_ecma(_IPV4)


def ipv6() -> Node:
    """RFC 4291 text, without zone identifiers."""
    return parse_ecma(_IPV6)


def ipv4_network() -> Node:
    """An address with a prefix length."""
    return parse_ecma(rf"{_IPV4}/(?:3[0-2]|[12]?\d)")


def ipv6_network() -> Node:
    """An address with a prefix length."""
    return parse_ecma(rf"{_IPV6}/(?:12[0-8]|1[01]\d|[1-9]?\d)")


# ---------------------------------------------------------------- names

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


def hostname() -> Node:
    """Labels of letters, digits and inner hyphens; ``xn--`` labels are for the check to judge."""
    return parse_ecma(rf"{_LABEL}(?:\.{_LABEL})*")


def plain_hostname() -> Node:
    """Host names without ``xn--`` labels that cannot be too long: few labels, or short ones."""
    return _plain(r"(?![Xx][Nn]--)", r"\.")


def plain_idn_hostname() -> Node:
    """Internationalised host names that are plain ASCII."""
    return _plain("(?!..--)", r"[.\u3002\uff0e\uff61]")


def _plain(start: str, dot: str) -> Node:
    short = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,28}[A-Za-z0-9])?"
    few, many = rf"{start}{_LABEL}", rf"{start}{short}"
    return alternate(parse_ecma(rf"{few}(?:{dot}{few}){{0,2}}"), parse_ecma(rf"{many}(?:{dot}{many}){{3,7}}"))


def idn_hostname() -> Node:
    """U-labels and ASCII labels; lengths, contexts, normal form and direction are the check's."""
    ascii_inner = char_set([(0x2D, 0x2D), (0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)])
    inner = set_union(idna.permitted(), ascii_inner)
    hyphen = char_set([(0x2D, 0x2D)])
    first = idna.without(idna.without(inner, idna.marks()), hyphen)
    last = idna.without(inner, hyphen)
    label = concat(first, optional(concat(star(inner), last)))
    dots = char_set([(0x2E, 0x2E), (0x3002, 0x3002), (0xFF0E, 0xFF0E), (0xFF61, 0xFF61)])
    return concat(label, star(concat(dots, label)))


# ---------------------------------------------------------------- mail

_ATEXT = r"A-Za-z0-9!#$%&'*+\-/=?\^_`{|}~"
_DOMAIN = r"[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?"
_MAIL_LITERAL = rf"\[(?:{_IPV4}|[Ii][Pp][Vv]6:{_IPV6})\]"


def email() -> Node:
    """``Mailbox`` of RFC 5321: dotted or quoted local part, domain or address literal."""
    local = rf'(?:[{_ATEXT}]+(?:\.[{_ATEXT}]+)*|"(?:[ !#-\[\]-~]|\\[ -~])*")'
    return parse_ecma(rf"{local}@(?:{_DOMAIN}(?:\.{_DOMAIN})*|{_MAIL_LITERAL})")


def idn_email() -> Node:
    """The same with any character beyond ASCII, as RFC 6531 extends it."""
    more = r"\u{80}-\u{10FFFF}"
    local = rf'(?:[{_ATEXT}{more}]+(?:\.[{_ATEXT}{more}]+)*|"(?:[ !#-\[\]-~{more}]|\\[ -~])*")'
    ends = rf"[A-Za-z0-9{more}]"
    domain = rf"{ends}(?:[A-Za-z0-9\-{more}]*{ends})?"
    return parse_ecma(rf"{local}@(?:{domain}(?:\.{domain})*|{_MAIL_LITERAL})")


# ---------------------------------------------------------------- identifiers

_SUB_DELIMS = r"!$&'()*+,;="
_UCSCHAR = (
    r"\u{A0}-\u{D7FF}\u{F900}-\u{FDCF}\u{FDF0}-\u{FFEF}"
    + "".join(rf"\u{{{p:X}0000}}-\u{{{p:X}FFFD}}" for p in range(1, 14))
    + r"\u{E1000}-\u{EFFFD}"
)
_IPRIVATE = r"\u{E000}-\u{F8FF}\u{F0000}-\u{FFFFD}\u{100000}-\u{10FFFD}"


def _identifier(more: str, private: str, *, relative: bool, absolute: bool = True) -> Node:
    """RFC 3986, appendix A, with ``more`` unreserved characters and ``private`` ones in the query."""
    unreserved = rf"A-Za-z0-9\-._~{more}"
    escaped = "%[0-9A-Fa-f]{2}"
    pchar = rf"(?:[{unreserved}{_SUB_DELIMS}:@]|{escaped})"
    no_colon = rf"(?:[{unreserved}{_SUB_DELIMS}@]|{escaped})"
    userinfo = rf"(?:[{unreserved}{_SUB_DELIMS}:]|{escaped})*"
    reg_name = rf"(?:[{unreserved}{_SUB_DELIMS}]|{escaped})*"
    future = rf"[Vv][0-9A-Fa-f]+\.[A-Za-z0-9\-._~{_SUB_DELIMS}:]+"
    authority = rf"(?:{userinfo}@)?(?:\[(?:{_IPV6}|{future})\]|{reg_name})(?::\d*)?"
    path_abempty = rf"(?:/{pchar}*)*"
    path_absolute = rf"/(?:{pchar}+(?:/{pchar}*)*)?"
    tail = rf"(?:\?(?:[{unreserved}{_SUB_DELIMS}:@/?{private}]|{escaped})*)?(?:#(?:{pchar}|[/?])*)?"
    hier = rf"(?://{authority}{path_abempty}|{path_absolute}|{pchar}+(?:/{pchar}*)*|)"
    options = []
    if absolute:
        options.append(rf"[A-Za-z][A-Za-z0-9+\-.]*:{hier}{tail}")
    if relative:
        options.append(rf"(?://{authority}{path_abempty}|{path_absolute}|{no_colon}+(?:/{pchar}*)*|){tail}")
    return alternate(*map(parse_ecma, options))


def uri() -> Node:
    """With a scheme."""
    return _identifier("", "", relative=False)


def uri_reference() -> Node:
    """With a scheme, or relative."""
    return _identifier("", "", relative=True)


def iri() -> Node:
    """RFC 3987, with a scheme."""
    return _identifier(_UCSCHAR, _IPRIVATE, relative=False)


def iri_reference() -> Node:
    """RFC 3987, with a scheme or relative."""
    return _identifier(_UCSCHAR, _IPRIVATE, relative=True)


def uri_template() -> Node:
    """RFC 6570: literals and expressions; with its erratum, an apostrophe is a literal."""
    escaped = "%[0-9A-Fa-f]{2}"
    literals = rf"(?:[!#$&'(-;=?-\[\]_a-z~{_UCSCHAR}{_IPRIVATE}]|{escaped})"
    varchar = rf"(?:[A-Za-z0-9_]|{escaped})"
    varspec = rf"{varchar}(?:\.?{varchar})*(?::[1-9]\d{{0,3}}|\*)?"
    return parse_ecma(rf"(?:{literals}|\{{[+#./;?&=,!@|]?{varspec}(?:,{varspec})*\}})*")
