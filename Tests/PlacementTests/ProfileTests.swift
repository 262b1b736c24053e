import Model
import Placement
import Testing

@Suite("A profile")
struct ProfileTests {
    @Test("is written in the form that is documented")
    func layout() throws {
        let profile = Profile(
            task: "code",
            rows: 4,
            topK: 2,
            layers: [
                Profile.Layer(
                    activations: [3, 2.5, 0],
                    coactivations: [PairCount(0, 1, count: 2)],
                    transitions: [PairCount(1, 0, count: 1), PairCount(2, 1, count: 0.25)]
                ),
                Profile.Layer(activations: [4, 4]),
            ]
        )
        let text = """
            {"format":"moiety.profile.v1","task":"code","rows":4,"top_k":2,"layers":[
            {"activations":[3,2.5,0],"coactivations":[[0,1,2]],"transitions":[[1,0,1],[2,1,0.25]]},
            {"activations":[4,4],"coactivations":[],"transitions":[]}
            ]}

            """
        #expect(String(decoding: profile.json(), as: UTF8.self) == text)
        #expect(try Profile(json: profile.json()) == profile)
    }

    @Test("is read with keys in any order, without pairs, and with any task")
    func otherOrders() throws {
        let text = """
            { "layers" : [ {"transitions":[], "activations":[1e0, 2.0E+0]} ], "top_k": 1,
            "rows": 3, "format": "moiety.profile.v1" }
            """
        let profile = try Profile(json: Array(text.utf8))
        #expect(profile.task == nil)
        #expect(profile.layers.map(\.activations) == [[1, 2]])
    }

    @Test(
        "that is bad is refused with the place and the reason",
        arguments: [
            (#"{"format":"x"}"#, "\"format\" (line 1): expected \"moiety.profile.v1\", not \"x\""),
            (bad(rows: "-1"), "\"rows\""),
            (bad(rows: "1e400"), "expected a number, not '1e400'"),
            (bad(rows: "nan"), "expected a number, not 'nan'"),
            (bad(rows: "0x10"), "expected a number, not '0x10'"),
            (bad(rows: "+1"), "expected a number, not '+1'"),
            (bad(rows: "1."), "expected a number, not '1.'"),
            (bad(topK: "0"), "expected 1 to 256, not 0"),
            (bad(activations: "4"), "\"activations\" of layer 0; it must be 0 to 3.0"),
            (bad(activations: "-1"), "counts -1.0 in \"activations\" of layer 0"),
            (bad(activations: "true"), "\"activations\" of layer 0 (line 1): expected a number"),
            (bad(pairs: "[1,0,1]"), "is out of order"),
            (bad(pairs: "[0,0,1]"), "is out of order"),
            (bad(pairs: "[0,2,1]"), "names an expert that is not there"),
            (bad(pairs: "[0,1,1],[0,1,1]"), "comes twice"),
            (bad(pairs: "[0,1,9]"), "counts 9.0 in \"coactivations\" of layer 0"),
            (bad(pairs: "[0,1]"), "a pair is [expert, expert, count]"),
            (bad(pairs: "[0,1.5,1]"), "a pair is [expert, expert, count]"),
            (bad(pairs: "[0,1,1,1]"), "more numbers in a pair than the limit of 3"),
            (bad(pairs: "[0,70000,1]"), "a pair is [expert, expert, count]"),
            (bad(moves: "[0,1,1]"), "names an expert that is not there"),
            (bad(task: "\"\""), "a task is"),
            (#"{"rows":1}"#, "\"format\" is missing"),
            ("", "expected '{', not the end of the file"),
            (String(repeating: "[", count: 100_000), "malformed"),
        ]
    )
    func malformed(file: String, reason: String) throws {
        let error = try #require(throws: ProfileError.self) { try Profile(json: Array(file.utf8)) }
        #expect(error.description.contains(reason), "\(error)")
    }

    private static func bad(
        task: String = "null",
        rows: String = "3",
        topK: String = "2",
        activations: String = "1",
        pairs: String = "",
        moves: String = ""
    ) -> String {
        """
        {"format":"moiety.profile.v1","task":\(task),"rows":\(rows),"top_k":\(topK),"layers":[\
        {"activations":[\(activations),2],"coactivations":[\(pairs)],"transitions":[\(moves)]},\
        {"activations":[1]}]}
        """
    }

    @Test("cut off or damaged anywhere is refused or another profile, never a crash")
    func damaged() throws {
        var generator = SeededRandom(seed: 3)
        let json = Profile(randomTrace(using: &generator)).json()
        for count in 0..<json.count - 1 {
            #expect(throws: ProfileError.self) { try Profile(json: Array(json.prefix(count))) }
        }
        for _ in 0..<2000 {
            var bytes = json
            let position = Int.random(in: bytes.indices, using: &generator)
            bytes[position] = UInt8.random(in: .min ... .max, using: &generator)
            _ = try? Profile(json: bytes)
        }
    }

    @Test("is refused when it is larger than the limits")
    func limits() throws {
        let json = Profile(rows: 1, topK: 1, layers: [.init(activations: [1, 1])]).json()
        var limits = Profile.Limits()
        limits.expertsPerLayer = 1
        #expect(throws: ProfileError.tooMany(what: "experts in a layer", limit: 1)) {
            try Profile(json: json, limits: limits)
        }
        limits = Profile.Limits()
        limits.fileByteCount = 5
        #expect(throws: ProfileError.fileTooLarge(byteCount: json.count, limit: 5)) {
            try Profile(json: json, limits: limits)
        }
    }

    @Test("of a trace counts rows, pairs and transitions")
    func ofTrace() {
        var trace = RoutingTrace(expertCounts: [3, 0, 2, 2], topK: 2)
        trace.append([0, 2, 2, 1] + [0, 1, 1, 0] + [1, 0, 0, 1])
        let profile = Profile(trace, task: "t")
        #expect(profile.rows == 2)
        #expect(profile.layers[0].activations == [1, 1, 2])
        #expect(
            profile.layers[0].coactivations
                == [PairCount(0, 2, count: 1), PairCount(1, 2, count: 1)]
        )
        #expect(profile.layers[0].transitions.isEmpty)
        #expect(profile.layers[1].activations.isEmpty)
        #expect(
            profile.layers[2].transitions == [
                PairCount(0, 0, count: 2), PairCount(0, 1, count: 2),
                PairCount(1, 0, count: 2), PairCount(1, 1, count: 2),
            ]
        )
    }
}

@Suite("A routing trace")
struct RoutingTraceTests {
    @Test("survives its file, whatever it holds", arguments: 0..<20 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        let trace = randomTrace(using: &generator)
        #expect(try RoutingTrace(bytes: trace.bytes()) == trace, "seed \(seed)")
    }

    @Test("cut off or damaged anywhere is refused or another trace, never a crash")
    func damaged() throws {
        var generator = SeededRandom(seed: 5)
        let bytes = randomTrace(using: &generator).bytes()
        for count in 0..<bytes.count {
            #expect(throws: ProfileError.self) {
                try RoutingTrace(bytes: Array(bytes.prefix(count)))
            }
        }
        for _ in 0..<2000 {
            var other = bytes
            let position = Int.random(in: bytes.indices, using: &generator)
            other[position] = UInt8.random(in: .min ... .max, using: &generator)
            _ = try? RoutingTrace(bytes: other)
        }
    }

    @Test("has the bytes that are documented")
    func layout() {
        var trace = RoutingTrace(expertCounts: [2, 0, 300], topK: 1)
        trace.append([1, 0, 258, 259])
        let numbers: [UInt8] = [
            1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0,
            2, 0, 0, 0, 0, 0, 0, 0, 44, 1, 0, 0,
            2, 0, 0, 0,
            1, 0, 0, 0, 2, 1, 3, 1,
        ]
        #expect(trace.bytes() == Array("MOIETYTR".utf8) + numbers)
    }

    @Test("falls into two halves, and into steps of other sizes")
    func parts() {
        var trace = RoutingTrace(expertCounts: [4], topK: 1)
        for step in 0..<5 { trace.append([UInt16(step % 4), UInt16((step + 1) % 4)]) }
        #expect(trace.halves.first.stepCount == 2)
        #expect(trace.halves.second.stepCount == 3)
        #expect(Array(trace.halves.second.experts(step: 0, layer: 0)) == [2, 3])
        let regrouped = trace.regrouped(rows: 4)
        #expect(regrouped.rowCounts == [4, 4, 2])
        #expect(Array(regrouped.experts(step: 0, layer: 0)) == [0, 1, 1, 2])
        #expect(trace.sample(2).stepCount == 2)
    }
}

@Suite("A profile counter")
struct ProfileCounterTests {
    @Test("without forgetting counts what the trace's profile counts", arguments: [0, 1, 2, 3])
    func sameAsTrace(seed: UInt64) {
        var generator = SeededRandom(seed: seed)
        let trace = randomTrace(using: &generator)
        var counter = ProfileCounter(
            expertCounts: trace.expertCounts,
            topK: trace.topK,
            halfLife: .infinity
        )
        feed(trace, to: &counter)
        #expect(counter.profile() == Profile(trace), "seed \(seed)")
    }

    @Test("counts a row half after its half-life, over any number of half-lives")
    func halfLife() {
        var counter = ProfileCounter(expertCounts: [2], topK: 1, halfLife: 4)
        for _ in 0..<4 { counter.count([0], layer: LayerIndex(0)) }
        let before = counter.profile().layers[0].activations[0]
        for _ in 0..<4 { counter.count([1], layer: LayerIndex(0)) }
        let after = counter.profile().layers[0].activations
        #expect(abs(after[0] - before / 2) < 1e-5)
        #expect(abs(after[1] - before) < 1e-5)
        for _ in 0..<4000 { counter.count([1], layer: LayerIndex(0)) }
        let late = counter.profile()
        #expect(late.layers[0].activations[0] < 1e-5)
        // Rows of a steady stream: the sum of all powers of 2^(-1/4), each a row old at least.
        #expect(abs(late.rows - 5.285) < 0.01)
        #expect(abs(late.layers[0].activations[1] - late.rows) < 1e-4)
    }

    @Test("tells parts of a step that go through the layers at different times apart")
    func parts() {
        var counter = ProfileCounter(expertCounts: [2, 2], topK: 1, halfLife: .infinity)
        counter.count([0, 0], layer: LayerIndex(0), part: 0)
        counter.count([1], layer: LayerIndex(0), part: 1)
        counter.count([1, 1], layer: LayerIndex(1), part: 0)
        counter.count([0], layer: LayerIndex(1), part: 1)
        let expected = [PairCount(0, 1, count: 2), PairCount(1, 0, count: 1)]
        #expect(counter.profile().layers[0].transitions == expected)
    }

    @Test("passes over what cannot be")
    func nonsense() {
        var counter = ProfileCounter(expertCounts: [2, 2], topK: 2, halfLife: 10)
        counter.count([-1, 7], layer: LayerIndex(0))
        counter.count([0, 0], layer: LayerIndex(1))
        counter.count([0], layer: LayerIndex(0))
        counter.count([0, 1], layer: LayerIndex(9))
        counter.count([0, 1], layer: LayerIndex(0), part: 99)
        #expect(counter.profile().layers[0].activations == [0, 0])
        #expect(counter.profile().layers[1].coactivations.isEmpty)
    }

    @Test("counts nothing where the tables would be too large")
    func limit() {
        var limits = ProfileCounter.Limits()
        limits.byteCount = 100
        var counter = ProfileCounter(expertCounts: [64], topK: 1, halfLife: 10, limits: limits)
        counter.count([0], layer: LayerIndex(0))
        #expect(!counter.isCounting)
        #expect(counter.profile().rows == 0)
    }

    @Test(
        "tells tasks apart, and their sum is the profile of all",
        arguments: 0..<50 as Range<UInt64>
    )
    func tasks(seed: UInt64) {
        var generator = SeededRandom(seed: seed)
        let trace = randomTrace(using: &generator)
        var counter = ProfileCounter(
            expertCounts: trace.expertCounts,
            topK: trace.topK,
            halfLife: .infinity
        )
        let labels = [.none, counter.label(of: "a"), counter.label(of: "b")]
        var rows: [[Int]] = [[], [], []]
        for step in 0..<trace.stepCount {
            let choices = (0..<trace.rowCounts[step]).map { _ in
                Int.random(in: 0..<3, using: &generator)
            }
            for choice in 0..<3 { rows[choice].append(choices.count { $0 == choice }) }
            for layer in trace.expertLayers {
                counter.count(
                    trace.experts(step: step, layer: layer).map(Int32.init),
                    layer: LayerIndex(layer),
                    labels: [.none] + choices.map { labels[$0] },
                    from: 1
                )
            }
        }
        #expect(counter.profile() == Profile(trace), "seed \(seed)")
        #expect(counter.tasks == ["a", "b"])
        #expect(counter.rows(of: "b") == Double(rows[2].reduce(0, +)))
        let parts = ["a", "b"].map { counter.profile(of: $0).layers[0].activations.reduce(0, +) }
        let topK = Double(trace.topK)
        #expect(parts == rows.dropFirst().map { Double($0.reduce(0, +)) * topK })
    }

    @Test("of all tasks follows the mix of those that ran lately")
    func mix() {
        var counter = ProfileCounter(expertCounts: [4, 0], topK: 1, halfLife: 64)
        let code = counter.label(of: "code")
        let prose = counter.label(of: "prose")
        for _ in 0..<640 { counter.count([0], layer: LayerIndex(0), labels: [code]) }
        #expect(counter.frequencies(under: nil) == [[1, 0, 0, 0], []])
        // One half-life of the other task makes it half of the mix.
        for _ in 0..<64 { counter.count([3], layer: LayerIndex(0), labels: [prose]) }
        let activations = counter.profile().layers[0].activations
        #expect(abs(activations[3] / activations.reduce(0, +) - 0.5) < 0.01)
        #expect(abs(counter.frequencies(under: nil)[0][3] - 0.5) < 0.01)
        #expect(counter.frequencies(under: code) == [[1, 0, 0, 0], []])
        #expect(counter.frequencies(under: prose) == [[0, 0, 0, 1], []])
        #expect(abs(counter.rows(under: code) - counter.rows(under: prose)) < 1)
        #expect(counter.labels == [.none, code, prose])
        #expect(counter.frequencies(under: ProfileCounter.Label.none) == [[0, 0, 0, 0], []])
    }

    @Test("counts what goes beyond the limit of tasks, or has no plain name, as other")
    func taskLimit() {
        var limits = ProfileCounter.Limits()
        limits.tasks = 2
        var counter = ProfileCounter(expertCounts: [2], topK: 1, halfLife: 10, limits: limits)
        let labels = ["a", "b", "c", "\n", "other", "a"].map { counter.label(of: $0) }
        #expect(labels[0] == labels[5] && labels[0] != labels[1])
        #expect(labels[2] == labels[3] && labels[3] == labels[4] && labels[2] != labels[1])
        #expect(counter.tasks == ["a", "b", "other"])
    }

    @Test("counts all rows alike where the tables of two tasks do not fit")
    func taskMemory() {
        var limits = ProfileCounter.Limits()
        limits.byteCount = 20
        var counter = ProfileCounter(expertCounts: [2], topK: 1, halfLife: 10, limits: limits)
        #expect(counter.isCounting && counter.label(of: "a") == .none && counter.tasks.isEmpty)
    }
}

private func feed(_ trace: RoutingTrace, to counter: inout ProfileCounter) {
    for step in 0..<trace.stepCount {
        for layer in trace.expertLayers {
            let chosen = trace.experts(step: step, layer: layer).map(Int32.init)
            counter.count(chosen, layer: LayerIndex(layer))
        }
    }
}
