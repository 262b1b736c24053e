import ClusterTesting
import Foundation
import Model
import Testing
import Wire

/// Connections beyond all measure, against daemons as processes.
@Suite("Whoever only connects takes nothing from the others", .serialized, .timeLimit(.minutes(10)))
struct ConnectionFloodTests {
    private static let count = 1000

    @Test("More connections than there are descriptors end no coordinator and no job")
    func beyondDescriptors() async throws {
        SilentConnections.allowMany()
        let cluster = try ClusterOfProcesses(descriptorLimit: 256)
        let expected = try await ClusterProcessTests.tokens(of: cluster)
        for endpoint in [cluster.workerEndpoint, cluster.dataEndpoint, cluster.clientEndpoint] {
            // They connect, and are dropped where there is no room for them.
            let crowd = try SilentConnections(Self.count, to: endpoint)
            #expect(try cluster.coordinator.descriptorCount() <= 256)
            if endpoint == cluster.clientEndpoint {
                // A newcomer is served once the silent are dropped, who are given ten seconds.
                try await Self.expectNoSpin(of: cluster)
            }
            crowd.leave()
            #expect(try await ClusterProcessTests.tokens(of: cluster) == expected)
        }
        #expect(cluster.coordinator.isRunning, "\(cluster.coordinator.logText)")
    }

    @Test("1,000 connections that say nothing keep nobody from being served, on any socket")
    func silent() async throws {
        SilentConnections.allowMany()
        let cluster = try ClusterOfProcesses()
        let expected = try await ClusterProcessTests.tokens(of: cluster)
        let before = try Self.Figures(cluster.coordinator)
        var figures = before
        for endpoint in [cluster.clientEndpoint, cluster.workerEndpoint, cluster.dataEndpoint] {
            let crowd = try SilentConnections(Self.count, to: endpoint)
            #expect(try await ClusterProcessTests.tokens(of: cluster) == expected)
            figures = try Self.Figures(cluster.coordinator)
            #expect(figures.descriptors >= before.descriptors + Self.count - Self.slack)
            #expect(figures.resident < before.resident + Self.bound)
            crowd.leave()
            try await Self.untilDescriptorsReturn(to: before.descriptors, in: cluster)
        }
        #expect(try await ClusterProcessTests.tokens(of: cluster) == expected)
        print("1,000 silent connections: \(before) before, \(figures) with them")
    }

    @Test("1,000 connections that greet and say no more keep nobody from being served")
    func greeted() async throws {
        SilentConnections.allowMany()
        let cluster = try ClusterOfProcesses()
        let expected = try await ClusterProcessTests.tokens(of: cluster)
        let before = try Self.Figures(cluster.coordinator)
        let client = ClientMessage.clientHello(ClientHello(build: "idle")).encode()
        var random = SeededRandom(seed: 1)
        let worker = ControlMessage.hello(.random(using: &random)).encode()
        let greetings = [
            (cluster.clientEndpoint, client), (cluster.workerEndpoint, worker),
            (cluster.dataEndpoint, [[1]]),
        ]
        // A first round warms up: what the system's allocator keeps is not given back at once.
        var warm = 0
        for (round, (endpoint, greeting)) in (greetings + greetings).enumerated() {
            let crowd = try IdlePeers(Self.count, at: endpoint, greeting: greeting)
            #expect(try await ClusterProcessTests.tokens(of: cluster) == expected)
            let figures = try Self.Figures(cluster.coordinator)
            #expect(figures.resident < before.resident + Self.bound)
            if round < greetings.count { warm = max(warm, figures.resident) }
            #expect(figures.resident <= warm + Self.growth)
            print("1,000 idle peers: \(before) before, \(figures) with them")
            crowd.leave()
            try await Self.untilDescriptorsReturn(to: before.descriptors, in: cluster)
        }
        #expect(try await ClusterProcessTests.tokens(of: cluster) == expected)
    }

    // MARK: Measuring

    /// Connections of clients of this test that may come and go.
    private static let slack = 4

    /// Memory that 1,000 connections may take: 29 kB each, and what waits on them.
    private static let bound = 96 << 20
    /// Memory that they may take more the second time.
    private static let growth = 16 << 20

    private struct Figures: CustomStringConvertible {
        let descriptors: Int
        let resident: Int

        init(_ process: ClusterProcess) throws {
            descriptors = try process.descriptorCount()
            resident = try process.residentByteCount()
        }

        var description: String { "\(descriptors) descriptors and \(resident >> 20) MiB" }
    }

    /// Waits until those who left are forgotten, while a client asks and is answered.
    private static func untilDescriptorsReturn(
        to count: Int,
        in cluster: ClusterOfProcesses
    ) async throws {
        let process = cluster.coordinator
        try await cluster.client.status { _ in
            (try? process.descriptorCount()).map { $0 <= count + slack } ?? false
        }
    }

    /// A daemon that has nothing to do must not be busy, whoever knocks.
    private static func expectNoSpin(of cluster: ClusterOfProcesses) async throws {
        let process = cluster.coordinator
        let start = try process.processorTime()
        let clock = ContinuousClock.now
        try await cluster.client.status { _ in ContinuousClock.now > clock + .milliseconds(500) }
        let share = (try process.processorTime() - start) / (ContinuousClock.now - clock)
        #expect(share < 0.5, "it computes for \(share) of the time")
    }
}
