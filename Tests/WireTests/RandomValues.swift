import Cluster
import Model
import Placement
import Tensors
import Wire

/// Numbers that repeat with their seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// Random values of everything that messages are made of.
extension SeededGenerator {
    mutating func int(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &self) }

    mutating func bool() -> Bool { .random(using: &self) }

    mutating func number() -> UInt64 {
        // Small, large and extreme ones alike.
        next() >> UInt64(int(0...63))
    }

    mutating func float() -> Float { .random(in: -1e3...1e3, using: &self) }

    mutating func choice<Choice: CaseIterable>(_: Choice.Type = Choice.self) -> Choice
    where Choice.AllCases == [Choice] {
        Choice.allCases[int(0...Choice.allCases.count - 1)]
    }

    mutating func list<Element>(
        _ count: ClosedRange<Int> = 0...5,
        _ element: (inout Self) -> Element
    ) -> [Element] {
        (0..<int(count)).map { _ in element(&self) }
    }

    mutating func text() -> String {
        String(
            list(0...12) { random in
                ["a", "Z", "é", "\u{0}", "\n", "漢", "🙂", " ", "\"", "\u{301}"][random.int(0...9)]
            }.joined()
        )
    }

    mutating func optionalText() -> String? {
        let text = text()
        return text.isEmpty ? nil : text
    }

    mutating func name() -> WorkerName {
        let letters = Array("abcXYZ019._-")
        let text = String(list(1...WorkerName.longest) { $0.letter(letters) })
        guard let name = WorkerName(rawValue: text) else { preconditionFailure(text) }
        return name
    }

    private mutating func letter(_ letters: [Character]) -> Character {
        letters[int(0...letters.count - 1)]
    }

    mutating func duration() -> Duration { .nanoseconds(Int64(number() >> 1)) }

    mutating func epoch() -> Epoch { Epoch(rawValue: number()) }

    mutating func optionalEpoch() -> Epoch? {
        bool() ? Epoch(rawValue: max(1, number())) : nil
    }

    mutating func incarnation() -> Incarnation { Incarnation(rawValue: number()) }

    mutating func digest() -> [UInt8] { list(32...32) { UInt8(truncatingIfNeeded: $0.next()) } }

    mutating func identity() -> ModelIdentity {
        ModelIdentity(fileByteCount: number(), headerDigest: digest())
    }

    mutating func tokens() -> [Int32] { list { Int32(truncatingIfNeeded: $0.next()) } }
}
