#!/usr/bin/env python3
"""Blocks of every weight type and their values by PyPI `gguf`, for KernelsTests.

Run in an environment with numpy and gguf:  make_dequant_fixtures.py
Writes Tests/KernelsTests/Fixtures/dequantisation.bin: for each type its number (u32), count of
values (u32), count of bytes (u32), the bytes, and the values as f32, all little-endian.
"""

import pathlib
import struct

import gguf
import numpy as np

SEED = 20
BLOCKS = 24
TYPES = "F32 F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS MXFP4"
# Where the f16 scales of a block lie, in bytes; the rest may hold anything.
SCALES = {
    "Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q2_K": [80, 82],
    "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0],
}
EXTREMES = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x3C00, 0xBC00, 0x7BFF, 0xFBFF]
OUTPUT = pathlib.Path(__file__).parent.parent / "KernelsTests/Fixtures/dequantisation.bin"


def finite_half(random):
    """Any finite f16, the extremes often."""
    if random.random() < 0.4:
        return random.choice(EXTREMES)
    sign = random.integers(0, 2) << 15
    return sign | random.integers(0, 0x7C00)


def random_blocks(name, count, size, random):
    blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
    for block in blocks:
        for offset in SCALES.get(name, []):
            block[offset : offset + 2] = np.frombuffer(
                struct.pack("<H", finite_half(random)), np.uint8
            )
    return blocks


def floats(name, count, random):
    """Finite values of a type without blocks, as its bytes."""
    if name == "F16":
        return np.array([finite_half(random) for _ in range(count)], np.uint16).view(np.uint8)
    values = (random.standard_normal(count) * 10.0 ** random.integers(-38, 38, count)).astype("f4")
    if name == "F32":
        return values.view(np.uint8)
    return values.view(np.uint16)[1::2].copy().view(np.uint8)


def main():
    random = np.random.default_rng(SEED)
    with OUTPUT.open("wb") as file:
        for name in TYPES.split():
            kind = gguf.GGMLQuantizationType[name]
            length, size = gguf.GGML_QUANT_SIZES[kind]
            if length == 1:
                data = floats(name, 512, random)
            else:
                data = random_blocks(name, BLOCKS, size, random)
                if name == "MXFP4":
                    data[:4, 0] = [0, 1, 254, 255]
                data = data.reshape(-1)
            values = gguf.quants.dequantize(data, kind).astype("<f4").reshape(-1)
            file.write(struct.pack("<III", kind.value, values.size, data.size))
            file.write(data.tobytes())
            file.write(values.tobytes())


if __name__ == "__main__":
    main()
