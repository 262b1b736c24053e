public import Model
import Wire

/// The vocabularies, by what reads them.
public enum WireSocket: String, CaseIterable, Sendable {
    case control, data, client, chunk

    /// Whether these frames are a message.
    ///
    /// What was read must also be fit to be sent.
    public func reads(_ frames: [[UInt8]]) -> Bool {
        do throws(WireError) {
            switch self {
            case .control: _ = try ControlMessage(frames: frames).encode()
            case .data: _ = try DataMessage(frames: frames).encode()
            case .client: _ = try ClientMessage(frames: frames).encode()
            case .chunk: _ = try ChunkMessage(frames: frames).encode()
            }
            return true
        } catch {
            return error.description.isEmpty
        }
    }

    /// One random message of every kind of this vocabulary.
    public func messages(using random: inout SeededRandom) -> [[[UInt8]]] {
        switch self {
        case .control:
            (ControlMessage.all(using: &random) + ControlMessage.lossy(using: random)).map {
                $0.encode()
            }
        case .data:
            (DataMessage.all(using: &random) + DataMessage.lossy(using: random)).map { $0.encode() }
        case .client:
            (ClientMessage.all(using: &random) + ClientMessage.lossy(using: random)).map {
                $0.encode()
            }
        case .chunk: ChunkMessage.all(using: &random).map { $0.encode() }
        }
    }
}

/// One random message of every kind.
public func encodedMessages(
    using random: inout SeededRandom
) -> [(socket: WireSocket, frames: [[UInt8]])] {
    WireSocket.allCases.flatMap { socket in
        socket.messages(using: &random).map { (socket, $0) }
    }
}

/// Up to six frames of up to 40 bytes, of no meaning.
public func randomFrames(
    using random: inout SeededRandom,
    atLeast count: Int = 0
) -> [[UInt8]] {
    random.list(count...6) { random in
        random.list(0...40) { UInt8(truncatingIfNeeded: $0.next() >> 8) }
    }
}

/// The frames with a few bytes changed, removed, doubled or swapped, mostly in the envelope.
public func mutated(_ frames: [[UInt8]], using random: inout SeededRandom) -> [[UInt8]] {
    var frames = frames
    for _ in 0..<random.int(1...4) {
        let index = random.bool() ? 0 : random.int(0...frames.count - 1)
        guard !frames[index].isEmpty else { continue }
        let place = random.int(0...frames[index].count - 1)
        switch random.int(0...5) {
        case 0: frames[index][place] = UInt8(truncatingIfNeeded: random.next())
        case 1: frames[index][place] ^= 1 << UInt8(random.int(0...7))
        case 2: frames[index].remove(at: place)
        case 3: frames[index].insert(UInt8(truncatingIfNeeded: random.next()), at: place)
        case 4: frames[index].append(contentsOf: frames[index][place...])
        default: frames.swapAt(index, random.int(0...frames.count - 1))
        }
    }
    return frames
}

/// Messages that are wrong in every way that a list can name, each with its name.
public struct WrongFrames: Sendable, CustomStringConvertible {
    public let description: String
    public let frames: [[UInt8]]

    public init(_ description: String, _ frames: [[UInt8]]) {
        self.description = description
        self.frames = frames
    }

    /// Wrong on every socket.
    public static func everywhere(like genuine: [[UInt8]]) -> [WrongFrames] {
        let envelope = genuine[0]
        return [
            WrongFrames("an empty message", [[]]),
            WrongFrames("a type from the future", [[0x9a, 0x06, 0x00]]),
            WrongFrames("a truncated envelope", [Array(envelope.dropLast())] + genuine.dropFirst()),
            WrongFrames("an extra frame", genuine + [[1, 2, 3]]),
            WrongFrames("only frames without an envelope", [[]] + genuine),
            WrongFrames("more frames than any message has", Array(repeating: [1], count: 30)),
            WrongFrames("a length beyond the end", [[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]]),
            WrongFrames("a number of eleven bytes", [[0x08] + Array(repeating: 0xff, count: 11)]),
            WrongFrames("groups within groups", [Array(repeating: 0x0b, count: 100_000)]),
            WrongFrames("an envelope beyond the limit", [padding(byteCount: 1 << 20) + envelope]),
        ]
    }

    /// Unknown fields: right in spite of them, because the protocol may grow.
    public static func padded(_ genuine: [[UInt8]], byteCount: Int = 4096) -> [[UInt8]] {
        [genuine[0] + padding(byteCount: byteCount)] + genuine.dropFirst()
    }

    /// Fields of the number 1000, of 100 bytes each.
    private static func padding(byteCount: Int) -> [UInt8] {
        let field: [UInt8] = [0xc2, 0x3e, 100] + Array(repeating: 0x55, count: 100)
        return Array(repeating: field, count: max(1, byteCount / field.count + 1)).flatMap(\.self)
    }
}
