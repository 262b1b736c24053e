import Cluster
import ClusterTesting
import Foundation
import Messaging
import Testing
import Wire

/// `moiety serve`: a whole cluster that comes and goes with one process.
@Suite("A served cluster leaves nothing behind", .serialized, .timeLimit(.minutes(10)))
struct ServeProcessTests {
    @Test("Ctrl-C and SIGTERM stop a served cluster cleanly", arguments: [SIGINT, SIGTERM])
    func stopped(signal: Int32) async throws {
        let served = try Served()
        let children = try await served.whenReady()
        served.process.kill(signal)
        #expect(await served.process.ended() == 0, "\(served.process.logText)")
        #expect(children.allSatisfy { ClusterProcess.parent(of: $0) == nil })
    }

    @Test("kill -9 of a served cluster's parent leaves no process behind")
    func killed() async throws {
        let served = try Served()
        let children = try await served.whenReady()
        served.process.kill(SIGKILL)
        #expect(await served.process.ended() == -SIGKILL)
        try await ClusterProcess.wait {
            children.allSatisfy { ClusterProcess.parent(of: $0) == nil }
        }
    }

    @Test("A served worker that dies is started again, and the cluster is ready again")
    func restarted() async throws {
        let served = try Served()
        let children = try await served.whenReady()
        let before = Set(try await served.client.nodes().map(\.incarnation))
        let victim = try #require(
            children.first { ClusterProcess.name(of: $0) == "moiety-worker" }
        )
        _ = Glibc.kill(victim, SIGKILL)
        try await ClusterProcess.wait { ClusterProcess.parent(of: victim) == nil }
        // Ready alone would not do: the loss may not have been noticed yet.
        try await served.client.nodes { nodes in
            nodes.allSatisfy { $0.state == "ready" } && Set(nodes.map(\.incarnation)) != before
        }
        let ended = try await served.client.generate("NAME\n       ls - ", maximumTokens: 4)
        #expect(ended.outcome == .completed, "\(ended.message)")
        served.process.kill(SIGINT)
        #expect(await served.process.ended() == 0)
    }

    @Test("A served coordinator whose address is taken ends the cluster and is not started again")
    func addressInUse() async throws {
        let context = try MessagingContext()
        let other = try Socket(.router, in: context)
        let taken = try other.bind(Endpoint("tcp://127.0.0.1:0"))
        let served = try Served(clientEndpoint: "\(taken)")
        #expect(await served.process.ended() == 69)
        let log = served.process.logText
        #expect(log.contains("\(taken)") && log.contains("in use"), "\(log)")
        #expect(!log.contains("starting it again"), "\(log)")
    }
}
