import ClusterTesting
import Foundation
import Testing

/// What belongs to one coordinator is not taken from it by another.
@Suite("Two coordinators notice each other", .serialized, .timeLimit(.minutes(10)))
struct SecondCoordinatorTests {
    @Test("A second coordinator on one state directory ends and names it; the first goes on")
    func stateDirectory() async throws {
        let cluster = try ClusterOfProcesses()
        let expected = try await ClusterProcessTests.tokens(of: cluster)
        let second = try cluster.secondCoordinator()
        #expect(await second.ended() == 1)
        let log = second.logText
        #expect(log.contains("another coordinator uses the state directory"), "\(log)")
        #expect(log.contains(cluster.directory.path), "\(log)")
        #expect(log.contains("--state-directory"), "\(log)")
        #expect(try await ClusterProcessTests.tokens(of: cluster) == expected)
    }

    @Test("A coordinator does not take the endpoints of a living one")
    func endpoints() async throws {
        let cluster = try ClusterOfProcesses()
        let expected = try await ClusterProcessTests.tokens(of: cluster)
        let other = try TemporaryFile("other")
        let second = try cluster.secondCoordinator(stateDirectory: other.path)
        #expect(await second.ended() == 69)
        #expect(second.logText.contains("the address is in use"), "\(second.logText)")
        #expect(second.logText.contains(cluster.workerEndpoint), "\(second.logText)")
        #expect(try await ClusterProcessTests.tokens(of: cluster) == expected)
    }

    @Test("kill -9 lets go of the state directory and of the endpoints")
    func killed() async throws {
        let cluster = try ClusterOfProcesses()
        let expected = try await ClusterProcessTests.tokens(of: cluster)
        cluster.coordinator.kill(SIGKILL)
        #expect(await cluster.coordinator.ended() == -SIGKILL)
        try cluster.startCoordinator()
        #expect(try await ClusterProcessTests.tokens(of: cluster) == expected)
    }
}
