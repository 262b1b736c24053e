"""The cases: every architecture, and every variant that changes the arithmetic or the file."""

from gguf import GGMLQuantizationType as Type
from gguf import LlamaFileType

from .case import Case

ROPE = {"rope_type": "default", "rope_theta": 10000.0}
QWEN3 = {
    "intermediate_size": 96,
    "moe_intermediate_size": 32,
    "num_experts": 6,
    "num_experts_per_tok": 2,
    "norm_topk_prob": True,
    "rope_parameters": ROPE | {"rope_theta": 1000000.0},
}
QWEN2 = QWEN3 | {
    "num_experts_per_tok": 3,
    "norm_topk_prob": False,
    "shared_expert_intermediate_size": 64,
}
MIXTRAL = {
    "intermediate_size": 32,
    "num_local_experts": 6,
    "num_experts_per_tok": 2,
    "rope_parameters": ROPE,
}
OLMOE = {
    "intermediate_size": 32,
    "num_experts": 6,
    "num_experts_per_tok": 2,
    "norm_topk_prob": False,
    "num_key_value_heads": 4,
    "rope_parameters": ROPE,
}
TIED = {"tie_word_embeddings": True}
LINEAR = ROPE | {"rope_type": "linear", "factor": 4.0}
YARN = {
    "rope_type": "yarn",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "original_max_position_embeddings": 64,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
QUANTISED = {
    "hidden_size": 128,
    "head_dim": 32,
    "num_experts": 4,
}
WIDE = {
    "hidden_size": 256,
    "moe_intermediate_size": 64,
    "num_experts": 4,
    "head_dim": 16,
}

CASES = [
    Case("qwen3moe", "qwen3moe", 1, QWEN3 | {"head_dim": 16, "num_experts": 8}),
    Case("qwen3moe-tied", "qwen3moe", 2, QWEN3 | TIED),
    Case(
        "qwen3moe-dense", "qwen3moe", 3,
        QWEN3 | {"num_hidden_layers": 3, "num_experts": 4, "mlp_only_layers": [1]},
    ),
    Case(
        "qwen3moe-linear", "qwen3moe", 4,
        QWEN3 | TIED | {"num_experts": 4, "rope_parameters": LINEAR},
    ),
    Case(
        "qwen3moe-yarn", "qwen3moe", 5,
        QWEN3 | TIED | {"head_dim": 32, "num_experts": 4, "rope_parameters": YARN},
    ),
    Case("qwen2moe", "qwen2moe", 6, QWEN2),
    Case(
        "qwen2moe-dense", "qwen2moe", 7,
        QWEN2 | {"num_experts": 4, "num_experts_per_tok": 2, "decoder_sparse_step": 2},
        flat_shared_gate=True,
    ),
    Case("mixtral", "llama", 8, MIXTRAL),
    Case(
        "mixtral-llama3", "llama", 9,
        MIXTRAL | {"num_local_experts": 4, "rope_parameters": LLAMA3},
    ),
    Case(
        "mixtral-f16", "llama", 10, MIXTRAL,
        types={"": Type.F16}, file_type=LlamaFileType.MOSTLY_F16,
    ),
    Case(
        "mixtral-bf16", "llama", 11, MIXTRAL,
        types={"_exps": Type.BF16, "attn_": Type.BF16}, file_type=LlamaFileType.MOSTLY_BF16,
    ),
    Case("olmoe", "olmoe", 12, OLMOE),
    Case("olmoe-clip", "olmoe", 13, OLMOE | {"num_experts": 4, "clip_qkv": 0.75}),
    Case("olmoe-grouped", "olmoe", 14, OLMOE | {"num_experts": 4, "num_key_value_heads": 2}),
    Case(
        "qwen3moe-quantised", "qwen3moe", 15, QWEN3 | QUANTISED,
        types={
            "blk.0.ffn_gate_exps": Type.Q4_0,
            "blk.0.ffn_up_exps": Type.Q4_0,
            "blk.0.ffn_down_exps": Type.Q5_0,
            "blk.1.ffn_gate_exps": Type.Q4_1,
            "blk.1.ffn_up_exps": Type.Q4_1,
            "blk.1.ffn_down_exps": Type.Q5_1,
            "blk.1.attn_": Type.Q5_0,
            "": Type.Q8_0,
        },
        file_type=LlamaFileType.MOSTLY_Q8_0,
        lengths=(8, 12, 16),
        smallest_margin=0.02,
    ),
    Case(
        "qwen3moe-kquants", "qwen3moe", 16, QWEN3 | TIED | WIDE,
        types={
            "ffn_down_exps": Type.IQ4_NL,
            "blk.0.ffn_gate_exps": Type.Q4_K,
            "blk.0.ffn_up_exps": Type.Q4_K,
            "blk.1.ffn_gate_exps": Type.Q3_K,
            "blk.1.ffn_up_exps": Type.Q3_K,
            "attn_output": Type.Q8_0,
            "attn_q": Type.IQ4_XS,
            "attn_k": Type.Q2_K,
            "attn_v": Type.Q5_K,
            "token_embd": Type.Q6_K,
        },
        file_type=LlamaFileType.MOSTLY_Q4_K_M,
        lengths=(8, 12, 16),
        smallest_margin=0.02,
    ),
]  # fmt: skip
