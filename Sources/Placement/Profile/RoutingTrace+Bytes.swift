extension RoutingTrace {
    /// How large a trace may be.
    public struct Limits: Hashable, Sendable {
        /// 48 layers of top-8 routing take 768 bytes a row: 340,000 rows.
        public var fileByteCount = 256 << 20
        public var layers = 1024
        public var expertsPerLayer = 4096
        public var topK = 256

        public init() {}
    }

    /// What every trace file starts with.
    private static let magic = Array("MOIETYTR".utf8)
    private static let version: UInt32 = 1
    /// Magic, version, layers, topK and steps.
    private static let headerByteCount = 24

    /// The trace as a file.
    ///
    /// Numbers are little-endian: 8 bytes of `MOIETYTR`; u32 version (1), layers, topK and steps;
    /// u32 experts of each layer; u32 rows of each step; then u16 experts as
    /// `[step][layer with experts][row][topK]`.
    public func bytes() -> [UInt8] {
        var bytes = Self.magic
        let header = [Self.version, UInt32(expertCounts.count), UInt32(topK), UInt32(stepCount)]
        for number in header + (expertCounts + rowCounts).map(UInt32.init) {
            bytes.append(littleEndian: number)
        }
        for step in 0..<stepCount {
            for layer in expertLayers {
                for expert in experts(step: step, layer: layer) {
                    bytes.append(littleEndian: expert)
                }
            }
        }
        return bytes
    }

    /// Reads a trace file.
    ///
    /// - Throws: `ProfileError` that names the first byte that is wrong.
    public init(bytes: [UInt8], limits: Limits = Limits()) throws(ProfileError) {
        guard bytes.count <= limits.fileByteCount else {
            throw .fileTooLarge(byteCount: bytes.count, limit: limits.fileByteCount)
        }
        guard bytes.starts(with: Self.magic) else {
            throw .badTrace(offset: 0, reason: "it does not start with MOIETYTR")
        }
        var reader = NumberReader(numbers: LittleEndianReader(bytes, from: Self.magic.count))
        try reader.version(Self.version)
        let layerCount = try reader.number("layers", in: 1...limits.layers)
        let topK = try reader.number("experts per row", in: 1...limits.topK)
        let stepCount = try reader.number("steps", in: 0...bytes.count)
        var expertCounts: [Int] = []
        for layer in 0..<layerCount {
            let what = "experts of layer \(layer)"
            let count = try reader.number(what, in: 0...limits.expertsPerLayer)
            guard count == 0 || count >= topK else {
                throw reader.fault("\(what) are \(count), fewer than the \(topK) of a row")
            }
            expertCounts.append(count)
        }
        self.init(expertCounts: expertCounts, topK: topK)
        try readSteps(stepCount, &reader)
    }

    private mutating func readSteps(
        _ stepCount: Int,
        _ reader: inout NumberReader
    ) throws(ProfileError) {
        let layers = expertLayers
        guard !layers.isEmpty || stepCount == 0 else {
            throw reader.fault("there are steps, and no layer has experts")
        }
        var rows: [Int] = []
        let most = reader.numbers.bytes.count
        for step in 0..<stepCount {
            rows.append(try reader.number("rows of step \(step)", in: 0...most))
        }
        for (step, count) in rows.enumerated() {
            var chosen: [UInt16] = []
            for layer in layers {
                for _ in 0..<count * topK {
                    let expert = try reader.expert()
                    guard Int(expert) < expertCounts[layer] else {
                        throw reader.fault(
                            "step \(step) has expert \(expert) in layer \(layer), which has "
                                + "\(expertCounts[layer])"
                        )
                    }
                    chosen.append(expert)
                }
            }
            append(chosen)
        }
        guard reader.numbers.remaining == 0 else {
            throw reader.fault("\(reader.numbers.remaining) bytes too many")
        }
    }
}

/// Reads little-endian numbers and says where they ended.
private struct NumberReader {
    var numbers: LittleEndianReader

    func fault(_ reason: String) -> ProfileError {
        .badTrace(offset: numbers.offset, reason: reason)
    }

    mutating func version(_ known: UInt32) throws(ProfileError) {
        let found = try number("version", in: 0...Int(UInt32.max))
        guard found == Int(known) else {
            throw fault("it has version \(found); this release reads \(known)")
        }
    }

    mutating func number(_ what: String, in range: ClosedRange<Int>) throws(ProfileError) -> Int {
        let value = try word(4)
        guard range.contains(value) else {
            throw fault("\(what): \(value) is not in \(range.lowerBound)...\(range.upperBound)")
        }
        return value
    }

    mutating func expert() throws(ProfileError) -> UInt16 { UInt16(try word(2)) }

    private mutating func word(_ byteCount: Int) throws(ProfileError) -> Int {
        guard let value = numbers.number(byteCount) else { throw fault("it ends too early") }
        return Int(value)
    }
}
