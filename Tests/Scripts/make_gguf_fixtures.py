#!/usr/bin/env python3
"""What PyPI `gguf` reads and writes, for GGUFTests and TensorsTests.

Run in an environment with numpy and gguf==0.19.0:  make_gguf_fixtures.py

Reads Tests/GGUFTests/Fixtures/written.gguf, which our own writer made, and describes it in
written.json; makes python.gguf and describes it in python.json. Writes the sizes of all element
types to Tests/TensorsTests/Fixtures/element_types.json.
"""

import json
import pathlib
import struct

import gguf
import numpy as np

TESTS = pathlib.Path(__file__).parent.parent
FIXTURES = TESTS / "GGUFTests/Fixtures"
ELEMENT_TYPES = TESTS / "TensorsTests/Fixtures/element_types.json"


def value_text(value_type, part):
    """A value as text; floats by their bits, so that nothing is rounded."""
    raw = part.tobytes()
    if value_type == gguf.GGUFValueType.STRING:
        return raw.decode("utf-8")
    if value_type == gguf.GGUFValueType.FLOAT32:
        return str(struct.unpack("<I", raw)[0])
    if value_type == gguf.GGUFValueType.FLOAT64:
        return str(struct.unpack("<Q", raw)[0])
    if value_type == gguf.GGUFValueType.BOOL:
        return "true" if part[0] else "false"
    return str(part[0])


def describe_field(field):
    main, element = field.types[0], field.types[-1]
    name = element.name.lower()
    values = [value_text(element, field.parts[index]) for index in field.data]
    is_array = main == gguf.GGUFValueType.ARRAY
    return [f"[{name}]" if is_array else name] + values


def describe(path):
    reader = gguf.GGUFReader(path)
    # The reader adds the fixed fields of the header under this prefix.
    fields = {k: f for k, f in reader.fields.items() if not k.startswith("GGUF.")}
    return {
        "metadata": {key: describe_field(field) for key, field in fields.items()},
        "tensors": [
            {
                "name": tensor.name,
                "type": tensor.tensor_type.name,
                "dimensions": [int(size) for size in tensor.shape],
                "fileOffset": int(tensor.data_offset),
                "bytes": list(tensor.data.tobytes()),
            }
            for tensor in reader.tensors
        ],
    }


def write_sample(path):
    writer = gguf.GGUFWriter(path, "sample")
    writer.add_custom_alignment(64)
    writer.add_uint32("sample.block_count", 2)
    writer.add_float32("sample.epsilon", 1e-6)
    writer.add_bool("sample.flag", False)
    writer.add_token_list(["a", "b", "Grüße", ""])
    writer.add_token_types([1, 1, 6, 3])
    writer.add_token_scores([0.0, -1.5, 2.0, -1000.0])
    writer.add_array("sample.flags", [True, False, True])
    writer.add_tensor("norm.weight", np.arange(5, dtype=np.float32))
    writer.add_tensor("half.weight", np.arange(12, dtype=np.float16).reshape(3, 4))
    blocks = np.arange(2 * 3 * 34, dtype=np.int64).astype(np.uint8).reshape(2, 3, 34)
    writer.add_tensor(
        "experts.weight", blocks, raw_dtype=gguf.GGMLQuantizationType.Q8_0
    )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def element_types():
    return {
        kind.name: {"number": int(kind), "values": values, "bytes": size}
        for kind, (values, size) in gguf.constants.GGML_QUANT_SIZES.items()
    }


def dump(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    path.write_text(text + "\n", encoding="utf-8")


def main():
    write_sample(FIXTURES / "python.gguf")
    for name in ["written", "python"]:
        dump(FIXTURES / f"{name}.json", describe(FIXTURES / f"{name}.gguf"))
    dump(ELEMENT_TYPES, element_types())


if __name__ == "__main__":
    main()
