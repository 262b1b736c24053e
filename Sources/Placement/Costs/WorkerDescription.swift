/// What a solver and a replay need to know about a worker.
public struct WorkerDescription: Hashable, Sendable {
    public let name: WorkerName
    /// Bytes of experts that it has memory for; nil: as many as an even split of every layer gives
    /// it.
    public var room: Int?
    /// How fast it computes; 1 is the worker that the cost model was measured on.
    public var speed = 1.0
    /// Bytes per second between it and the coordinator.
    public var bandwidth = 1.25e9
    /// What a share costs before its first byte and after its last.
    public var roundTrip = Duration.microseconds(100)
    /// Workers of one host have fast links to each other.
    public var host = ""

    public init(name: WorkerName) {
        self.name = name
    }

    /// `count` equal workers named w0, w1, …; sorted as they are numbered.
    public static func equal(_ count: Int) -> [WorkerDescription] {
        let digits = String(max(0, count - 1)).count
        return (0..<count).compactMap { index in
            let number = String(index)
            let zeros = String(repeating: "0", count: digits - number.count)
            return WorkerName(rawValue: "w" + zeros + number).map(WorkerDescription.init)
        }
    }
}
