public import Placement

/// Which workers a coordinator waits for before it serves.
public enum ExpectedWorkers: Equatable, Sendable {
    /// Whoever comes first, so many of them.
    case count(Int)

    /// These and no others, in this order.
    case named([WorkerName])

    /// More workers than one coordinator's sockets are meant for.
    public static let most = 1024

    public var count: Int {
        switch self {
        case .count(let count): count
        case .named(let names): names.count
        }
    }
}

extension ExpectedWorkers {
    /// From `3` or `a,b,c`: digits alone are a count, so no worker in a list may be called that.
    init?(_ text: String) {
        if let count = Int(text) {
            guard (1...Self.most).contains(count) else { return nil }
            self = .count(count)
            return
        }
        var names: [WorkerName] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let trimmed = String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            guard let name = WorkerName(rawValue: trimmed), Int(trimmed) == nil else { return nil }
            names.append(name)
        }
        guard names.count <= Self.most, Set(names).count == names.count else { return nil }
        self = .named(names)
    }
}

extension ExpectedWorkers: CustomStringConvertible {
    public var description: String {
        switch self {
        case .count(let count): String(count)
        case .named(let names): names.map(\.rawValue).joined(separator: ",")
        }
    }
}

/// How much a daemon tells, from everything to trouble only; the names are swift-log's.
public enum LogLevel: String, CaseIterable, Sendable {
    case trace
    case debug
    case info
    case notice
    case warning
    case error
    case critical
}
