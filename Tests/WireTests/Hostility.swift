import Wire

/// The three vocabularies, by what reads them.
enum WireSocket: String, CaseIterable {
    case control, data, client

    /// Whether these frames are a message.
    ///
    /// What was read must also be fit to be sent.
    func reads(_ frames: [[UInt8]]) -> Bool {
        do throws(WireError) {
            switch self {
            case .control: _ = try ControlMessage(frames: frames).encode()
            case .data: _ = try DataMessage(frames: frames).encode()
            case .client: _ = try ClientMessage(frames: frames).encode()
            }
            return true
        } catch {
            return error.description.isEmpty
        }
    }
}

/// One random message of every kind.
func encodedMessages(
    using random: inout SeededGenerator
) -> [(socket: WireSocket, frames: [[UInt8]])] {
    ControlMessage.all(using: &random).map { (.control, $0.encode()) }
        + DataMessage.all(using: &random).map { (.data, $0.encode()) }
        + ClientMessage.all(using: &random).map { (.client, $0.encode()) }
}

/// The frames with a few bytes changed, removed, doubled or swapped, mostly in the envelope.
func mutated(_ frames: [[UInt8]], using random: inout SeededGenerator) -> [[UInt8]] {
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
