from __future__ import annotations

import io
import json
import tarfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from jsonschemabench.errors import InputError, NetworkError
from jsonschemabench.fetch import SOURCES, Source, fetch, unpack_archive


def make_archive(path: Path, names: list[str]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            data = json.dumps({"schema": {}}).encode()
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def test_only_what_is_wanted_is_unpacked_without_its_top_folder(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    make_archive(archive, ["top-main/maskbench/data/x.json", "top-main/maskbench/README.md", "top-main/data/y.json"])
    target = tmp_path / "t"
    assert unpack_archive(archive, target, SOURCES["maskbench"]) == 1
    assert [path.relative_to(target).as_posix() for path in target.rglob("*.json")] == ["data/x.json"]


def test_a_name_that_leads_outside_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    make_archive(archive, ["top/data/../../../evil.json"])
    with pytest.raises(InputError):
        unpack_archive(archive, tmp_path / "t", Source("", ("data/",), "", "t"))
    assert not (tmp_path.parent / "evil.json").exists()


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("<html>")
    with pytest.raises(InputError):
        unpack_archive(tmp_path / "a", tmp_path / "t", SOURCES["suite"])


def test_without_network_it_says_so_and_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str, timeout: float) -> Any:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(NetworkError) as caught:
        fetch("suite", tmp_path / "data", lambda text: None)
    assert caught.value.url == SOURCES["suite"].url
    assert list((tmp_path / "data").iterdir()) == []


def test_a_data_set_that_is_there_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "maskbench").mkdir()
    monkeypatch.setattr(urllib.request, "urlopen", None)
    assert fetch("maskbench", tmp_path, lambda text: None) == tmp_path / "maskbench"
