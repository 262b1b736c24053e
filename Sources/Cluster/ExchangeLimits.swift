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

    /// Unwanted answers by kind, for metrics.
    public struct StrayCounts: Hashable, Sendable {
        public private(set) var unknown = 0
        public private(set) var late = 0
        public private(set) var duplicate = 0
        public private(set) var wrongEpoch = 0
        public private(set) var wrongWorker = 0

        mutating func count(_ stray: Stray) {
            switch stray {
            case .unknown: unknown += 1
            case .late: late += 1
            case .duplicate: duplicate += 1
            case .wrongEpoch: wrongEpoch += 1
            case .wrongWorker: wrongWorker += 1
            }
        }
    }
}
