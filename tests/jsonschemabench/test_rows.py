from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jsonschemabench.errors import InputError, OutputError
from jsonschemabench.packing import pack, unpack
from jsonschemabench.rows import RowWriter, read_rows


@given(st.lists(st.integers(0, 2**32 - 1)))
def test_unpack_undoes_pack(values: list[int]) -> None:
    assert unpack(pack(values)).tolist() == values


def test_packing_saturates() -> None:
    assert unpack(pack([2**40, -3])).tolist() == [2**32 - 1, 0]


def row(identifier: str) -> dict[str, str]:
    return {"kind": "row", "engine": "e", "id": identifier}


def test_rows_are_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "r.jsonl"
    with RowWriter(path) as writer:
        writer.write({"kind": "run"})
        writer.write(row("a"))
    with RowWriter(path) as writer:
        assert writer.done == {("e", "a")}
        writer.write(row("b"))
    assert [found.get("id") for found in read_rows(path)] == [None, "a", "b"]


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(json.dumps(row("a")) + "\n" + '{"kind":"row","eng')
    assert len(list(read_rows(path))) == 1
    with RowWriter(path) as writer:
        assert writer.done == {("e", "a")}
        writer.write(row("b"))
    assert [found["id"] for found in read_rows(path)] == ["a", "b"]


def test_a_full_disk_loses_nothing_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.jsonl"
    real_write = os.write
    room = [200]

    def write(descriptor: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = real_write(descriptor, bytes(data)[: room[0]])
        room[0] -= taken
        return taken

    with RowWriter(path) as writer:
        writer.write(row("a"))
        monkeypatch.setattr(os, "write", write)
        with pytest.raises(OutputError) as caught:
            writer.write(row("b" * 500))
        assert caught.value.written == 1
    monkeypatch.undo()
    assert [found["id"] for found in read_rows(path)] == ["a"]


def test_what_is_no_file_of_rows_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "thesis.txt"
    path.write_text("chapter one\nchapter two\n")
    with pytest.raises(InputError):
        RowWriter(path)
    assert path.read_text() == "chapter one\nchapter two\n"


def test_an_unwritable_place_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        RowWriter(tmp_path / "file" / "r.jsonl")
