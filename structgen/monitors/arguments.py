"""Arguments of a call: how many, and which keywords, over all overloads.

A counter over the argument list (kept by the scanner) against the signatures. A closing
parenthesis is held back while a required argument is missing in every overload; a further
argument where no overload takes one; a keyword that no overload has. Anything unpacked
(``*args``, ``**kw``) ends what can be known about the call.
"""

from __future__ import annotations

from structgen.monitors.analysis import Analysis
from structgen.monitors.engines.protocol import UNKNOWN, Signature
from structgen.monitors.gates import BytesGate, Gate, NameSet, NamesGate
from structgen.monitors.python_scanner import CallFrame, PythonScanner
from structgen.monitors.text import TextState

__all__ = ["ArgumentRule"]

_ALL = frozenset(range(256))
_CLOSE, _EQUALS = 0x29, 0x3D
_BLANKS = b" \t\r\n\f"


class ArgumentRule:
    """Only argument lists that some overload takes."""

    name = "arguments"
    triggers = b"(,)]}'\"=*#."
    is_dense = True
    kinds = None

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis

    def live_triggers(self, state: TextState) -> bytes:
        """See ``Rule``."""
        scanner = state.scanner
        if not isinstance(scanner, PythonScanner):
            return b""
        return self.triggers if scanner.in_call else (b"(" if scanner.ends_expression else b"")

    def pre(self, state: TextState) -> bool:
        """See ``Rule``."""
        scanner = state.scanner
        if not isinstance(scanner, PythonScanner):
            return False
        frame = scanner.call_frame
        return frame is not None and not frame.is_starred

    def gate(self, state: TextState) -> Gate | None:
        """See ``Rule``."""
        scanner = state.scanner
        frame = scanner.call_frame if isinstance(scanner, PythonScanner) else None
        if frame is None or not isinstance(scanner, PythonScanner):
            return None
        signatures = self.analysis.signatures(state.text, frame.at, state.unknown)
        if signatures is UNKNOWN:
            return None
        if scanner.just_named_keyword:
            return self._keyword_gate(frame, signatures, scanner.just_named_keyword)
        is_blank = frame.is_blank and not scanner.current_word
        given = frame.arguments + (0 if is_blank else 1)
        may_close = any(given >= signature.n_required for signature in signatures)
        if is_blank:
            return self._next_argument(frame, signatures, may_close)
        if scanner.is_in_operand or may_close:
            return None
        return BytesGate(_ALL - {_CLOSE})

    def _next_argument(self, frame: CallFrame, signatures: tuple[Signature, ...], may_close: bool) -> Gate | None:
        """At the start of an argument: its keyword, any expression, or the end of the list."""
        positional = frame.arguments - len(frame.keywords)
        may_position = not frame.keywords and any(
            s.max_positional is None or positional < s.max_positional for s in signatures
        )
        close = b")" if may_close else b""
        if may_position:
            return None if may_close else BytesGate(_ALL - {_CLOSE})
        keywords = remaining_keywords(frame, signatures)
        if keywords is None:
            return None if may_close else BytesGate(_ALL - {_CLOSE})
        if not keywords:
            return BytesGate(_BLANKS + b"*#\\" + close)
        return NamesGate(NameSet(name.decode() for name in keywords), blanks=_BLANKS, lifts=b"*#\\" + close)

    def _keyword_gate(self, frame: CallFrame, signatures: tuple[Signature, ...], name: bytes) -> Gate | None:
        """After ``name=``: either a keyword that some overload has, or the first half of ``==``."""
        known = remaining_keywords(frame._replace(keywords=frame.keywords - {name}), signatures)
        return None if known is None or name in known else BytesGate({_EQUALS}, may_end=False)


def remaining_keywords(frame: CallFrame, signatures: tuple[Signature, ...]) -> frozenset[bytes] | None:
    """Keywords that may still be passed: not passed yet, not taken by position; None for any."""
    positional = frame.arguments - len(frame.keywords)
    found: set[bytes] = set()
    for signature in signatures:
        if signature.keywords is None:
            return None
        slots = [p for p in signature.parameters if p.positional and not p.variadic]
        taken = {p.name for p in slots[:positional]}
        found |= {name.encode() for name in signature.keywords if name not in taken}
    return frozenset(found) - frame.keywords
