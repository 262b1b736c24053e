"""Writes a case as a GGUF file with the names and conventions of llama.cpp's converter."""

from pathlib import Path

import gguf
import numpy as np
import torch
import transformers

from .case import ARCHITECTURES, VOCABULARY_SIZE, Case, config_of
from .weights import packed, random_weights


def adjacent_pairs(weight: np.ndarray, heads: int) -> np.ndarray:
    """Reorders rows from `transformers`' halves to the adjacent pairs that llama's rope turns."""
    rows = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return rows.swapaxes(1, 2).reshape(weight.shape)


def tensor_names(case: Case, name: str) -> list[str]:
    """The names a weight gets in the file: one, or two where gate and up are one weight.

    llama.cpp lists no layers without experts for the qwen families, so those take the names
    that such layers have everywhere else.
    """
    own = next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == case.architecture)
    maps = [gguf.get_tensor_name_map(arch, 16) for arch in (own, gguf.MODEL_ARCH.LLAMA)]

    def mapped(name: str) -> str:
        for names in maps:
            if found := names.get_name(name, try_suffixes=(".weight", ".bias")):
                return found
        raise KeyError(f"{case.name}: gguf knows no name for {name}")

    if name.endswith("experts.gate_up_proj"):
        stem = name.removesuffix("gate_up_proj")
        return [mapped(stem + "gate_proj.weight"), mapped(stem + "up_proj.weight")]
    return [mapped(name if name.endswith((".weight", ".bias")) else name + ".weight")]


def file_parts(case: Case, config, name: str, stored: np.ndarray) -> list[np.ndarray]:
    """A stored weight as the file wants it, one array for each of its names."""
    if case.architecture == "llama" and ".q_proj." in name:
        return [adjacent_pairs(stored, config.num_attention_heads)]
    if case.architecture == "llama" and ".k_proj." in name:
        return [adjacent_pairs(stored, config.num_key_value_heads)]
    if name.endswith("experts.gate_up_proj"):
        return [np.ascontiguousarray(part) for part in np.split(stored, 2, axis=-2)]
    if case.flat_shared_gate and name.endswith("shared_expert_gate.weight"):
        return [stored.reshape(-1)]
    return [stored]


def llama3_factors(config) -> np.ndarray:
    """`rope_freqs.weight`: what Llama 3's scaling divides each frequency by."""
    dimensions = config.hidden_size // config.num_attention_heads
    plain = config.rope_parameters["rope_theta"] ** (-np.arange(0, dimensions, 2) / dimensions)
    scaled, _ = transformers.modeling_rope_utils.ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    return (plain / scaled.numpy()).astype(np.float32)


def write_settings(writer: gguf.GGUFWriter, case: Case, config) -> None:
    writer.add_type("model")
    writer.add_name(case.name)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_file_type(case.file_type)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_expert_count(config.num_experts)
    writer.add_expert_used_count(config.num_experts_per_tok)
    if (head_size := getattr(config, "head_dim", None)) is not None:
        writer.add_key_length(head_size)
        writer.add_value_length(head_size)
    if case.architecture in ("qwen3moe", "qwen2moe"):
        writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    if case.architecture == "qwen2moe":
        writer.add_expert_shared_feed_forward_length(config.shared_expert_intermediate_size)
    if case.architecture == "llama":
        writer.add_vocab_size(config.vocab_size)
        writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    if (clip := getattr(config, "clip_qkv", None)) is not None:
        writer.add_clamp_kqv(clip)
    write_rope(writer, config.rope_parameters)


def write_rope(writer: gguf.GGUFWriter, rope: dict) -> None:
    writer.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] in ("linear", "yarn"):
        writer.add_rope_scaling_type(gguf.RopeScalingType(rope["rope_type"]))
        writer.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "yarn":
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])


def write_vocabulary(writer: gguf.GGUFWriter) -> None:
    """Byte-level BPE: the 256 bytes, three control tokens, and common pairs as merges."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable}
    letters |= {byte: chr(256 + order) for order, byte in enumerate(others)}
    space = letters[ord(" ")]
    merges = [
        f"{space} t", "h e", f"{space}t he", f"{space} a", "i n", "r e", "o n", "e r", "a t",
        "e n", f"{space} s", "o r", "e s", "i s", f"{space} o", f"{space} w", "a n", "n d",
        "i t", "o u", "in g", f"{space}a nd", f"{space}o f", f"{space}t o", "l l", "a l",
        f"{space} c", f"{space} b", "e d",
    ]  # fmt: skip
    tokens = [letters[byte] for byte in range(256)] + ["<|bos|>", "<|eos|>", "<|pad|>"]
    types = [gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.CONTROL] * 3
    tokens += [merge.replace(" ", "") for merge in merges]
    types += [gguf.TokenType.NORMAL] * len(merges)
    assert len(tokens) == len(set(tokens)) == VOCABULARY_SIZE
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(256)
    writer.add_eos_token_id(257)
    writer.add_pad_token_id(258)
    writer.add_add_bos_token(False)


def build(case: Case, path: Path) -> torch.nn.Module:
    """Writes the case's file and returns the model whose weights are those of the file."""
    config = config_of(case)
    model = ARCHITECTURES[case.architecture][1](config).float().eval()
    writer = gguf.GGUFWriter(path, case.architecture)
    write_settings(writer, case, config)
    write_vocabulary(writer)
    if config.rope_parameters["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_factors(config))
    rounded = {}
    for order, (name, weight) in enumerate(random_weights(case, model).items()):
        names = tensor_names(case, name)
        storage = case.storage(names[0])
        stored = packed(weight, storage, case.seed * 1000 + order)
        for part_name, part in zip(names, file_parts(case, config, name, stored), strict=True):
            writer.add_tensor(part_name, part, raw_dtype=storage)
        rounded[name] = torch.from_numpy(gguf.dequantize(stored, storage).copy())
    missing, unexpected = model.load_state_dict(rounded, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return model
