"""Exit codes, and how an error becomes one."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

__all__ = ["CLEAN", "FINDINGS", "INTERNAL", "LIMIT", "UNREADABLE", "USAGE", "UnreadableError", "guarded"]

CLEAN, FINDINGS, USAGE, UNREADABLE, LIMIT, INTERNAL = 0, 1, 2, 3, 4, 70


class UnreadableError(Exception):
    """An input file cannot be read; the message says which and why."""


def guarded(work: Callable[[], int]) -> int:
    """Run ``work``; print what goes wrong on stderr and return the exit code that says so."""
    from structgen.errors import LimitError, StructgenError

    try:
        return work()
    except UnreadableError as error:
        return _say(str(error), UNREADABLE)
    except LimitError as error:
        return _say(str(error), LIMIT)
    except StructgenError as error:
        return _say(f"{type(error).__name__}: {error}", FINDINGS)
    except KeyboardInterrupt:
        return _say("stopped", 130)
    except BrokenPipeError:
        return CLEAN
    except Exception:
        traceback.print_exc()
        return _say("this is a defect of structgen; please report it with the lines above", INTERNAL)


def _say(message: str, code: int) -> int:
    print(f"structgen: {message}", file=sys.stderr)
    return code
