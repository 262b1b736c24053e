extension Profile {
    /// What the first key of every profile says.
    static let format = "moiety.profile.v1"

    /// Reads a profile file; docs/PLACEMENT.md describes it.
    ///
    /// - Throws: `ProfileError` that names the layer and the count that is wrong.
    public init(json: [UInt8], limits: Limits = Limits()) throws(ProfileError) {
        guard json.count <= limits.fileByteCount else {
            throw .fileTooLarge(byteCount: json.count, limit: limits.fileByteCount)
        }
        var reader = JSONReader<ProfileError>(json)
        self = try reader.profile(limits: limits)
        try reader.end()
        try validate()
    }

    /// The profile as a profile file, one line per layer.
    public func json() -> [UInt8] {
        let label = task.map { "\"\($0)\"" } ?? "null"
        var bytes = Array(
            """
            {"format":"\(Self.format)","task":\(label),"rows":\(Self.text(rows)),\
            "top_k":\(topK),"layers":[

            """.utf8
        )
        for (index, layer) in layers.enumerated() {
            let activations = layer.activations.map(Self.text).joined(separator: ",")
            bytes += "{\"activations\":[\(activations)],\"coactivations\":[".utf8
            Self.append(layer.coactivations, to: &bytes)
            bytes += "],\"transitions\":[".utf8
            Self.append(layer.transitions, to: &bytes)
            bytes += (index + 1 < layers.count ? "]},\n" : "]}\n").utf8
        }
        return bytes + "]}\n".utf8
    }

    private static func append(_ pairs: [PairCount], to bytes: inout [UInt8]) {
        for (index, pair) in pairs.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += "[\(pair.first),\(pair.second),\(text(pair.count))]".utf8
        }
    }

    /// Whole numbers without a fraction, others with all their digits.
    private static func text(_ count: Double) -> String {
        Int(exactly: count).map(String.init) ?? "\(count)"
    }
}

extension Profile {
    /// What a task may be called, so that it needs no escapes anywhere: 1 to 64 characters from
    /// space to `~`, neither `"` nor `\`.
    public static func isTask(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                (32...126).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
            }
    }

    /// Checks what the reader cannot check while it reads, as keys come in any order.
    private func validate() throws(ProfileError) {
        for (index, layer) in layers.enumerated() {
            for count in layer.activations {
                try check(count, "\"activations\" of layer \(index)")
            }
            let experts = layer.activations.count
            guard experts == 0 || experts >= topK else {
                throw .tooMany(what: "experts per row than layer \(index) has", limit: experts)
            }
            let next = index + 1 < layers.count ? layers[index + 1].activations.count : 0
            try check(
                layer.coactivations,
                in: "\"coactivations\" of layer \(index)",
                experts: (experts, experts),
                ordered: true
            )
            try check(
                layer.transitions,
                in: "\"transitions\" of layer \(index)",
                experts: (experts, next),
                ordered: false
            )
        }
    }

    private func check(_ count: Double, _ place: String) throws(ProfileError) {
        guard count >= 0, count <= rows else {
            throw .badCount(place: place, count: count, rows: rows)
        }
    }

    private func check(
        _ pairs: [PairCount],
        in place: String,
        experts: (first: Int, second: Int),
        ordered: Bool
    ) throws(ProfileError) {
        var seen = Array(repeating: false, count: pairs.isEmpty ? 0 : experts.0 * experts.1)
        for pair in pairs {
            func bad(_ reason: String) -> ProfileError {
                .badPair(place: place, first: pair.first, second: pair.second, reason: reason)
            }
            guard pair.first < experts.first, pair.second < experts.second else {
                throw bad("names an expert that is not there")
            }
            guard !ordered || pair.first < pair.second else {
                throw bad("is out of order: the lower expert comes first")
            }
            let slot = pair.first * experts.second + pair.second
            guard !seen[slot] else { throw bad("comes twice") }
            seen[slot] = true
            try check(pair.count, place)
        }
    }
}

extension JSONReader<ProfileError> {
    fileprivate mutating func profile(limits: Profile.Limits) throws(ProfileError) -> Profile {
        var task: String?
        var rows = 0.0
        var topK = 0
        var layers: [Profile.Layer] = []
        let keys = ["format", "task", "rows", "top_k", "layers"]
        let seen = try object(keys: keys) { (reader, key) throws(ProfileError) in
            reader.place = "\"\(key)\""
            switch key {
            case "format": try reader.format()
            case "task": task = try reader.task()
            case "rows": rows = try reader.rows()
            case "top_k": topK = try reader.topK(limits: limits)
            default: layers = try reader.layers(limits: limits)
            }
            reader.place = "the top level"
        }
        try require(["format", "rows", "top_k", "layers"], in: seen)
        return Profile(task: task, rows: rows, topK: topK, layers: layers)
    }

    private mutating func format() throws(ProfileError) {
        let found = try string()
        guard found == Profile.format else {
            throw fault("expected \"\(Profile.format)\", not \"\(found)\"")
        }
    }

    private mutating func task() throws(ProfileError) -> String? {
        guard !null() else { return nil }
        let name = try string()
        guard Profile.isTask(name) else {
            throw fault("a task is 1 to 64 plain characters, not \"\(name)\"")
        }
        return name
    }

    private mutating func rows() throws(ProfileError) -> Double {
        let rows = try number()
        guard (0...1e15).contains(rows) else { throw fault("expected 0 to 1e15, not \(rows)") }
        return rows
    }

    private mutating func topK(limits: Profile.Limits) throws(ProfileError) -> Int {
        let topK: Int = try integer()
        guard (1...limits.topK).contains(topK) else {
            throw fault("expected 1 to \(limits.topK), not \(topK)")
        }
        return topK
    }

    private mutating func layers(limits: Profile.Limits) throws(ProfileError) -> [Profile.Layer] {
        var layers: [Profile.Layer] = []
        try array(of: "layers", limit: limits.layers) { (reader, index) throws(ProfileError) in
            layers.append(try reader.layer(index, limits: limits))
        }
        return layers
    }

    private mutating func layer(
        _ index: Int,
        limits: Profile.Limits
    ) throws(ProfileError) -> Profile.Layer {
        var activations: [Double] = []
        var coactivations: [PairCount] = []
        var transitions: [PairCount] = []
        place = "layer \(index)"
        let keys = ["activations", "coactivations", "transitions"]
        let seen = try object(keys: keys) { (reader, key) throws(ProfileError) in
            reader.place = "\"\(key)\" of layer \(index)"
            switch key {
            case "activations": activations = try reader.counts(limits: limits)
            case "coactivations": coactivations = try reader.pairs(limits: limits)
            default: transitions = try reader.pairs(limits: limits)
            }
            reader.place = "layer \(index)"
        }
        try require(["activations"], in: seen)
        return Profile.Layer(
            activations: activations,
            coactivations: coactivations,
            transitions: transitions
        )
    }

    private mutating func counts(limits: Profile.Limits) throws(ProfileError) -> [Double] {
        var counts: [Double] = []
        let limit = limits.expertsPerLayer
        try array(of: "experts in a layer", limit: limit) { (reader, _) throws(ProfileError) in
            counts.append(try reader.number())
        }
        return counts
    }

    private mutating func pairs(limits: Profile.Limits) throws(ProfileError) -> [PairCount] {
        var pairs: [PairCount] = []
        let limit = limits.expertsPerLayer * limits.expertsPerLayer
        try array(of: "pairs in a layer", limit: limit) { (reader, _) throws(ProfileError) in
            pairs.append(try reader.pair(expertLimit: limits.expertsPerLayer))
        }
        return pairs
    }

    private mutating func pair(expertLimit: Int) throws(ProfileError) -> PairCount {
        var first = 0.0
        var second = 0.0
        var count = -1.0
        try array(of: "numbers in a pair", limit: 3) { (reader, index) throws(ProfileError) in
            let number = try reader.number()
            switch index {
            case 0: first = number
            case 1: second = number
            default: count = number
            }
        }
        guard count >= 0, let first = Int(exactly: first), let second = Int(exactly: second),
            (0..<expertLimit).contains(first), (0..<expertLimit).contains(second)
        else { throw fault("a pair is [expert, expert, count]") }
        return PairCount(first, second, count: count)
    }
}
