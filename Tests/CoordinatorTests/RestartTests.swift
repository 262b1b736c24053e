import ClusterTesting
import Foundation
import Model
import Placement
import Testing
import Wire

/// What a coordinator remembers, and what it takes from files.
@Suite(
    "A coordinator's next life goes on where the last one ended",
    .serialized,
    .timeLimit(.minutes(10))
)
struct RestartTests {
    private static let names = ["alpha", "beta"]

    @Test("A restarted coordinator finds its workers with their experts, and serves at once")
    func workersStay() async throws {
        try await InProcessCluster.prepare(.demo(Self.names)) { cluster in
            let expected = try Demo.tokens(count: 12)
            let workers = try Self.names.map { try cluster.worker($0) }
            try await cluster.running(workers) {
                let before = try await cluster.running([cluster.coordinator()]) {
                    _ = try await cluster.client.generate(Demo.prompt, maximumTokens: 12)
                    return try await cluster.client.nodes { nodes in
                        nodes.allSatisfy { $0.rowsComputed > 0 }
                    }
                }
                let after = try await cluster.running([cluster.coordinator()]) {
                    let next = try await cluster.client.generate(Demo.prompt, maximumTokens: 12)
                    #expect(next.tokens == expected, "\(next.message)")
                    return try await cluster.client.nodes { nodes in
                        zip(before, nodes).allSatisfy { $1.rowsComputed > $0.rowsComputed }
                    }
                }
                for (old, new) in zip(before, after) {
                    // The same life of the same process: it counted on, and never loaded again.
                    #expect(new.incarnation == old.incarnation)
                    #expect(new.epoch == old.epoch)
                }
            }
        }
    }

    @Test("Epochs only grow, whatever the plan file says")
    func epochs() async throws {
        let plan = try Self.plan(epoch: 7, swapped: false)
        var setup = InProcessCluster.Setup.demo(Self.names)
        setup.plan = plan
        try await InProcessCluster.prepare(setup) { cluster in
            var epochs: [UInt64] = []
            for (epoch, swapped) in [(7, false), (7, false), (3, true), (3, false)]
                as [(UInt64, Bool)]
            {
                var next = cluster.setup
                next.plan = try Self.plan(epoch: epoch, swapped: swapped)
                let life = cluster.with(next)
                let status = try await life.running([life.coordinator()]) {
                    try await life.client.status()
                }
                epochs.append(try #require(status.epoch).rawValue)
                let data = try Data(
                    contentsOf: URL(filePath: "\(cluster.stateDirectory)/plan.json")
                )
                #expect(try Plan(json: Array(data)).epoch.rawValue == epochs.last)
            }
            #expect(epochs == [7, 7, 8, 9])
        }
    }

    @Test(
        "A plan that makes no sense, or is not this model's, is refused by name",
        .timeLimit(.minutes(10)),
        arguments: [
            (#"{"epoch":1,"workers":["a","b"],"layers":[[{"replicas":[0,0]}]]}"#, "replicas"),
            (
                #"{"epoch":1,"workers":["a"],"#
                    + #""layers":[[{"shards":[{"worker":0,"from":0,"to":384}]}]]}"#,
                "shards"
            ),
            (#"{"epoch":1,"workers":["a"],"layers":[[0,0]]}"#, "layer"),
        ]
    )
    func refusedPlans(json: String, named: String) async throws {
        try await InProcessCluster.prepare(.demo(["a"])) { cluster in
            // The first expert of a plan of the right size, so that nothing else is wrong.
            let text =
                named == "layer" ? json : try Self.filled(json, model: WholeModel.demo.description)
            let path = "\(cluster.directory)/given.json"
            try Data(text.utf8).write(to: URL(filePath: path))
            var setup = cluster.setup
            setup.settings["coordinator.plan"] = path
            let life = cluster.with(setup)
            await #expect {
                try await life.coordinator().run()
            } throws: { error in
                "\(error)".contains(named) && "\(error)".contains("given.json")
            }
        }
    }

    /// The same entry for every expert of every layer.
    private static func filled(_ json: String, model: ModelDescription) throws -> String {
        let start = try #require(json.range(of: #""layers":[["#)).upperBound
        let entry = json[start...].dropLast(3)
        let layers = model.expertCounts.map { count in
            "[" + Array(repeating: String(entry), count: count).joined(separator: ",") + "]"
        }
        return json[..<start].dropLast() + layers.joined(separator: ",") + "]}"
    }

    private static func plan(epoch: UInt64, swapped: Bool) throws -> Plan {
        let workers = names.compactMap(WorkerName.init(rawValue:))
        let layers = try WholeModel.demo.description.expertCounts.map { count in
            (0..<count).map { ExpertEntry.worker(($0 + (swapped ? 1 : 0)) % 2) }
        }
        return Plan(epoch: Epoch(rawValue: epoch), workers: workers, layers: layers)
    }
}
