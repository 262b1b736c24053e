import Cluster
import ClusterTesting
import Model
import Placement
import Tensors
import Testing
import Wire

@Suite struct RoundTripTests {
    @Test("Every message comes back as it was sent", arguments: UInt64(1)...200)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for message in ControlMessage.all(using: &random) {
            #expect(try ControlMessage(frames: message.encode()) == message, "seed \(seed)")
        }
        for message in DataMessage.all(using: &random) {
            #expect(try DataMessage(frames: message.encode()) == message, "seed \(seed)")
        }
        for message in ClientMessage.all(using: &random) {
            #expect(try ClientMessage(frames: message.encode()) == message, "seed \(seed)")
        }
    }

    @Test(
        "What came to the submit message later crosses the wire and is recorded",
        arguments: UInt64(1)...50
    )
    func submitFields(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var submit = Submit.random(using: &random)
        submit.isChat = random.bool()
        submit.mustBeObject = random.bool()
        submit.sampling.logitBiases = random.list { random in
            LogitBias(token: Int32(random.int(-9...9999)), bias: random.float())
        }
        submit.sampling.minimumTokens = random.int(0...99)
        submit.sampling.ignoresEnd = random.bool()
        submit.sampling.stopTokens = random.list { Int32($0.int(-9...9999)) }
        submit.sampling.penalizesAnswerOnly = random.bool()
        submit.objective = ServiceObjective(
            firstToken: random.bool() ? .nanoseconds(random.int(1...9999)) : nil,
            eachToken: random.bool() ? .nanoseconds(random.int(1...9999)) : nil
        )
        let message = ClientMessage.submit(submit)
        #expect(try ClientMessage(frames: message.encode()) == message, "seed \(seed)")
        // The job ledger keeps the first frame, from which the job goes on after a crash.
        #expect(try ClientMessage(frames: [message.encode()[0]]) == message, "seed \(seed)")
    }

    @Test("What came to the report of searches later crosses the wire")
    func searchFields() throws {
        for ratio in [nil, 0.875] {
            var searches = RebalanceReport()
            searches.stepRatio = ratio
            searches.time = .milliseconds(1234)
            let report = StatusReport(
                isReady: true,
                text: "",
                modelName: "",
                epoch: nil,
                workersExpected: 1,
                workersReady: 1,
                jobsQueued: 0,
                jobsRunning: 0,
                build: "",
                balance: BalanceReport(
                    imbalance: nil,
                    isAutomatic: true,
                    searches: searches,
                    sinceChange: nil
                )
            )
            let message = ClientMessage.status(report)
            #expect(try ClientMessage(frames: message.encode()) == message)
        }
    }

    @Test("What experts on disk cost crosses the wire", arguments: UInt64(1)...20)
    func storedExperts(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var supply = random.supply()
        supply.storedUses = random.number()
        supply.storedHits = random.number()
        supply.storedForeseen = random.number()
        supply.storedLowUses = random.number()
        supply.storedLowHits = random.number()
        supply.lowBitCount = UInt32(random.int(0...4))
        supply.idleLoads = random.number()
        supply.idleUses = random.number()
        supply.storedByteCount = random.number()
        supply.stallMicroseconds = random.number()
        supply.unpacked = random.number()
        supply.memoryBudget = random.number()
        for distance in 0..<random.int(0...4) {
            supply.guesses[distance] = random.number()
            supply.rightGuesses[distance] = random.bool() ? random.number() : 0
        }
        for case .heartbeat(var heartbeat) in ControlMessage.all(using: &random) {
            heartbeat.supply = supply
            let message = ControlMessage.heartbeat(heartbeat)
            #expect(try ControlMessage(frames: message.encode()) == message, "seed \(seed)")
        }
    }

    @Test("Numbers that are no numbers cross the wire bit by bit")
    func notNumbers() throws {
        let values: [Float] = [.nan, -.infinity, -0.0, .leastNonzeroMagnitude]
        let frames = DataMessage.share(share(Activations(values: values, width: 4))).encode()
        guard case .share(let share) = try DataMessage(frames: frames) else {
            Issue.record("no share")
            return
        }
        #expect(share.activations.values.map(\.bitPattern) == values.map(\.bitPattern))
    }

    @Test("A share of both forms travels in the plain one")
    func bothForms() throws {
        var activations = Activations(values: Array(repeating: 1, count: 32), width: 32)
        activations.quants = Array(repeating: 127, count: 32)
        activations.scales = [1]
        let frames = DataMessage.share(share(activations)).encode()
        guard case .share(let share) = try DataMessage(frames: frames) else {
            Issue.record("no share")
            return
        }
        #expect(share.activations.hasValues && !share.activations.hasQuants)
    }

    @Test("A text for people is cut between characters where it is too long")
    func longText() throws {
        let text = String(repeating: "漢", count: 2000)
        let message = ControlMessage.goodbye(Goodbye(reason: text))
        guard case .goodbye(let goodbye) = try ControlMessage(frames: message.encode()) else {
            Issue.record("no goodbye")
            return
        }
        #expect(goodbye.reason == String(repeating: "漢", count: WireLimits.messageByteCount / 3))
    }

    @Test("Durations beyond the wire stop at its ends")
    func durations() throws {
        let message = ControlMessage.welcome(
            Welcome(
                build: "",
                incarnation: .unnumbered,
                dataEndpoint: "",
                heartbeatInterval: .seconds(Int64.max),
                silenceLimit: .seconds(-1)
            )
        )
        guard case .welcome(let welcome) = try ControlMessage(frames: message.encode()) else {
            Issue.record("no welcome")
            return
        }
        #expect(welcome.heartbeatInterval == .nanoseconds(Int64.max))
        #expect(welcome.silenceLimit == .zero)
    }

    private func share(_ activations: Activations) -> Share {
        Share(
            id: ShareID(rawValue: 1),
            attempt: 1,
            epoch: Epoch(rawValue: 1),
            layer: LayerIndex(0),
            activations: activations,
            pairRows: [0],
            pairExperts: [0],
            pairWeights: [1]
        )
    }
}
