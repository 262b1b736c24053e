import ClusterTesting
import Foundation
import Testing

/// Bugs that can be planted in a copy of the sources, one at a time, to see the simulator find
/// them: `make plants`.
@Suite("Planted bugs")
struct PlantTests {
    @Test("There are at least ten, and each still fits the sources", arguments: try Plant.all())
    func fits(plant: Plant) throws {
        #expect(try Plant.all().count >= 10)
        let file = WholeModel.repository.appending(path: plant.file)
        let source = try String(contentsOf: file, encoding: .utf8)
        for change in plant.changes {
            let places = source.components(separatedBy: change.find).count - 1
            #expect(places == 1, "\(plant.name): its place in \(plant.file) is there \(places)x")
        }
    }

    @Test("The one that is planted is found", .enabled(if: Plant.planted != nil))
    func found() throws {
        let name = try #require(Plant.planted)
        for seed in 1...Plant.seedCount {
            guard let failure = try SimulatedCluster(seed: seed).run() else { continue }
            print("found \(name) with seed \(seed), \(failure.prefix(200))")
            return
        }
        Issue.record("\(name) was not found by \(Plant.seedCount) seeds")
    }
}

/// A bug as a text: what it is, in which file, and what replaces what.
struct Plant: Sendable, CustomTestStringConvertible {
    struct Change: Sendable {
        let find: String
        let replacement: String
    }

    let name: String
    let file: String
    let changes: [Change]

    var testDescription: String { name }

    /// Seeds that are tried before a bug counts as not found.
    static let seedCount: UInt64 = 6000

    static var planted: String? { ProcessInfo.processInfo.environment["MOIETY_PLANT"] }

    static func all() throws -> [Plant] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Plants")
        return try FileManager.default
            .contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.path < $1.path }
            .map { try Plant(url: $0) }
    }

    private init(url: URL) throws {
        name = url.deletingPathExtension().lastPathComponent
        let parts = try String(contentsOf: url, encoding: .utf8).components(separatedBy: "----\n")
        let heading = parts[0].split(separator: "\n")
        file = String(try #require(heading.last).dropFirst("in ".count))
        changes = stride(from: 1, to: parts.count - 1, by: 2).map {
            Change(find: parts[$0], replacement: parts[$0 + 1])
        }
    }
}
