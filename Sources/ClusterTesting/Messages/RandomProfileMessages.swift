import Cluster
import Model
import Placement
import Wire

extension ClientMessage {
    /// What the routers chose.
    ///
    /// Of a copy of the generator: what came later than the goldens must not change them.
    static func profiles(using random: SeededRandom) -> [ClientMessage] {
        var random = random
        let kinds = GetProfilePart.Kind.allCases
        var trace = ProfileOverview.Trace()
        trace.pieceCount = random.int(0...9)
        trace.stepCount = random.number()
        trace.rowCount = random.number()
        trace.byteCount = random.number()
        trace.byteLimit = random.number()
        trace.isRecording = random.bool()
        trace.isFull = random.bool()
        let overview = ProfileOverview(
            obstacle: random.text(),
            rowCount: Double(random.int(0...9999)) / 8,
            topK: random.int(1...8),
            expertCounts: random.list { $0.int(0...512) },
            tasks: random.list { random in
                ProfileOverview.Task(
                    name: random.text(),
                    rowCount: Double(random.int(0...9999)) / 8
                )
            },
            sampleCount: random.int(0...256),
            trace: trace
        )
        let part = GetProfilePart(
            kind: kinds[random.int(0...kinds.count - 1)],
            index: random.int(0...99),
            task: random.bool() ? "code" : nil
        )
        return [
            .getProfile(GetProfile(action: .startTrace)), .profileOverview(overview),
            .getProfilePart(part), .profileSteps(ProfileSteps(steps: .random(using: &random))),
        ] + layer(using: &random) + [
            .getCosts, .clusterCosts(.random(using: &random)), .status(.balanced(using: &random)),
        ]
    }

    private static func layer(using random: inout SeededRandom) -> [ClientMessage] {
        let (experts, following) = (random.int(0...4), random.int(0...4))
        let counts = LayerCounts(
            activations: (0..<experts).map { _ in random.float() },
            coactivations: (0..<experts * max(0, experts - 1) / 2).map { _ in random.float() },
            transitions: (0..<experts * following).map { _ in random.float() },
            following: following
        )
        return counts.map { [.profileLayer(ProfileLayer(counts: $0))] } ?? []
    }
}

extension ClusterCosts {
    fileprivate static func random(using random: inout SeededRandom) -> ClusterCosts {
        ClusterCosts(
            isGuess: random.bool(),
            expertNanoseconds: Double(random.int(0...9999)) / 4,
            pairNanoseconds: Double(random.int(0...9999)) / 4,
            rowByteCount: random.int(0...99_999),
            expertByteCounts: random.list { $0.int(0...99_999) },
            expertWidth: random.int(1...9999),
            workers: random.list { random in
                ClusterCosts.Worker(
                    name: random.name(),
                    speed: Double(random.int(1...99)) / 8,
                    bandwidth: Double(random.int(1...9999)),
                    roundTrip: .nanoseconds(random.int(0...9999)),
                    memoryByteCount: random.number(),
                    isDrained: random.bool()
                )
            },
            imbalance: random.bool() ? Double(random.int(8...99)) / 8 : nil
        )
    }
}

extension StatusReport {
    fileprivate static func balanced(using random: inout SeededRandom) -> StatusReport {
        var searches = RebalanceReport()
        searches.isRunning = random.bool()
        searches.changedCount = random.int(0...9)
        searches.keptCount = random.int(0...9)
        searches.movedByteCount = random.number()
        searches.failures = random.list { random in
            RebalanceReport.Failure(reason: random.text(), count: random.int(1...9))
        }
        return StatusReport(
            isReady: true,
            text: random.text(),
            modelName: random.text(),
            epoch: nil,
            workersExpected: 1,
            workersReady: 1,
            jobsQueued: 0,
            jobsRunning: 0,
            build: random.text(),
            balance: BalanceReport(
                imbalance: random.bool() ? 1.5 : nil,
                isAutomatic: random.bool(),
                searches: searches,
                sinceChange: random.bool() ? .nanoseconds(random.int(0...9999)) : nil
            )
        )
    }
}

extension RecordedSteps {
    fileprivate static func random(using random: inout SeededRandom) -> RecordedSteps {
        RecordedSteps(
            rowCounts: random.list { UInt32($0.int(0...9)) },
            experts: random.list { UInt16($0.int(0...511)) }
        )
    }
}
