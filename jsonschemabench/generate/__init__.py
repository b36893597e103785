"""End to end: a model writes documents under each engine's constraint.

Masks that are fast and right are means; what counts is what comes out. Every engine gets
the same prompts, the same model and the same decoding (greedy by default), structgen
through its own sampler, the peers through ``transformers`` with their own logits processor
where they ship one (xgrammar, lm-format-enforcer) and otherwise with one that applies the
adapter's mask. ``null`` is the model without constraint.

Each document is judged by jsonschema, and scored by the model itself without constraint:
the log-probability per token says how much the constraint bent what the model wanted to
say. Time to first token includes compiling; tokens per second do not.
"""
