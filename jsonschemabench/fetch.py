"""Take the public data sets into a folder, laid out as the other commands expect it.

- ``maskbench``: the ``maskbench/data`` folder of guidance-ai/jsonschemabench (MIT);
- ``suite``: json-schema-org/JSON-Schema-Test-Suite (MIT), ``tests/`` and ``remotes/``;
- ``jsonschemabench``: epfl-dlab/JSONSchemaBench from the Hugging Face Hub: schemas without
  instances, written as case files.

The first two are taken as one archive each from GitHub, over HTTPS, by the standard library
alone. A data set appears in one step or not at all: it is unpacked beside its place and
then moved there.
"""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from jsonschemabench.errors import BenchError, InputError, NetworkError

__all__ = ["SOURCES", "Source", "fetch", "unpack_archive"]

_SECONDS = 60.0


@dataclass(frozen=True)
class Source:
    """An archive, which of its folders to keep (below its top folder), and where they go in the data folder."""

    url: str
    keep: tuple[str, ...]
    strip: str
    target: str


SOURCES: dict[str, Source] = {
    "maskbench": Source(
        "https://codeload.github.com/guidance-ai/jsonschemabench/tar.gz/refs/heads/main",
        ("maskbench/data/",),
        "maskbench/",
        "maskbench",
    ),
    "suite": Source(
        "https://codeload.github.com/json-schema-org/JSON-Schema-Test-Suite/tar.gz/refs/heads/main",
        ("tests/", "remotes/", "LICENSE"),
        "",
        "json-schema-test-suite",
    ),
}
HUB_DATASET = "epfl-dlab/JSONSchemaBench"


def fetch(name: str, folder: Path, say: Callable[[str], None]) -> Path:
    """Take one data set; returns its folder. What is already there is left as it is.

    Raises
    ------
    NetworkError : not reachable from here; nothing was changed
    InputError : the archive is not what it should be, or the folder cannot be written
    """
    target = folder / (SOURCES[name].target if name in SOURCES else name)
    if target.exists():
        say(f"{target} is there already; remove it to take it again")
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as temporary:
            made = Path(temporary) / "made"
            made.mkdir()
            if name in SOURCES:
                archive = Path(temporary) / "archive.tar.gz"
                _download(SOURCES[name].url, archive, say)
                n_files = unpack_archive(archive, made, SOURCES[name])
            else:
                n_files = _from_hub(made, say)
            if not n_files:
                raise InputError(target, "nothing in the data set is where it used to be")
            made.rename(target)
    except OSError as error:
        raise InputError(folder, error.strerror or str(error)) from error
    say(f"{target}: {n_files} files")
    return target


def _download(url: str, path: Path, say: Callable[[str], None]) -> None:
    say(f"taking {url}")
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as response, path.open("wb") as file:
            shutil.copyfileobj(response, file)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise NetworkError(url, str(getattr(error, "reason", error))) from error


def unpack_archive(archive: Path, target: Path, source: Source) -> int:
    """Unpack the kept regular files below the archive's top folder; returns how many.

    Names are checked, so that nothing is written outside of ``target``; links are left out.

    Raises
    ------
    InputError : not a tar archive, or a name that leads outside
    """
    n_files = 0
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = member.name.partition("/")[2]
                if not member.isfile() or not name.startswith(source.keep):
                    continue
                relative = PurePosixPath(name.removeprefix(source.strip))
                if relative.is_absolute() or ".." in relative.parts:
                    raise InputError(archive, f"the archive has a file outside of itself: {member.name}")
                place = target / relative
                place.parent.mkdir(parents=True, exist_ok=True)
                content = tar.extractfile(member)
                if content is not None:
                    with place.open("wb") as file:
                        shutil.copyfileobj(content, file)
                    n_files += 1
    except tarfile.TarError as error:
        raise InputError(archive, f"not the archive that was expected: {error}") from error
    return n_files


def _from_hub(target: Path, say: Callable[[str], None]) -> int:
    """JSONSchemaBench's schemas as case files without instances."""
    try:
        from datasets import get_dataset_config_names, load_dataset  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise BenchError(f"{HUB_DATASET} needs the package datasets; install it with: pip install datasets") from error
    say(f"taking {HUB_DATASET} from the Hub")
    try:
        parts = [part for part in get_dataset_config_names(HUB_DATASET) if part != "default"]
        return sum(_write_cases(target, part, load_dataset(HUB_DATASET, part)) for part in parts)
    except Exception as error:  # the Hub client raises many kinds for "not reachable"
        raise NetworkError(f"hf://{HUB_DATASET}", f"{type(error).__name__}: {error}"[:300]) from error


def _write_cases(target: Path, part: str, splits: dict[str, Iterable[dict[str, str]]]) -> int:
    (target / "data").mkdir(parents=True, exist_ok=True)
    n_files = 0
    for split in splits.values():
        for item in split:
            case = {"purpose": f"{part} of JSONSchemaBench", "schema": json.loads(item["json_schema"]), "tests": []}
            name = "".join(c if c.isalnum() or c in "-_" else "_" for c in item["unique_id"])
            (target / "data" / f"{part}---{name}.json").write_text(json.dumps(case), encoding="utf-8")
            n_files += 1
    return n_files
