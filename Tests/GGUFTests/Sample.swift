import GGUF
import Tensors

/// Content for files that tests write.
enum Sample {
    /// A value of every type and an array of every type.
    static let metadata: GGUFMetadata = {
        var metadata = GGUFMetadata(path: "")
        metadata["general.architecture"] = .text("sample")
        metadata["uint8"] = .uint8(.max)
        metadata["int8"] = .int8(.min)
        metadata["uint16"] = .uint16(.max)
        metadata["int16"] = .int16(.min)
        metadata["uint32"] = .uint32(.max)
        metadata["int32"] = .int32(.min)
        metadata["uint64"] = .uint64(.max)
        metadata["int64"] = .int64(.min)
        metadata["float32"] = .float32(-1.5)
        metadata["float64"] = .float64(1e100)
        metadata["bool"] = .bool(true)
        metadata["text"] = .text("Grüße, 世界")
        metadata["uint8s"] = .array(.uint8([0, 255]))
        metadata["int8s"] = .array(.int8([-128, 127]))
        metadata["uint16s"] = .array(.uint16([0, .max]))
        metadata["int16s"] = .array(.int16([.min, .max]))
        metadata["uint32s"] = .array(.uint32([0, .max]))
        metadata["int32s"] = .array(.int32([.min, .max]))
        metadata["uint64s"] = .array(.uint64([0, .max]))
        metadata["int64s"] = .array(.int64([.min, .max]))
        metadata["float32s"] = .array(.float32([0.5, -0.25]))
        metadata["float64s"] = .array(.float64([0.125, 1e-300]))
        metadata["bools"] = .array(.bool([true, false]))
        metadata["strings"] = .array(.strings(GGUFStrings(["", "a", "Grüße"])))
        return metadata
    }()

    /// Bytes that count up from `start`.
    static func bytes(_ count: Int, start: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: start + $0) }
    }

    /// The file that PyPI `gguf` was asked to read.
    static var writer: GGUFWriter {
        var writer = GGUFWriter(metadata: metadata)
        writer.add("vector.weight", dimensions: [5], values: [1, -2, 3.5, -4.25, 1e-6])
        writer.add("matrix.weight", type: .q8_0, dimensions: [64, 3], bytes: bytes(204, start: 1))
        writer.add(
            "experts.weight",
            type: .q4_K,
            dimensions: [256, 2, 3],
            bytes: bytes(864, start: 2)
        )
        return writer
    }
}

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
