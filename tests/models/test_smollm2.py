"""Converting the default model: atomic, repeatable, refused with a hint where it cannot be done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from structgen.errors import ModelError
from structgen.models import smollm2


def test_a_missing_package_says_what_to_install(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smollm2, "PACKAGE", "no_such_package_anywhere")
    with pytest.raises(ModelError) as caught:
        smollm2.ensure_converted()
    assert caught.value.model == smollm2.NAME
    assert "pip install" in (caught.value.hint or "")
    assert not any(cache_folder.rglob("*.json"))


def test_a_failed_conversion_leaves_nothing_behind(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(source: Path, folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(smollm2, "find_gguf", lambda: Path("x.gguf"))
    monkeypatch.setattr(smollm2, "convert", half)
    with pytest.raises(ModelError) as caught:
        smollm2.ensure_converted()
    assert "STRUCTGEN_CACHE_DIR" in (caught.value.hint or "")
    assert list((cache_folder / "models").iterdir()) == []


def test_the_second_of_two_conversions_uses_the_firsts(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = smollm2.converted_path()

    def overtaken(source: Path, folder: Path) -> None:
        (folder / "config.json").write_text("second")
        target.mkdir()
        (target / "config.json").write_text("first")

    monkeypatch.setattr(smollm2, "find_gguf", lambda: Path("x.gguf"))
    monkeypatch.setattr(smollm2, "convert", overtaken)
    assert smollm2.ensure_converted() == target
    assert (target / "config.json").read_text() == "first"
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert smollm2.ensure_converted() == target


def test_unpermuting_puts_rotary_halves_apart() -> None:
    """The inverse of the interleaving that GGUF conversion applies, written out by index."""
    heads, half, columns = 2, 3, 4
    original = np.arange(heads * 2 * half * columns, dtype=np.float32).reshape(heads * 2 * half, columns)
    interleaved = np.empty_like(original)
    for head in range(heads):
        for i in range(half):
            for part in range(2):
                interleaved[head * 2 * half + 2 * i + part] = original[head * 2 * half + part * half + i]
    assert np.array_equal(smollm2._unpermuted(interleaved, heads), original)


@pytest.mark.torch
@pytest.mark.slow
def test_conversion_from_scratch_by_two_processes_at_once(cache_folder: Path, smollm2: Any) -> None:
    code = "from structgen.models import smollm2; print(smollm2.ensure_converted())"
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=250) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    places = {out.strip() for out, _ in answers}
    assert len(places) == 1
    assert "Converting" in answers[0][1] + answers[1][1]
    from structgen.models import Transformers

    again = Transformers(places.pop(), device="cpu")
    prompt = smollm2.encode("Hi")
    assert again.encode("Hi") == prompt
    assert again.start([prompt]).logprobs() == pytest.approx(smollm2.start([prompt]).logprobs(), abs=1e-4)
