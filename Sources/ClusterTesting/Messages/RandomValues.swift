public import Cluster
public import Model
public import Placement

/// Random values of everything that messages are made of.
extension SeededRandom {
    public mutating func int(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &self) }

    public mutating func bool() -> Bool { .random(using: &self) }

    public mutating func number() -> UInt64 {
        // Small, large and extreme ones alike.
        next() >> UInt64(int(0...63))
    }

    public mutating func float() -> Float { .random(in: -1e3...1e3, using: &self) }

    public mutating func choice<Choice: CaseIterable>(_: Choice.Type = Choice.self) -> Choice
    where Choice.AllCases == [Choice] {
        Choice.allCases[int(0...Choice.allCases.count - 1)]
    }

    public mutating func list<Element>(
        _ count: ClosedRange<Int> = 0...5,
        _ element: (inout Self) -> Element
    ) -> [Element] {
        (0..<int(count)).map { _ in element(&self) }
    }

    public mutating func text() -> String {
        String(
            list(0...12) { random in
                ["a", "Z", "é", "\u{0}", "\n", "漢", "🙂", " ", "\"", "\u{301}"][random.int(0...9)]
            }.joined()
        )
    }

    public mutating func optionalText() -> String? {
        let text = text()
        return text.isEmpty ? nil : text
    }

    public mutating func name() -> WorkerName {
        let letters = Array("abcXYZ019._-")
        let text = String(list(1...WorkerName.longest) { $0.letter(letters) })
        guard let name = WorkerName(rawValue: text) else { preconditionFailure(text) }
        return name
    }

    private mutating func letter(_ letters: [Character]) -> Character {
        letters[int(0...letters.count - 1)]
    }

    public mutating func duration() -> Duration { .nanoseconds(Int64(number() >> 1)) }

    public mutating func epoch() -> Epoch { Epoch(rawValue: number()) }

    public mutating func optionalEpoch() -> Epoch? {
        bool() ? Epoch(rawValue: max(1, number())) : nil
    }

    public mutating func incarnation() -> Incarnation { Incarnation(rawValue: number()) }

    public mutating func digest() -> [UInt8] {
        list(32...32) { UInt8(truncatingIfNeeded: $0.next()) }
    }

    public mutating func identity() -> ModelIdentity {
        ModelIdentity(fileByteCount: number(), headerDigest: digest())
    }

    public mutating func drops() -> DropCounts {
        var drops = DropCounts()
        for _ in 0..<int(0...4) { drops.add(number(), to: choice()) }
        return drops
    }

    public mutating func supply() -> SupplyCounts {
        var counts = SupplyCounts()
        counts.fromFile = number()
        counts.fromCache = number()
        counts.fetched = number()
        counts.fetchedByteCount = number()
        counts.fallBacks = number()
        counts.notKept = number()
        return counts
    }

    public mutating func tokens() -> [Int32] { list { Int32(truncatingIfNeeded: $0.next()) } }
}
