/// The number of a plan; it only grows, over restarts too.
public struct Epoch: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

extension Epoch: Comparable {
    public static func < (left: Epoch, right: Epoch) -> Bool { left.rawValue < right.rawValue }
}

extension Epoch: CustomStringConvertible {
    public var description: String { "\(rawValue)" }
}
