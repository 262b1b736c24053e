extension Exchange {
    public struct Limits: Hashable, Sendable {
        /// How long a worker may compute one share.
        ///
        /// Long prompts on slow machines take seconds; a worker that is dead, rather than slow, is
        /// noticed by its missing heartbeats.
        public var answerTime: Duration = .seconds(30)
        /// How often the same rows and experts are asked for before the layer fails.
        ///
        /// Enough for workers that die one after another; few enough that rows which kill whoever
        /// computes them do not kill everyone again and again.
        public var attempts: UInt32 = 5
        /// How long a step waits for experts that nobody who serves holds.
        ///
        /// A worker that restarts loads its experts first.
        public var absenceTime: Duration = .seconds(30)

        public init() {}
    }
}

extension Exchange.Stray {
    /// As operators see it counted.
    public var reason: DropCounts.Reason {
        switch self {
        case .unknown: .unknownShare
        case .late: .late
        case .duplicate: .duplicate
        case .wrongEpoch: .staleEpoch
        case .wrongWorker: .wrongWorker
        }
    }
}
