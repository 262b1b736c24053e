extension Plan {
    /// How large a plan may be; real models stay an order of magnitude below.
    public struct Limits: Hashable, Sendable {
        /// 128 layers of 512 experts in eight shards each are about this long.
        public var fileByteCount = 16 << 20
        public var workers = 1024
        public var layers = 1024
        public var expertsPerLayer = 4096
        /// Replicas or shards of one expert.
        public var partsPerExpert = 64

        public init() {}
    }
}
