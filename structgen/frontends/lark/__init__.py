"""Lark's notation: read by Lark itself, kept as an ``ir.grammar.Grammar``."""

from structgen.frontends.lark.loader import read_lark

__all__ = ["read_lark"]
