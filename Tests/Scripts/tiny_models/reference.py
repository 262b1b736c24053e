"""Runs a case in float32 and collects what a correct engine has to reproduce."""

import numpy as np
import torch
from transformers.modeling_utils import AttentionInterface

from .case import VOCABULARY_SIZE, Case

TOP = 10


class RouterMargins:
    """Collects, position by position, how near any router came to another choice."""

    def __init__(self, model: torch.nn.Module):
        self.smallest: torch.Tensor | None = None
        for name, module in model.named_modules():
            if name.endswith("mlp.gate"):
                module.register_forward_hook(self.collect)

    def collect(self, module, inputs, outputs) -> None:
        probabilities = outputs[0].softmax(-1).sort(-1, descending=True).values
        margin = probabilities[:, module.top_k - 1] - probabilities[:, module.top_k]
        self.smallest = margin if self.smallest is None else self.smallest.minimum(margin)

    def take(self) -> torch.Tensor:
        margin, self.smallest = self.smallest, None
        return margin


def half_cache_attention(module, query, key, value, _mask, scaling, **_):
    """Causal attention over keys and values rounded to f16, as Moiety's cache holds them."""
    groups = query.shape[1] // key.shape[1]
    key = key.half().float().repeat_interleave(groups, dim=1)
    value = value.half().float().repeat_interleave(groups, dim=1)
    scores = query @ key.transpose(2, 3) * scaling
    scores = scores + torch.full(scores.shape[-2:], -torch.inf).triu(1)
    return (scores.softmax(-1) @ value).transpose(1, 2).contiguous(), None


AttentionInterface.register("half_cache", half_cache_attention)


def int8_rounded(rows: torch.Tensor) -> torch.Tensor:
    """Activations rounded to int8 in blocks of 32 with one scale each."""
    blocks = rows.reshape(*rows.shape[:-1], -1, 32)
    scale = blocks.abs().amax(-1, keepdim=True) / 127
    return (torch.round(blocks / scale.clamp(min=1e-30)) * scale).reshape(rows.shape)


def rounding_error(case: Case, model, tokens: list[int], logits: torch.Tensor) -> float:
    """How far the logits move when rounded as the engine declares: a hint for tolerances."""
    linear = torch.nn.functional.linear
    routers = {
        module.weight.data_ptr()
        for name, module in model.named_modules()
        if name.endswith(("mlp.gate", "shared_expert_gate"))
    }

    def rounded_linear(rows, weight, bias=None):
        keeps = case.is_exact or weight.data_ptr() in routers
        return linear(rows if keeps else int8_rounded(rows), weight, bias)

    model.set_attn_implementation("half_cache")
    torch.nn.functional.linear = rounded_linear
    try:
        moved = model(torch.tensor([tokens])).logits[0]
    finally:
        torch.nn.functional.linear = linear
        model.set_attn_implementation("eager")
    return float((moved - logits).abs().max())


def significant(values: torch.Tensor) -> list[float]:
    return [float(f"{value:.6g}") for value in values.tolist()]


def reference(case: Case, model: torch.nn.Module) -> tuple[list[dict], float]:
    """Logits for seeded token sequences, drawn again while a router is near a tie."""
    margins = RouterMargins(model)
    rng = np.random.default_rng(case.seed + 1)
    sequences = []
    largest_error = 0.0
    for length in case.lengths:
        for _ in range(20000):
            tokens = rng.integers(0, VOCABULARY_SIZE, length).tolist()
            logits = model(torch.tensor([tokens])).logits[0]
            margin = margins.take()
            if margin.min() >= case.smallest_margin:
                break
        else:
            raise ValueError(f"{case.name}: no sequence of {length} tokens without near-ties")
        largest_error = max(largest_error, rounding_error(case, model, tokens, logits))
        margins.take()
        order = torch.argsort(logits, dim=-1, descending=True, stable=True)[:, :TOP]
        sequences.append({
            "tokens": tokens,
            "top_ids": order.tolist(),
            "top_logits": [significant(row) for row in logits.gather(1, order)],
            "last_logits": significant(logits[-1]),
            "router_margin": significant(margin),
        })
    return sequences, largest_error
