"""One sequence being generated: masks, steps, rollback, fork.

The matcher is the only part of a constraint that changes, and it is the hottest Python
in the package: per token it costs one ``fill_mask`` and one ``advance``. So it holds the
machine's methods, keeps configurations in a list (rollback is a slice, fork a copy), and
does nothing else on the way.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Any

from structgen.dtypes import TokenMask
from structgen.errors import IncompleteError, RejectedTokenError
from structgen.masks.budget import Completions, Plan
from structgen.masks.forced import surely_forced
from structgen.masks.machine import Config, TokenMachine
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["Matcher"]


class _End:
    """The configuration after end of sequence."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "END"


_END = _End()


class Matcher:
    """One sequence under one constraint; small and mutable, one per sequence, not shared between threads.

    The text so far is always a viable prefix: some completion makes it valid. An
    end-of-sequence token is allowed exactly where the text is valid as it is
    (``is_accepting``); after it the sequence ``is_finished``, its masks are empty and
    every token is rejected.

    Examples
    --------
    >>> import structgen as sg
    >>> from structgen.masks.mask import allowed_ids, empty_mask
    >>> vocabulary = sg.Vocabulary.from_bytes([b"a", b"b", b"ab", b"</s>"], eos_ids=[3])
    >>> matcher = sg.regex("(ab)+").bind(vocabulary).start()
    >>> row = empty_mask(vocabulary.n_tokens)
    >>> matcher.fill_mask(row)
    >>> allowed_ids(row, 4).tolist()
    [0, 2]
    >>> matcher.advance(2)
    >>> matcher.text, matcher.is_accepting
    ('ab', True)
    >>> matcher.try_advance(1)
    False
    """

    __slots__ = (
        "_advance",
        "_completions",
        "_config",
        "_configs",
        "_fill",
        "_machine",
        "_plan",
        "_steps",
        "vocabulary",
    )

    def __init__(self, machine: TokenMachine, completions: Completions | None = None) -> None:
        """Start at the machine's beginning; matchers may share what is known of completions."""
        self._machine = machine
        self.vocabulary: Vocabulary = machine.vocabulary
        self._fill: Callable[[Any, TokenMask], None] = machine.fill_mask
        self._advance: Callable[[Any, int], Config | None] = machine.advance
        self._config: Config = machine.start()
        self._configs: list[Config] = [self._config]
        self._steps: list[int | bytes] = []
        self._plan: Plan | None = None
        self._completions = completions

    # --- masks and steps

    def fill_mask(self, row: TokenMask, budget: int | None = None) -> None:
        """Overwrite ``row`` with the tokens that may come next.

        With ``budget``, the tokens that may still be generated with end of sequence
        counted in, only those stay from which the shortest completion fits; some token
        then always does. Free where the budget is comfortable.

        Parameters
        ----------
        row : (ceil(V / 32),) uint32, C-contiguous, written in place
        budget : tokens left, None for no limit

        Raises
        ------
        IncompleteError : not even the shortest completion fits ``budget``; ``text`` is what there is
        """
        config = self._config
        if config is _END:
            row[:] = 0
        elif budget is None:
            self._fill(config, row)
        else:
            plan = self._known_completions().fill_mask_within(config, row, budget, self._plan)
            if plan is None:
                raise IncompleteError(
                    f"no completion fits the {budget} tokens left", text=self.text, hint="raise max_tokens"
                )
            self._plan = plan or None

    def advance(self, token_id: int) -> None:
        """Take a token.

        Raises
        ------
        RejectedTokenError : the constraint forbids it here; the matcher is unchanged
        """
        config = self._config
        after = self._advance(config, token_id) if config is not _END else None
        if after is None:
            after = self._after_end(token_id)
            if after is None:
                raise self._rejected(token_id)
        if self._plan is not None:
            self._plan = self._plan[1:] if self._plan[:1] == (token_id,) else None
        self._config = after
        self._configs.append(after)
        self._steps.append(token_id)

    def try_advance(self, token_id: int) -> bool:
        """Take a token if it is allowed; False, and nothing changed, where it is not."""
        config = self._config
        after = self._advance(config, token_id) if config is not _END else None
        if after is None:
            after = self._after_end(token_id)
            if after is None:
                return False
        if self._plan is not None:
            self._plan = self._plan[1:] if self._plan[:1] == (token_id,) else None
        self._config = after
        self._configs.append(after)
        self._steps.append(token_id)
        return True

    def advance_bytes(self, data: bytes) -> bool:
        """Take bytes, however they split into tokens, as one step.

        False, and nothing changed, where they are forbidden.
        """
        if self._config is _END:
            return False
        after = self._machine.advance_bytes(self._config, data)
        if after is None:
            return False
        self._plan = None
        self._config = after
        self._configs.append(after)
        self._steps.append(data)
        return True

    def rollback(self, n: int = 1) -> None:
        """Undo the last ``n`` steps (tokens, or calls of ``advance_bytes``); ValueError for more than there are."""
        if not 0 <= n <= len(self._steps):
            raise ValueError(f"cannot undo {n} of {len(self._steps)} steps")
        if n:
            del self._configs[-n:]
            del self._steps[-n:]
            self._config = self._configs[-1]
            self._plan = None

    def fork(self) -> Matcher:
        """An independent matcher at the same place; costs a copy of the list of steps."""
        other = object.__new__(Matcher)
        other._machine = self._machine
        other.vocabulary = self.vocabulary
        other._fill = self._fill
        other._advance = self._advance
        other._config = self._config
        other._configs = self._configs.copy()
        other._steps = self._steps.copy()
        other._plan = self._plan
        other._completions = self._known_completions()
        return other

    # --- where it stands

    @property
    def machine(self) -> TokenMachine:
        return self._machine

    @property
    def config(self) -> Config:
        """The machine's configuration; hashable, equal where the future is equal."""
        return self._config

    @property
    def is_accepting(self) -> bool:
        """Whether the text is valid as it is (so end of sequence is allowed, or has been taken)."""
        return self._config is _END or self._machine.is_accepting(self._config)

    @property
    def is_finished(self) -> bool:
        """Whether end of sequence has been taken. See ``is_exhausted`` for nothing else being possible."""
        return self._config is _END

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing can follow the text: only end of sequence is allowed, or it has been taken."""
        if self._config is _END:
            return True
        if not self._machine.is_accepting(self._config):
            return False
        from structgen.masks.mask import empty_mask

        row = empty_mask(self.vocabulary.n_tokens)
        self._fill(self._config, row)
        for token_id in self.vocabulary.eos_ids:
            row[token_id >> 5] &= ~(1 << (token_id & 31)) & 0xFFFFFFFF
        return not row.any()

    @property
    def n_steps(self) -> int:
        """How many steps ``rollback`` can undo."""
        return len(self._steps)

    @property
    def token_ids(self) -> list[int]:
        """The tokens taken, end of sequence included; steps of plain bytes left out."""
        return [step for step in self._steps if not isinstance(step, bytes)]

    @property
    def text_bytes(self) -> bytes:
        """The bytes so far."""
        token_bytes = self.vocabulary.token_bytes
        return b"".join([step if isinstance(step, bytes) else token_bytes(step) for step in self._steps])

    @property
    def text(self) -> str:
        """The text so far; a last character that is not complete yet is left out."""
        return codecs.getincrementaldecoder("utf-8")("replace").decode(self.text_bytes, final=False)

    # --- what must or may follow

    def forced_bytes(self, limit: int = 256) -> bytes:
        """The bytes that every completion starts with, at most ``limit``."""
        return b"" if self._config is _END else self._machine.forced_bytes(self._config, limit)

    def forced_tokens(self, encode: Callable[[bytes], list[int]] | None = None) -> list[int]:
        """Tokens that can be taken without asking the model, because the bytes they spell are forced.

        The spelling is the longest-match one, or ``encode``'s. A token stays back where
        what may follow could have made it longer (see ``structgen.masks.forced``), so
        forced text does not push the model into spellings it never saw.
        """
        data = self.forced_bytes()
        if not data:
            return []
        after = self._machine.advance_bytes(self._config, data)
        ends = after is not None and self._machine.is_accepting(after)
        return surely_forced(self.vocabulary, data, open_end=not ends, encode=encode)

    def shortest_completion(self) -> bytes:
        """A completion of least length in bytes; empty where the text is valid already."""
        return b"" if self._config is _END else self._machine.shortest_completion(self._config)

    def shortest_completion_tokens(self) -> list[int]:
        """A completion in few tokens, with the first end-of-sequence id (if there is one) at its end."""
        if self._config is _END:
            return []
        return [*self._known_completions().of(self._config, self._plan), *self.vocabulary.eos_ids[:1]]

    # --- inside

    def _known_completions(self) -> Completions:
        if self._completions is None:
            self._completions = Completions(self._machine)
        return self._completions

    def _after_end(self, token_id: int) -> Config | None:
        if token_id not in self.vocabulary.eos_ids or self._config is _END:
            return None
        return _END if self._machine.is_accepting(self._config) else None

    def _rejected(self, token_id: int) -> RejectedTokenError:
        position = len(self._steps)
        if 0 <= token_id < self.vocabulary.n_tokens:
            special = self.vocabulary.special_texts.get(token_id)
            name = repr(special if special is not None else self.vocabulary.token_bytes(token_id))
        else:
            name = "outside the vocabulary"
        tail = self.text_bytes[-40:]
        return RejectedTokenError(
            f"token {token_id} ({name}) is not allowed at position {position}, after {tail!r}",
            token_id=token_id,
            position=position,
        )

    def __repr__(self) -> str:
        state = "finished" if self.is_finished else "accepting" if self.is_accepting else "open"
        return f"Matcher({len(self._steps)} steps, {state}, {self.text_bytes[-30:]!r})"
