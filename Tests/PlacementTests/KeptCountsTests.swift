import Model
import Placement
import Testing

@Suite("Counts that outlive whoever counted them")
struct KeptCountsTests {
    private static let model = ModelIdentity(
        fileByteCount: 1_000_000,
        headerDigest: Array(0..<32)
    )
    private static let tasks = [nil, "code", "prose"]

    /// Two halves of counting, of which the first may be written down.
    private struct Counting {
        var counter: ProfileCounter
        var recorder: StepRecorder
        let trace: RoutingTrace

        init(_ trace: RoutingTrace, halfLife: Double = 6, tasks: Int = 8) {
            self.trace = trace
            var limits = ProfileCounter.Limits()
            limits.tasks = tasks
            counter = ProfileCounter(
                expertCounts: trace.expertCounts,
                topK: trace.topK,
                halfLife: halfLife,
                limits: limits
            )
            recorder = StepRecorder(
                expertCounts: trace.expertCounts,
                topK: trace.topK,
                largestStep: 8,
                halfLife: halfLife
            )
        }

        /// Counts the trace's steps, each as one task's.
        mutating func count(_ rounds: Int) {
            for round in 0..<rounds {
                for step in 0..<trace.stepCount {
                    let rows = trace.rowCounts[step]
                    let label = counter.label(of: tasks[(round + step) % tasks.count])
                    recorder.begin(rowCount: rows)
                    for layer in trace.expertLayers {
                        let chosen = trace.experts(step: step, layer: layer).map(Int32.init)
                        counter.count(
                            chosen,
                            layer: LayerIndex(layer),
                            labels: Array(repeating: label, count: rows)
                        )
                        recorder.add(chosen, layer: LayerIndex(layer), from: 0)
                    }
                }
            }
        }

        func bytes(of model: ModelIdentity = KeptCountsTests.model) -> [UInt8] {
            var bytes: [UInt8] = []
            KeptCounts.write(counter, recorder, of: model) { bytes += $0 }
            return bytes
        }

        func read(
            _ bytes: [UInt8],
            of model: ModelIdentity = KeptCountsTests.model,
            limits: KeptCounts.Limits = KeptCounts.Limits()
        ) throws(ProfileError) -> KeptCounts {
            try KeptCounts(
                bytes: bytes,
                of: model,
                expertCounts: trace.expertCounts,
                topK: trace.topK,
                limits: limits
            )
        }

        private var tasks: [String?] { KeptCountsTests.tasks }
    }

    private static func counted(seed: UInt64, rounds: Int = 5) -> Counting {
        var generator = SeededRandom(seed: seed)
        var counting = Counting(randomTrace(using: &generator))
        counting.count(rounds)
        return counting
    }

    private static func expectSame(
        _ one: ProfileCounter,
        _ other: ProfileCounter,
        _ comment: Comment
    ) {
        #expect(one.tasks == other.tasks, comment)
        for task in [nil] + one.tasks.map(Optional.some) {
            let (mine, theirs) = (one.profile(of: task), other.profile(of: task))
            #expect(abs(mine.rows - theirs.rows) < 1e-4 * max(1, mine.rows), comment)
            for (mine, theirs) in zip(mine.layers, theirs.layers) {
                let pairs = zip(mine.activations, theirs.activations)
                #expect(pairs.allSatisfy { abs($0 - $1) < 1e-4 * max(1, $0) }, comment)
                for (mine, theirs) in [
                    (mine.coactivations, theirs.coactivations),
                    (mine.transitions, theirs.transitions),
                ] {
                    #expect(mine.map(\.first) == theirs.map(\.first), comment)
                    #expect(mine.map(\.second) == theirs.map(\.second), comment)
                    let counts = zip(mine.map(\.count), theirs.map(\.count))
                    #expect(counts.allSatisfy { abs($0 - $1) < 1e-4 * max(1, $0) }, comment)
                }
            }
        }
    }

    @Test("are what they were, task by task and step by step", arguments: 0..<20 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        let before = Self.counted(seed: seed)
        let kept = try before.read(before.bytes())
        var after = Counting(before.trace)
        after.counter.add(kept)
        after.recorder.take(kept)
        Self.expectSame(after.counter, before.counter, "seed \(seed)")
        #expect(abs(kept.rows - before.counter.rows()) < 1e-9, "seed \(seed)")
        #expect(after.recorder.samples == before.recorder.samples, "seed \(seed)")
        #expect(after.recorder.kept == before.recorder.kept, "seed \(seed)")
        // What is written of them is the same file again, save for rounding.
        #expect(after.bytes().count == before.bytes().count, "seed \(seed)")
    }

    @Test("fade by the rows that come after them, as if nothing had been in between")
    func fading() throws {
        for seed in 0..<10 as Range<UInt64> {
            var through = Self.counted(seed: seed, rounds: 3)
            var after = Counting(through.trace)
            let kept = try through.read(through.bytes())
            after.counter.add(kept)
            after.recorder.take(kept)
            through.count(3)
            after.count(3)
            Self.expectSame(after.counter, through.counter, "seed \(seed)")
            #expect(after.recorder.sampleCount == through.recorder.sampleCount)
        }
    }

    @Test("that were scaled down many times are those of now")
    func longLife() throws {
        var trace = RoutingTrace(expertCounts: [3, 3], topK: 1)
        trace.append([0, 2])
        var before = Counting(trace, halfLife: 2)
        before.count(1000)
        let kept = try before.read(before.bytes())
        #expect(abs(kept.rows - before.counter.rows()) < 1e-9 && kept.rows < 4)
        var after = Counting(trace, halfLife: 2)
        after.counter.add(kept)
        Self.expectSame(after.counter, before.counter, "")
    }

    @Test("of more tasks than there is room for now count as other")
    func fewerTasks() throws {
        let before = Self.counted(seed: 1)
        var after = Counting(before.trace, tasks: 1)
        after.counter.add(try before.read(before.bytes()))
        #expect(after.counter.tasks == ["code", "other"])
        #expect(abs(after.counter.rows() - before.counter.rows()) < 1e-9)
        let other = after.counter.rows(of: "other") - before.counter.rows(of: "prose")
        #expect(abs(other) < 1e-9)
    }

    @Test("of another model add nothing")
    func otherShape() throws {
        let before = Self.counted(seed: 1)
        let kept = try before.read(before.bytes())
        var trace = RoutingTrace(expertCounts: [9], topK: 1)
        trace.append([8])
        var after = Counting(trace)
        after.counter.add(kept)
        after.recorder.take(kept)
        #expect(after.counter.rows() == 0 && after.recorder.sampleCount == 0)
    }

    @Test("are refused for another model, by both names")
    func otherModel() throws {
        let before = Self.counted(seed: 2)
        let other = ModelIdentity(fileByteCount: 7, headerDigest: Self.model.headerDigest)
        let error = try #require(throws: ProfileError.self) {
            try before.read(before.bytes(), of: other)
        }
        #expect(error.description.contains("\(Self.model)"), "\(error)")
        #expect(error.description.contains("\(other)"), "\(error)")
    }

    @Test("damaged at any place, or cut off, are refused")
    func damaged() throws {
        var generator = SeededRandom(seed: 7)
        let before = Self.counted(seed: 3, rounds: 1)
        let bytes = before.bytes()
        for place in bytes.indices {
            var other = bytes
            other[place] ^= UInt8.random(in: 1...255, using: &generator)
            let error = try #require(throws: ProfileError.self, "byte \(place)") {
                try before.read(other)
            }
            #expect(error.description.contains("damaged"), "byte \(place): \(error)")
            #expect(throws: ProfileError.self, "cut at \(place)") {
                try before.read(Array(bytes.prefix(place)))
            }
        }
        #expect(throws: ProfileError.self) { try before.read(bytes + [0]) }
    }

    @Test("that say nonsense under a right checksum are refused or taken, never a crash")
    func nonsense() throws {
        var generator = SeededRandom(seed: 9)
        let before = Self.counted(seed: 4, rounds: 1)
        let bytes = before.bytes()
        var refused = 0
        for place in 12..<bytes.count - FileHasher.byteCount {
            var other = Array(bytes.dropLast(FileHasher.byteCount))
            // Both the largest numbers and random ones.
            let isLargest = Bool.random(using: &generator)
            other[place] = isLargest ? 255 : UInt8.random(in: 0...255, using: &generator)
            var hash = FileHasher()
            hash.update(other[...])
            do throws(ProfileError) {
                let kept = try before.read(other + hash.digest())
                var after = Counting(before.trace)
                after.counter.add(kept)
                after.recorder.take(kept)
                after.count(2)
                _ = after.counter.profile()
                _ = after.bytes()
            } catch {
                refused += 1
            }
        }
        #expect(refused > 50)
    }

    @Test("are refused where they are larger than all that is counted")
    func limits() throws {
        let before = Self.counted(seed: 5)
        let bytes = before.bytes()
        var limits = KeptCounts.Limits()
        limits.fileByteCount = bytes.count - 1
        #expect(throws: ProfileError.fileTooLarge(byteCount: bytes.count, limit: bytes.count - 1)) {
            try before.read(bytes, limits: limits)
        }
        limits = KeptCounts.Limits()
        limits.tableByteCount = 1
        let error = try #require(throws: ProfileError.self) {
            try before.read(bytes, limits: limits)
        }
        #expect(error.description.contains("at most 1 fit"), "\(error)")
    }

    @Test("take the newest steps where there is less room, and none that are too large")
    func fewerSteps() throws {
        var trace = RoutingTrace(expertCounts: [4], topK: 1)
        for step in 0..<4 { trace.append(Array(repeating: UInt16(step), count: step + 1)) }
        var before = Counting(trace)
        before.count(1)
        let kept = try before.read(before.bytes())
        var limits = StepRecorder.Limits()
        limits.sampleCount = 2
        var after = StepRecorder(
            expertCounts: [4],
            topK: 1,
            largestStep: 3,
            halfLife: 6,
            limits: limits
        )
        after.take(kept)
        #expect(after.samples.map(\.rowCounts) == [[2], [3]])
        #expect(after.kept.stepCount == 4)
    }
}
