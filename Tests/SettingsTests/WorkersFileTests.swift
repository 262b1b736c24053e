import Foundation
import Placement
import Settings
import Testing

@Suite("A file of workers")
struct WorkersFileTests {
    @Test("gives each worker what is said, and defaults for the rest, sorted by name")
    func values() throws {
        let text = """
            costs:
              expert-microseconds: 12.5
              expert-bytes: 1000
            workers:
              beta:
                speed: 0.5
                memory-megabytes: 3
              alpha:
                megabytes-per-second: 100
                round-trip-microseconds: 7
                host: left
            links:
              between-hosts-megabytes-per-second: 9
            """
        let file = try withFile(text) { try WorkersFile(path: $0) }
        #expect(file.workers.map(\.name.rawValue) == ["alpha", "beta"])
        #expect(file.workers.map(\.speed) == [1, 0.5])
        #expect(file.workers.map(\.room) == [nil, 3_000_000])
        #expect(file.workers[0].bandwidth == 1e8)
        #expect(file.workers[0].roundTrip == .microseconds(7))
        #expect(file.workers.map(\.host) == ["left", ""])
        #expect(file.costs.perExpert == .nanoseconds(12_500))
        #expect(file.costs.perPair == CostModel().perPair)
        #expect(file.expertByteCount == 1000)
        #expect(file.betweenHosts == 9e6)
    }

    @Test(
        "with a slip is refused with the key",
        arguments: [
            ("workers:\n  a:\n    sped: 1", "workers.a.sped", "did you mean workers.a.speed?"),
            ("workers:\n  a:\n    speed: 0", "workers.a.speed", "must be a number from"),
            ("workers:\n  a:\n    speed: nan", "workers.a.speed", "must be a number from"),
            ("workers:\n  a:\n    speed: 1\ncost: 3", "unknown setting cost", "remove it"),
            ("workers:\n  a:\n    memory-megabytes: 5", "expert-bytes", "given together"),
            ("costs:\n  row-bytes: 5", "describes no workers", "malformed"),
            ("workers:\n  \"a b\":\n    speed: 1", "\"a b\" cannot name a worker", "malformed"),
        ]
    )
    func refused(text: String, key: String, reason: String) throws {
        let error = try withFile(text) { path in
            settingsError { _ = try WorkersFile(path: path) }
        }
        #expect(error?.description.contains(key) == true, "\(String(describing: error))")
        #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
    }

    @Test("that is shown in Config can be read")
    func shown() throws {
        let top = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = try WorkersFile(path: top.appending(path: "Config/workers.yaml").path)
        #expect(file.workers.map(\.name.rawValue) == ["alpha", "beta"])
        #expect(file.costs == CostModel())
    }
}
