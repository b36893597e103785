"""Tables that outlive a document are not looked at again by collections of young objects."""

from __future__ import annotations

import gc
import random

import numpy as np

import structgen as sg
from structgen.lasting import Lasting
from structgen.masks.document_machine import DocumentMachine
from structgen.masks.mask import allowed_ids
from structgen.vocab.vocabulary import Vocabulary
from tests.masks.test_document_sharing import SCHEMAS, vocabulary


def is_young(value: object) -> bool:
    return any(young is value for young in gc.get_objects(generation=0))


def test_a_lasting_dictionary_stays_old_when_tuples_are_put_into_it() -> None:
    table: Lasting[tuple[int, int], int] = Lasting()
    for n in range(1000):
        table[n, n + 1] = n
    gc.collect()
    table[tuple(range(5, 7))] = 5  # type: ignore[index]
    assert gc.is_tracked(table)
    assert not is_young(table)
    assert table[5, 6] == 5


def walk(schema: object, words: Vocabulary) -> DocumentMachine:
    """A schema's machine, its masks filled along some texts."""
    machine = sg.json_schema(schema, whitespace="any").bind(words).machine
    assert isinstance(machine, DocumentMachine)
    row, draws = np.zeros(words.n_words, np.uint32), random.Random(3)
    for _ in range(20):
        config = machine.start()
        for _ in range(12):
            machine.fill_mask(config, row)
            tokens = [token for token in allowed_ids(row, words.n_tokens).tolist() if token not in words.eos_ids]
            if tokens:
                config = machine.advance(config, draws.choice(tokens)) or config
    return machine


def test_tables_shared_by_schemas_stay_old_when_another_schema_is_read() -> None:
    words = vocabulary(7)
    common = walk(SCHEMAS["nested"], words)._rows._common
    n_reaches, n_rows = len(common.reach), len(common.rows.young)
    gc.collect()
    gc.disable()  # what is put in now stays young until it is looked for
    try:
        for name in ("either", "lengths", "names by pattern"):
            walk(SCHEMAS[name], words)
        assert not is_young(common.reach) and not is_young(common.rows.young)
    finally:
        gc.enable()
    assert len(common.reach) > n_reaches and len(common.rows.young) > n_rows
