"""SMILES by hand: the grammar of OpenSMILES 1.0 as a recursive descent, for comparison."""

from __future__ import annotations

import re

__all__ = ["reads_smiles"]

ELEMENTS = {"b", "c", "n", "o", "p", "s", "se", "as", "*"} | set(
    """H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb
    Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg
    Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts
    Og""".split()  # noqa: SIM905
)
ORGANIC = ("Cl", "Br", *"BCNOSPFIbcnosp*")
BONDS = "-=#$:/\\"
BRACKET = re.compile(
    r"\[[0-9]*([A-Za-z]{1,2}|\*)(@(?:@|TH[12]|AL[12]|SP[123]|TB(?:1[0-9]?|20?|[3-9])|OH(?:[12][0-9]?|30?|[4-9]))?)?"
    r"(H[0-9]?)?(\+\+|--|[+-](?:1[0-5]|[0-9])?)?(:[0-9]+)?\]"
)


def reads_smiles(text: str) -> bool:
    """Whether ``text`` is a chain; ring closures need not pair up."""
    return _chain(text, 0) == len(text) > 0


def _chain(text: str, at: int) -> int:
    """The place after the longest chain from ``at`` on; -1 where none begins."""
    at = _branched(text, at)
    while 0 <= at < len(text):
        after = _branched(text, at + 1 if text[at] in BONDS + "." else at)
        if after < 0:
            break
        at = after
    return at


def _branched(text: str, at: int) -> int:
    at = _atom(text, at)
    if at < 0:
        return -1
    while found := re.compile(r"[-=#$:/\\]?([0-9]|%[0-9][0-9])").match(text, at):
        at = found.end()
    while at < len(text) and text[at] == "(":
        inside = at + 1 + (at + 1 < len(text) and text[at + 1] in BONDS + ".")
        end = _chain(text, inside)
        if end < 0 or text[end : end + 1] != ")":
            return at
        at = end + 1
    return at


def _atom(text: str, at: int) -> int:
    for symbol in ORGANIC:
        if text.startswith(symbol, at):
            return at + len(symbol)
    for found in _brackets(text, at):
        return found
    return -1


def _brackets(text: str, at: int) -> list[int]:
    """Ends of a bracket atom at ``at``: its symbol may be of one letter before an ``H``, or of two."""
    end = text.find("]", at) + 1
    if not text.startswith("[", at) or not end:
        return []
    inside = text[at:end]
    for length in (2, 1):
        pattern = BRACKET.pattern.replace("[A-Za-z]{1,2}", f"[A-Za-z]{{{length}}}")
        found = re.fullmatch(pattern, inside)
        if found and found[1] in ELEMENTS:
            return [end]
    return []
