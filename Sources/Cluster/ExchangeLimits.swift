extension Exchange {
    public struct Limits: Hashable, Sendable {
        /// How long a worker may compute one share.
        ///
        /// Long prompts on slow machines take seconds; a worker that is dead, rather than slow, is
        /// noticed by its missing heartbeats.
        public var answerTime: Duration = .seconds(30)
        /// How often one share is sent before the layer fails.
        public var attempts: UInt32 = 3

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
