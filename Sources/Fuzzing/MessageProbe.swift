import Placement
import Wire

/// Takes any bytes as a message of one of the three sockets, or as a plan, and answers.
///
/// An input is a byte that says which, then for a message the number of its frames and the
/// frames: a length of two bytes in front of each but the last, which takes what is left. Whatever
/// can be read must be fit to be sent, and what is sent must be read as the same.
public struct MessageProbe: Sendable {
    public enum Kind: UInt8, CaseIterable, Sendable {
        case control, data, client, plan
    }

    /// More frames than any message has.
    private static let largestFrameCount = 9

    public init() {}

    /// What becomes of an input.
    public func outcome(of input: [UInt8]) -> ProbeOutcome {
        guard let first = input.first,
            let kind = Kind(rawValue: first % UInt8(Kind.allCases.count))
        else { return .refused("no bytes") }
        do {
            let rest = input.dropFirst()
            switch kind {
            case .control:
                return try Self.check(Self.frames(of: rest)) { frames throws(WireError) in
                    try ControlMessage(frames: frames).encode()
                }
            case .data:
                return try Self.check(Self.frames(of: rest)) { frames throws(WireError) in
                    try DataMessage(frames: frames).encode()
                }
            case .client:
                return try Self.check(Self.frames(of: rest)) { frames throws(WireError) in
                    try ClientMessage(frames: frames).encode()
                }
            case .plan:
                return try Self.check([Array(rest)]) { frames throws(PlanError) in
                    [try Plan(json: frames[0]).json()]
                }
            }
        } catch {
            return .refused(by: error)
        }
    }

    /// The input that holds a message of these frames.
    public static func input(_ kind: Kind, frames: [[UInt8]]) -> [UInt8] {
        guard kind != .plan else { return [kind.rawValue] + frames.joined() }
        var input = [kind.rawValue, UInt8(clamping: frames.count)]
        for frame in frames.dropLast() {
            let count = UInt16(clamping: frame.count)
            input += [UInt8(truncatingIfNeeded: count), UInt8(truncatingIfNeeded: count >> 8)]
            input += frame
        }
        return input + (frames.last ?? [])
    }

    private static func frames(of input: ArraySlice<UInt8>) -> [[UInt8]] {
        guard let first = input.first, first > 0 else { return [] }
        var rest = input.dropFirst()
        var frames: [[UInt8]] = []
        for _ in 1..<min(Int(first), largestFrameCount) {
            let size = rest.prefix(2).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(2)
            frames.append(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        return frames + [Array(rest)]
    }

    /// Compares bytes, not values: of two values that are no numbers neither equals the other.
    private static func check<Failure: Error>(
        _ frames: [[UInt8]],
        again: ([[UInt8]]) throws(Failure) -> [[UInt8]]
    ) throws(Failure) -> ProbeOutcome {
        let sent = try again(frames)
        do throws(Failure) {
            return try again(sent) == sent ? .read : .changed("read as something else")
        } catch {
            return .changed("what was sent is refused: \(error)")
        }
    }
}
