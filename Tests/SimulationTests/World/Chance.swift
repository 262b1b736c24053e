import ClusterTesting
import Model

/// All that is left to chance in one simulation, so that its seed repeats it.
final class Chance {
    private var generator: SeededRandom

    init(seed: UInt64) { generator = SeededRandom(seed: seed) }

    func happens(_ probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &generator) < probability
    }

    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    func number() -> UInt64 { generator.next() }

    /// A time in microseconds.
    func time(_ microseconds: ClosedRange<Int>) -> Duration { .microseconds(number(microseconds)) }

    /// A time as likely to be short as long: first the order of magnitude is drawn.
    func scaledTime(_ microseconds: ClosedRange<Int>) -> Duration {
        let (shortest, longest) = (microseconds.lowerBound, microseconds.upperBound)
        let ratio = longest / max(1, shortest)
        let octaves = ratio.bitWidth - ratio.leadingZeroBitCount
        return time(shortest...max(shortest, longest >> number(0...octaves)))
    }

    func pick<Element>(_ elements: [Element]) -> Element? {
        elements.randomElement(using: &generator)
    }
}
