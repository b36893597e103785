"""A causal language model of a few thousand random weights, with a byte tokenizer, made on the spot."""

from __future__ import annotations

from typing import Any

TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)


def byte_tokenizer(template: str | None = None) -> Any:
    """Byte-level BPE without merges: one token per byte; ``<s>`` 256, ``</s>`` 257, ``<end>`` 258."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = {char: i for i, char in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=alphabet, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in ("<s>", "</s>", "<end>")])
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    wrapped.chat_template = template
    return wrapped


def tiny_network(n_logits: int = 272, seed: int = 0, **more: Any) -> Any:
    """A Llama of two layers; more scores than tokens by default, as padded models have."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    settings: dict[str, Any] = {
        "vocab_size": n_logits,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "bos_token_id": 256,
        "eos_token_id": [257, 258],
        "initializer_range": 0.3,
    }
    torch.manual_seed(seed)
    return LlamaForCausalLM(LlamaConfig(**{**settings, **more})).eval()


def tiny_model(template: str | None = TEMPLATE, **more: Any) -> Any:
    from structgen.models import Transformers

    return Transformers.from_objects(tiny_network(), byte_tokenizer(template), name="tiny", **more)
