"""Masks where the text itself matters: names that must be new, strings that are judged.

The machine's mask is right but for few tokens, so it is taken (and cached) as if nothing were kept, and then
corrected: a token that ends a name which has come already, a token that ends a string where its judge must be
asked, or a beginning that the judge gives up. What decides is the reading of the token itself
(``automata.document.keeping``); here it is only found out which tokens it has to be asked about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from structgen.automata.document.hosts import host_reader
from structgen.automata.document.keeping import Digits, Names, Text
from structgen.automata.document.shortest import escaped
from structgen.automata.document.texts import decoded
from structgen.dtypes import TokenMask
from structgen.ir.beginnings import FIRST, Beginnings, PieceBeginnings
from structgen.kernels import document as K
from structgen.masks.doubtful_tokens import Spelled, doubtful_tokens
from structgen.masks.host_masks import HostMasks
from structgen.masks.mask import allowed_ids, set_ids
from structgen.masks.string_body import string_body

if TYPE_CHECKING:
    from structgen.automata.document.automaton import Config
    from structgen.masks.document_machine import DocumentMachine

__all__ = ["KeptMasks"]


def _piece(token: bytes) -> str:
    """What a token adds to a string, an escape that breaks off left out."""
    content = decoded(token)
    while content is None:
        token = token[: token.rindex(b"\\")]
        content = decoded(token)
    return content.decode("utf-8", "ignore")


def _keeps_nothing(config: Config) -> bool:
    return len(config) == K.CONFIG_WIDTH


def _begins_well(judge: Beginnings, rest: bytes) -> bool:
    """Whether a judge does not give up a string that begins with the end of a token."""
    reader = host_reader(judge)
    return judge(_piece(rest)) if reader is None else reader.may_go_on(rest)


class KeptMasks:
    """Corrects the masks of one machine where names or strings are kept."""

    def __init__(self, machine: DocumentMachine) -> None:
        self._machine = machine
        vocabulary = machine.vocabulary
        self._tokens = vocabulary.tokens
        self._trie = vocabulary.trie
        self._body = string_body(vocabulary)
        self._hosts = HostMasks(vocabulary)
        self._doubtful = doubtful_tokens(vocabulary)

    def fill(self, config: Config, row: TokenMask) -> bool:
        """Fill ``row``; False where nothing is kept that needs it."""
        kept = config[K.CONFIG_WIDTH :]
        keepers = [keeper for keeper in kept if type(keeper) is not bytes]
        if not keepers:
            return False
        machine = self._machine
        machine.fill_mask((*config[: K.CONFIG_WIDTH], *(k for k in kept if type(k) is bytes)), row)
        if type(keepers[-1]) is Text:
            self._correct_text(config, keepers[-1], row)
        elif type(keepers[-1]) is Digits:
            self._correct_number(config, row)
        if any(type(keeper) is Names for keeper in keepers):
            names = {name for keeper in keepers if type(keeper) is Names for name in keeper.names}
            self._correct_names(config, names, row)
        return True

    def _correct_number(self, config: Config, row: TokenMask) -> None:
        """Numbers have few tokens: each is tried."""
        vocabulary = self._machine.vocabulary
        self._decide(config, allowed_ids(row, vocabulary.n_tokens).tolist(), row)
        if self._machine.is_accepting(config):
            set_ids(row, np.array(vocabulary.eos_ids, np.int32))

    def correct_openings(self, config: Config, row: TokenMask) -> None:
        """Forbid, of the allowed tokens, those that begin something to be judged, and go wrong within the token."""
        tables, doubtful = self._machine.automaton.tables, self._doubtful
        mode = config[K.R_MODE]
        in_string = K.M_FREE <= mode <= K.M_CONTENT
        asked = []
        if tables.number_judges:
            asked.append(doubtful.digits[mode >= K.FIRST_LEXICAL])
        if tables.judged or self._machine.automaton.general_objects.keeps_some:
            asked.append(doubtful.strings[in_string])
        if tables.judged:
            asked.append(doubtful.ill_begun(tables.all_beginnings(), _begins_well)[in_string])
        for spelled in asked:
            for token in self._undecided(config, spelled, row):
                if self._machine.advance(config, token) is None:
                    row[token >> 5] &= ~np.uint32(1 << (token & 31))

    def _undecided(self, config: Config, spelled: Spelled, row: TokenMask) -> list[int]:
        """Allowed tokens in which something to be judged begins; of the others the mask is right."""
        ids = spelled.ids
        told = np.empty(len(ids), np.bool_)
        if len(config) > K.CONFIG_WIDTH:
            told[:] = (row[ids >> 5] >> (ids & 31).astype(np.uint32)) & 1 != 0
        else:
            regs, before = np.zeros((2, K.WIDTH), np.int64)
            K.undecided(
                row, ids, spelled.offsets, told, np.array(config, np.int64), regs, before, spelled.data,
                *self._machine.automaton.tables.arguments, np.zeros(3, np.int64),
            )  # fmt: skip
        return ids[told].tolist()  # type: ignore[no-any-return]

    # -- names -----------------------------------------------------------------------------------

    def _correct_names(self, config: Config, names: set[bytes], row: TokenMask) -> None:
        doubtful: set[int] = set()
        for name in names:
            doubtful.update(self._doubtful.with_string(b'"' + escaped(name) + b'"'))
        last = config[-2] if type(config[-1]) is Text else config[-1]
        in_name = K.M_FREE <= config[K.R_MODE] <= K.M_CONTENT and not config[K.R_VALUE]
        doubtful.update(self._doubtful.two_names[in_name].ids.tolist())
        if type(last) is Names and in_name and last.cell == config[K.R_CELL]:
            begun = decoded(last.text)
            if config[K.R_ESC] or begun is None:
                doubtful.update(self._body.group_tokens.tolist())
            else:
                doubtful.update(self._doubtful.escaping)
                for rest in [name[len(begun) :] for name in last.names if name.startswith(begun)]:
                    doubtful.update(self._along(escaped(rest)))
        for token in doubtful:
            bit = np.uint32(1 << (token & 31))
            if row[token >> 5] & bit and self._machine.advance(config, token) is None:
                row[token >> 5] &= ~bit

    def _along(self, text: bytes) -> list[int]:
        """Tokens that spell a beginning of ``text``, and those that end a string with it."""
        trie = self._trie
        found: list[int] = []
        node = 0
        for byte in text + b'"':
            child, end = node + 1, int(trie.subtree_end[node])
            while child < end and trie.byte[child] != byte:
                child = int(trie.subtree_end[child])
            if child >= end:
                return found
            node = child
            last = node + 1 if byte != 34 else int(trie.subtree_end[node])
            found += trie.token_ids[trie.token_start[node] : trie.token_start[last]].tolist()
        return found

    # -- judged strings ----------------------------------------------------------------------------

    def _correct_text(self, config: Config, text: Text, row: TokenMask) -> None:
        """Ask the judge about each content that a token could end the string with."""
        tables = self._machine.automaton.tables
        for beginnings in tables.beginnings_of(config[K.R_A]):
            reader = host_reader(beginnings)
            if reader is not None:
                self._hosts.cut(reader, text.raw, row)
            elif not config[K.R_ESC] and isinstance(beginnings, PieceBeginnings):
                self._cut(text, beginnings, row)
        if config[K.R_ESC] or decoded(text.raw) is None:
            self._decide(config, self._closing(config), row)
            return
        if not config[K.R_VALUE]:
            self._close_name(config, row)
            return
        for state, content, tokens in self._doubts(config):
            whole = decoded(text.raw + content)
            label = tables.judged[state].label(whole.decode()) if whole is not None else 0
            if label == 0:
                for token in tokens:
                    row[token >> 5] &= ~np.uint32(1 << (token & 31))
            elif label != int(tables.arena.content[state, K.C_LABEL]):
                self._decide(config, tokens, row)

    def _closing(self, config: Config) -> list[int]:
        """Tokens that may close the string at hand, in the middle of a character, as far as their first byte tells."""
        alive = [bytes([byte]) for byte in range(256) if self._machine.advance_bytes(config, bytes([byte]))]
        by_content = self._doubtful.by_content.items()
        return [token for content, tokens in by_content if content[:1] in alive for token in tokens]

    def _close_name(self, config: Config, row: TokenMask) -> None:
        """Decide about the tokens that close a name: its class is the judge's to tell."""
        arena, body = self._machine.automaton.tables.arena, self._body
        for content, tokens in self._doubtful.by_content.items():
            after = None
            if b"\\" in content or arena.follow(config[K.R_A], content):
                after = self._machine.advance_bytes(config, content + b'"')
            doubtful = []
            suffixes = self._machine.strings.allowed_suffixes(after)[0] if after and _keeps_nothing(after) else None
            for token in tokens:
                bit, suffix = np.uint32(1 << (token & 31)), int(body.suffix_of[token])
                row[token >> 5] &= ~bit
                if suffixes is not None and suffixes[suffix >> 5] >> np.uint32(suffix & 31) & 1:
                    row[token >> 5] |= bit
                if after is not None and (suffixes is None or self._tokens[token].count(b'"') > 1):
                    doubtful.append(token)
            self._decide(config, doubtful, row)

    def _doubts(self, config: Config) -> Iterator[tuple[int, bytes, list[int]]]:
        """(row, content before the quote, tokens) where tokens end the string in a row with a judge."""
        judged = self._machine.automaton.tables.judged
        trie = self._body.closing
        for _, node, state, _ in self._machine.strings.closings(config).tolist():
            if state in judged:
                tokens = trie.token_ids[trie.token_start[node] : trie.token_start[trie.subtree_end[node]]].tolist()
                yield state, self._tokens[tokens[0]][: self._body.quote[tokens[0]]], tokens

    def _decide(self, config: Config, doubtful: list[int], row: TokenMask) -> None:
        """Allow, of ``doubtful``, the tokens that can be read."""
        for token in doubtful:
            bit = np.uint32(1 << (token & 31))
            if self._machine.advance(config, token) is None:
                row[token >> 5] &= ~bit
            else:
                row[token >> 5] |= bit

    def _cut(self, text: Text, may_go_on: PieceBeginnings, row: TokenMask) -> None:
        """Forbid content after which no good end is to be seen."""
        begun = (decoded(text.raw) or b"").decode("utf-8", "ignore")
        told = may_go_on.doubtful(begun)
        firsts: dict[str, bool] = {}
        for kinds, tokens in self._kinds(may_go_on):
            kind = kinds & told
            if kind:
                for token in tokens[(row[tokens >> 5] >> (tokens & 31).astype(np.uint32)) & 1 != 0].tolist():
                    self._cut_one(begun, token, kind, may_go_on, firsts, row)

    def _cut_one(
        self, begun: str, token: int, kind: int, may_go_on: PieceBeginnings, firsts: dict[str, bool], row: TokenMask
    ) -> None:
        """The same of one token, of which ``kind`` may make a difference."""
        piece = _piece(self._tokens[token])
        if kind != FIRST and not may_go_on.may_spoil(begun, piece):
            return
        first = piece[:1]
        if first not in firsts:
            firsts[first] = may_go_on(begun + first)
        if not (firsts[first] and (kind == FIRST or may_go_on(begun + piece))):
            row[token >> 5] &= ~np.uint32(1 << (token & 31))

    def _kinds(self, beginnings: PieceBeginnings) -> list[tuple[int, npt.NDArray[np.int64]]]:
        """Tokens that are content alone, by what of each may make a difference."""
        found = self._body.kinds.get(beginnings)
        if found is None:
            closing = set(self._body.group_tokens.tolist())
            by_kind: dict[int, list[int]] = {}
            for token in self._trie.token_ids.tolist():
                if token not in closing:
                    by_kind.setdefault(beginnings.kind_of(_piece(self._tokens[token])), []).append(token)
            found = self._body.kinds[beginnings] = [(kind, np.array(ids, np.int64)) for kind, ids in by_kind.items()]
        return found
