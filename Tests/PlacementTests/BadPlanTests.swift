import Model
import Placement
import Testing

@Suite("A bad plan")
struct BadPlanTests {
    @Test(
        "is refused with the place and the reason",
        arguments: [
            (#"{"workers":["a"],"layers":[]}"#, "the top level (line 1): \"epoch\" is missing"),
            (#"{"epoch":1,"workers":["a"],"layers":[],"epochs":2}"#, "unknown key \"epochs\""),
            (#"{"epoch":-1,"workers":["a"],"layers":[]}"#, "\"epoch\""),
            (#"{"epoch":1.5,"workers":["a"],"layers":[]}"#, "1.5"),
            (#"{"epoch":1,"workers":["a b"],"layers":[]}"#, "worker 0 (line 1): a worker name is"),
            (#"{"epoch":1,"workers":[],"layers":[]}"#, "names no workers"),
            (#"{"epoch":1,"workers":["a","a"],"layers":[]}"#, "worker 'a' twice"),
            (#"{"epoch":1,"workers":["a"],"layers":[[0],[0,0.5]]}"#, "expert 1 of layer 1"),
            (#"{"epoch":1,"workers":["a"],"layers":[[0],[0,"x"]]}"#, "expert 1 of layer 1"),
            (#"{"epoch":1,"workers":["a"],"layers":[[0],[true]]}"#, "expert 0 of layer 1"),
            (#"{"epoch":1,"workers":["a"],"layers":[0]}"#, "layer 0"),
            (#"{"epoch":1,"workers":["a"],"layers":[[{"replica":[0]}]]}"#, "\"replica\""),
            (#"{"epoch":1,"workers":["a"],"layers":[[{}]]}"#, "expert 0 of layer 0"),
            (
                #"{"epoch":1,"workers":["a"],"layers":[[{"shards":[{"worker":0,"from":0}]}]]}"#,
                "expert 0 of layer 0 (line 1): \"to\" is missing"
            ),
            (#"{"epoch":1,"workers":["a"],"layers":[[99999999999999999999]]}"#, "layer 0"),
            (#"{"epoch":1,"workers":["a"]"#, "malformed"),
            ("", "malformed"),
            (#"{"epoch":1,"epoch":2,"workers":["a"],"layers":[]}"#, "\"epoch\" appears twice"),
            ("{\"epoch\":1,\n\n\"workers\":3}", "line 3"),
            (#"{"epoch":1,"workers":["a"],"layers":[]} x"#, "nothing more"),
            (String(repeating: "[", count: 100_000), "malformed"),
        ]
    )
    func malformed(file: String, reason: String) throws {
        let error = try #require(throws: PlanError.self) {
            try Plan(json: Array(file.utf8))
        }
        #expect(error.description.contains(reason), "\(error)")
    }

    @Test("cut off or damaged anywhere is refused or another plan, never a crash")
    func damaged() throws {
        let json = try contiguous(3, [4, 0, 5]).json()
        let whole = json.count - 1  // the last byte is a line break
        for count in 0..<whole {
            #expect(throws: PlanError.self) { try Plan(json: Array(json.prefix(count))) }
        }
        var generator = SeededRandom(seed: 1)
        for _ in 0..<2000 {
            var bytes = json
            let position = Int.random(in: bytes.indices, using: &generator)
            bytes[position] = UInt8.random(in: .min ... .max, using: &generator)
            _ = try? Plan(json: bytes).validate(expertCounts: [4, 0, 5])
        }
    }

    @Test("is refused when it is larger than the limits")
    func limits() throws {
        var limits = Plan.Limits()
        let json = try contiguous(2, [2, 2]).json()
        limits.layers = 1
        #expect(throws: PlanError.tooMany(what: "layers", limit: 1)) {
            try Plan(json: json, limits: limits)
        }
        limits = Plan.Limits()
        limits.expertsPerLayer = 1
        #expect(throws: PlanError.tooMany(what: "experts in a layer", limit: 1)) {
            try Plan(json: json, limits: limits)
        }
        limits = Plan.Limits()
        limits.workers = 1
        #expect(throws: PlanError.tooMany(what: "workers", limit: 1)) {
            try Plan(json: json, limits: limits)
        }
        limits = Plan.Limits()
        limits.fileByteCount = 3
        #expect(throws: PlanError.fileTooLarge(byteCount: json.count, limit: 3)) {
            try Plan(json: json, limits: limits)
        }
    }

    @Test("is refused when it does not fit the model")
    func wrongModel() throws {
        let plan = try contiguous(2, [2, 0])
        #expect(throws: PlanError.layerCount(found: 2, expected: 3)) {
            try plan.validate(expertCounts: [2, 0, 2])
        }
        #expect(throws: PlanError.expertCount(LayerIndex(0), found: 2, expected: 4)) {
            try plan.validate(expertCounts: [4, 0])
        }
    }

    @Test("is refused when an entry makes no sense")
    func badEntries() throws {
        try expect(.worker(2), "worker index 2, but names 2 workers")
        try expect(.worker(-1), "worker index -1")
        try expect(.replicas([]), "there are none")
        try expect(.replicas([0, 0]), "listed twice")
        try expect(.shards([]), "cover 0 of 8")
        try expect(.shards([Shard(worker: 0, from: 0, to: 4)]), "cover 4 of 8")
        try expect(.shards([Shard(worker: 0, from: 1, to: 8)]), "1..<8 does not go on from 0")
        try expect(.shards([Shard(worker: 0, from: 0, to: 0)]), "0..<0")
        try expect(
            .shards([Shard(worker: 0, from: 0, to: 4), Shard(worker: 1, from: 4, to: 8)]),
            "begins at 4, no multiple of 32"
        )
        try expect(.shards([Shard(worker: 0, from: 0, to: .max)]), "of 8 dimensions")
        try expect(
            .shards([Shard(worker: 0, from: 0, to: 4), Shard(worker: 0, from: 4, to: 8)]),
            "listed twice"
        )
        try expect(.replicas(Array(repeating: 0, count: 65)), "limit of 64")
    }

    private func expect(_ entry: ExpertEntry, _ reason: String) throws {
        let plan = Plan(
            epoch: Epoch(rawValue: 1),
            workers: try contiguous(2, []).workers,
            layers: [[.worker(0), entry]]
        )
        let error = try #require(throws: PlanError.self) {
            try plan.validate(expertCounts: [2], expertWidth: 8)
        }
        #expect(error.description.contains(reason), "\(error)")
        #expect(error.description.contains("expert 1 of layer 0"), "\(error)")
    }
}
