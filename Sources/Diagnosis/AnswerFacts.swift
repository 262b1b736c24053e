/// What a coordinator that answers says of itself and of its workers.
public struct AnswerFacts: Equatable, Sendable {
    public struct Worker: Equatable, Sendable {
        public var name: String
        public var isReady: Bool
        public var state: String
        public var message: String
        public var memoryByteCount: UInt64
        /// To it and back, and bytes per second; nil where nothing was measured yet.
        public var link: Link?
        /// How it gives accuracy for speed; nil where it is exact.
        public var lossy: String?

        public init(
            name: String,
            isReady: Bool,
            state: String,
            message: String,
            memoryByteCount: UInt64,
            link: Link?,
            lossy: String? = nil
        ) {
            self.name = name
            self.isReady = isReady
            self.state = state
            self.message = message
            self.memoryByteCount = memoryByteCount
            self.link = link
            self.lossy = lossy
        }
    }

    public struct Link: Equatable, Sendable {
        public var roundTrip: Duration
        public var bandwidth: Double

        public init(roundTrip: Duration, bandwidth: Double) {
            (self.roundTrip, self.bandwidth) = (roundTrip, bandwidth)
        }

        /// A token makes a trip in every layer: with 48 layers, this is a tenth of a second.
        static let slowRoundTrip = Duration.milliseconds(2)
        /// What 500 Mbit/s carry.
        static let slowBandwidth = 62.5e6
    }

    public var endpoint: String
    public var build: String
    public var isReady: Bool
    public var status: String
    public var workers: [Worker]

    public init(
        endpoint: String,
        build: String,
        isReady: Bool,
        status: String,
        workers: [Worker]
    ) {
        self.endpoint = endpoint
        self.build = build
        self.isReady = isReady
        self.status = status
        self.workers = workers
    }

    /// Bytes of all workers' machines; nil where one does not tell.
    public var workerMemory: UInt64? {
        guard !workers.isEmpty, workers.allSatisfy({ $0.memoryByteCount > 0 }) else { return nil }
        return workers.reduce(0) { $0.addingReportingOverflow($1.memoryByteCount).partialValue }
    }

    /// - Parameter build: what this program calls itself.
    public func findings(build: String) -> [Finding] {
        [version(build), readiness] + [accuracy].compactMap(\.self) + workers.map(\.finding)
    }

    /// Who gives accuracy for speed; nil where every worker is exact.
    ///
    /// Whoever runs the cluster has wanted it so, and should see it.
    private var accuracy: Finding? {
        let lossy = workers.compactMap { worker in worker.lossy.map { "\(worker.name) (\($0))" } }
        guard !lossy.isEmpty else { return nil }
        return .ok(
            "accuracy",
            "not exact: \(lossy.joined(separator: ", ")); each answer says which part of it was not"
        )
    }

    private func version(_ own: String) -> Finding {
        guard build != own else { return .ok("version", "\(own), like the coordinator") }
        return .warn(
            "version",
            "this is \(own), the coordinator at \(endpoint) is \(build)",
            "install the same release, and restart the daemon that is older"
        )
    }

    private var readiness: Finding {
        guard !isReady else { return .ok("cluster", status) }
        return .warn("cluster", status, "moiety nodes says what each worker does")
    }
}

extension AnswerFacts.Worker {
    var finding: Finding {
        guard isReady else {
            let text = message.isEmpty ? state : "\(state), \(message)"
            return .warn("worker \(name)", text, "journalctl -u moiety-worker@\(name) there")
        }
        guard let link else { return .ok("worker \(name)", "its link was not measured yet") }
        let isSlow =
            link.roundTrip > AnswerFacts.Link.slowRoundTrip
            || link.bandwidth < AnswerFacts.Link.slowBandwidth
        guard isSlow else { return .ok("worker \(name)", link.text) }
        return .warn(
            "worker \(name)",
            link.text + ": each token waits for it in every layer",
            "a cable instead of radio, one switch between the machines, ethtool for its rate"
        )
    }
}

extension AnswerFacts.Link {
    fileprivate var text: String {
        let microseconds = whole(roundTrip / .microseconds(1))
        return "\(microseconds) us there and back, \(whole(bandwidth / 1e6)) MB/s"
    }
}
