"""What a tiny model is: its architecture, its sizes and the types its tensors are stored in."""

from dataclasses import dataclass, field

import transformers
from gguf import GGMLQuantizationType as Type
from gguf import LlamaFileType

VOCABULARY_SIZE = 288

ARCHITECTURES = {
    "qwen3moe": (transformers.Qwen3MoeConfig, transformers.Qwen3MoeForCausalLM),
    "qwen2moe": (transformers.Qwen2MoeConfig, transformers.Qwen2MoeForCausalLM),
    "llama": (transformers.MixtralConfig, transformers.MixtralForCausalLM),
    "olmoe": (transformers.OlmoeConfig, transformers.OlmoeForCausalLM),
}


@dataclass(frozen=True)
class Case:
    """One model file: `types` maps parts of a GGUF tensor name to the type it is stored in."""

    name: str
    architecture: str
    seed: int
    config: dict
    types: dict[str, Type] = field(default_factory=dict)
    file_type: LlamaFileType = LlamaFileType.ALL_F32
    lengths: tuple[int, ...] = (8, 19, 40)
    smallest_margin: float = 1e-3
    flat_shared_gate: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether activations stay float, so that an engine's logits can match closely."""
        return set(self.types.values()) <= {Type.F16, Type.BF16}

    def storage(self, tensor: str) -> Type:
        if tensor.endswith("_norm.weight") or "ffn_gate_inp" in tensor or tensor.endswith(".bias"):
            return Type.F32
        for part, storage in self.types.items():
            if part in tensor:
                return storage
        return Type.F32


def config_of(case: Case) -> transformers.PretrainedConfig:
    config_class, _ = ARCHITECTURES[case.architecture]
    common = {
        "vocab_size": VOCABULARY_SIZE,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "bos_token_id": 256,
        "eos_token_id": 257,
        "pad_token_id": 258,
        "attn_implementation": "eager",
        "experts_implementation": "eager",
    }
    return config_class(**(common | case.config))
