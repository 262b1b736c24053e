/// The name of a job: unique over all lives of a coordinator.
public struct JobID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Which life of the coordinator took it in.
    public let life: UInt32
    /// Counts from 1 within a life.
    public let number: UInt64

    public init(life: UInt32, number: UInt64) {
        self.life = life
        self.number = number
    }

    /// Reads `job-LIFE-NUMBER`, as `description` writes it.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "job", let life = UInt32(parts[1]),
            let number = UInt64(parts[2])
        else { return nil }
        self.init(life: life, number: number)
        guard description == text else { return nil }
    }

    public var description: String { "job-\(life)-\(number)" }

    /// The one that was taken in earlier comes first.
    public static func < (a: JobID, b: JobID) -> Bool {
        (a.life, a.number) < (b.life, b.number)
    }
}
