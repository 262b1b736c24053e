/// What was looked at, how it is, and what to do about it.
public struct Finding: Equatable, Sendable {
    /// How bad it is; the worst last.
    public enum State: String, Encodable, CaseIterable, Comparable, Sendable {
        case ok
        /// The cluster works, but less well than it could.
        case warn
        /// The daemon will not start, or not serve.
        case fail

        public static func < (left: State, right: State) -> Bool { left.rank < right.rank }

        private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    }

    /// A word: `clock`, `memory`, `keys`.
    public let topic: String
    public let state: State
    /// How it is.
    public let text: String
    /// What to do; nil where nothing is to be done.
    public let advice: String?

    public static func ok(_ topic: String, _ text: String) -> Finding {
        Finding(topic: topic, state: .ok, text: text, advice: nil)
    }

    public static func warn(_ topic: String, _ text: String, _ advice: String) -> Finding {
        Finding(topic: topic, state: .warn, text: text, advice: advice)
    }

    public static func fail(_ topic: String, _ text: String, _ advice: String) -> Finding {
        Finding(topic: topic, state: .fail, text: text, advice: advice)
    }
}

extension Finding: Encodable {}

extension [Finding] {
    /// The worst of them.
    public var state: Finding.State { map(\.state).max() ?? .ok }
}

/// A number that findings tell, whatever it was computed from.
func whole(_ value: Double) -> Int {
    value.isFinite ? Int(min(max(0, value), 1e15).rounded()) : 0
}

/// Sizes as findings tell them; a thousand bytes are a kilobyte.
func gigabytes(_ byteCount: UInt64) -> String {
    let tenths = (byteCount + 50_000_000) / 100_000_000
    return "\(tenths / 10).\(tenths % 10) GB"
}
