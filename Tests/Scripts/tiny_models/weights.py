"""Seeded random weights, and their stored form."""

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type

from .case import Case


def random_weights(case: Case, model: torch.nn.Module) -> dict[str, np.ndarray]:
    """Weights by their name in `transformers`, spread so that logits and routers are decided."""
    rng = np.random.default_rng(case.seed)
    weights = {}
    for name, parameter in sorted(model.state_dict().items()):
        shape = tuple(parameter.shape)
        noise = rng.standard_normal(shape).astype(np.float32)
        if name.endswith(("norm.weight", "layernorm.weight")):
            weights[name] = 1 + 0.2 * noise
        elif name.endswith("bias"):
            weights[name] = 0.3 * noise
        elif name.endswith("mlp.gate.weight"):
            weights[name] = 2 / np.sqrt(shape[-1]) * noise
        elif name.endswith("embed_tokens.weight"):
            weights[name] = 1.5 / np.sqrt(shape[-1]) * noise
        elif name.endswith("lm_head.weight"):
            weights[name] = 1.5 / np.sqrt(shape[-1]) * noise
        else:
            weights[name] = 1 / np.sqrt(shape[-1]) * noise
    if model.config.tie_word_embeddings:
        weights.pop("lm_head.weight", None)
    return {name: weight.astype(np.float32) for name, weight in weights.items()}


# Where a block type keeps its f16 scale and, for types with a minimum, the f16 scale of that.
BLOCK_SCALES = {
    Type.Q2_K: (80, 82, 1.5),
    Type.Q3_K: (108, None, 0),
    Type.Q4_K: (0, 2, 7.5),
    Type.Q5_K: (0, 2, 15.5),
    Type.Q6_K: (208, None, 0),
    Type.IQ4_NL: (0, None, 0),
    Type.IQ4_XS: (0, None, 0),
}


def random_blocks(shape: tuple[int, ...], storage: Type, seed: int) -> np.ndarray:
    """Blocks of random bits with sensible scales: `gguf` reads these types but writes none."""
    rng = np.random.default_rng(seed)
    values_per_block, bytes_per_block = gguf.GGML_QUANT_SIZES[storage]
    rows = (*shape[:-1], shape[-1] // values_per_block)
    blocks = rng.integers(0, 256, (*rows, bytes_per_block), dtype=np.uint8)
    scale_at, minimum_at, ratio = BLOCK_SCALES[storage]

    def with_scale(scale: np.ndarray) -> np.ndarray:
        blocks[..., scale_at : scale_at + 2] = scale.astype("<f2").view(np.uint8)
        if minimum_at is not None:
            minimum = (ratio * scale).astype("<f2").view(np.uint8)
            blocks[..., minimum_at : minimum_at + 2] = minimum
        return blocks.reshape(*shape[:-1], -1)

    unit = np.full((*rows, 1), 0.0625, dtype=np.float32)
    deviation = gguf.dequantize(with_scale(unit), storage).std()
    wanted = 1 / np.sqrt(shape[-1])
    return with_scale(unit * wanted / deviation * rng.uniform(0.8, 1.2, unit.shape))


def packed(weight: np.ndarray, storage: Type, seed: int) -> np.ndarray:
    """The stored form of a weight; rows stay rows, so they can be moved afterwards."""
    if storage in BLOCK_SCALES:
        return random_blocks(weight.shape, storage, seed)
    return gguf.quantize(weight, storage)
