import Cluster
import ClusterTesting
import Foundation
import Messaging
import Model
import Placement
import Testing
import Wire

/// Random and mutated messages in numbers, against daemons as processes, whose memory is measured.
///
/// `MOIETY_HOSTILE_COUNT` says how many of each kind; `make hostile` sends 100,000.
@Suite("A flood of messages stops nobody and fills nothing", .serialized, .timeLimit(.minutes(30)))
struct MessageFloodTests {
    private static let count =
        ProcessInfo.processInfo.environment["MOIETY_HOSTILE_COUNT"].flatMap { Int($0) } ?? 20_000

    /// Memory that a flood may take after the one that warmed up.
    private static let growth = 24 << 20

    @Test(
        "A coordinator goes on computing, on every socket",
        arguments: ["workers", "shares", "chunks", "clients", "greeted clients"]
    )
    func coordinator(socket: String) async throws {
        let cluster = try ClusterOfProcesses()
        let expected = try await ClusterProcessTests.tokens(of: cluster)
        let hello = ClientMessage.clientHello(ClientHello(build: "flood")).encode()
        let (endpoint, vocabulary): (String, WireSocket) =
            switch socket {
            case "workers": (cluster.workerEndpoint, .control)
            case "shares": (cluster.dataEndpoint, .data)
            case "chunks": (cluster.chunkEndpoint, .chunk)
            default: (cluster.clientEndpoint, .client)
            }
        let greeting = socket == "greeted clients" ? hello : nil
        _ = try await Flood(vocabulary, seed: 1).pour(
            into: endpoint,
            randomCount: 1000,
            mutatedCount: 1000,
            greeting: greeting
        )
        let before = try cluster.coordinator.residentByteCount()
        async let tally = Flood(vocabulary, seed: 2).pour(
            into: endpoint,
            randomCount: Self.count,
            mutatedCount: Self.count,
            greeting: greeting
        )
        let during = try await ClusterProcessTests.tokens(of: cluster)
        let sent = try await tally.sent
        #expect(during == expected)
        #expect(try await ClusterProcessTests.tokens(of: cluster) == expected)
        let after = try cluster.coordinator.residentByteCount()
        #expect(after <= before + Self.growth, "\(before >> 20) MiB, then \(after >> 20) MiB")
        let name = socket == "greeted clients" ? "clients" : socket
        let status = try await cluster.client.status()
        let drops = try #require(status.sockets.first { $0.name == name }).drops
        #expect(drops.total > 0)
        #expect(cluster.coordinator.logText.contains("reason="), "it tells what it dropped")
        #expect(cluster.coordinator.isRunning && cluster.workers.values.allSatisfy(\.isRunning))
        print("\(socket): \(sent) sent; dropped: \(drops); \(before >> 20) → \(after >> 20) MiB")
    }

    @Test("A worker goes on computing, on both connections")
    func worker() async throws {
        let tiny = try TinyModel().writeTemporary()
        let model = try ModelFile(path: tiny.path)
        let place = try TemporaryFile("worker")
        try FileManager.default.createDirectory(
            atPath: place.path,
            withIntermediateDirectories: true
        )
        let process = try ClusterProcess(
            "moiety-worker",
            [
                "--name", "worker", "--model", tiny.path, "--threads", "1",
                "--coordinator", "ipc://\(place.path)/workers",
                "--state-directory", "\(place.path)/state",
            ]
        )
        let figures = try await onThread {
            let coordinator = try ScriptedCoordinator(directory: place.path)
            let expert = ExpertID(layer: LayerIndex(0), index: 0)
            try coordinator.assign([expert], of: model)
            try Self.flood(coordinator, seed: 1, count: 1000)
            let before = try process.residentByteCount()
            try Self.flood(coordinator, seed: 2, count: Self.count)
            let after = try process.residentByteCount()
            var drops = DropCounts()
            try coordinator.heartbeat { heartbeat in
                drops = heartbeat.drops
                return drops.total > UInt64(Self.count)
            }
            return (before, after, drops)
        }
        #expect(figures.1 <= figures.0 + Self.growth)
        #expect(process.isRunning, "\(process.logText.suffix(2000))")
        print(
            "worker: \(2 * Self.count) sent on each connection; dropped: \(figures.2); "
                + "\(figures.0 >> 20) → \(figures.1 >> 20) MiB"
        )
    }

    @Test("A client that never reads fills its own queue, and others are served meanwhile")
    func neverReads() async throws {
        let cluster = try ClusterOfProcesses()
        let expected = try await ClusterProcessTests.tokens(of: cluster)
        let endpoint = cluster.clientEndpoint
        let before = try cluster.coordinator.residentByteCount()
        let limits = MessagingLimits(receivedMessageCount: 1)
        // Long answers to short questions, until the coordinator's queue to it is full.
        var options = SocketOptions()
        options.limits = limits
        let deaf = try Socket(.dealer, in: MessagingContext(), options: options)
        try deaf.connect(Endpoint(endpoint))
        try #require(try deaf.waitUntilSendable(timeout: testPatience))
        try deaf.send(ClientMessage.clientHello(ClientHello(build: "deaf")).encode())
        let question = ClientMessage.listNodes.encode()
        for _ in 0..<20_000 {
            try #require(try deaf.waitUntilSendable(timeout: testPatience))
            try deaf.send(question)
        }
        #expect(try await ClusterProcessTests.tokens(of: cluster) == expected)
        try await cluster.client.status { status in
            status.sockets.contains { $0.name == "clients" && $0.drops[.unanswered] > 0 }
        }
        let after = try cluster.coordinator.residentByteCount()
        #expect(after <= before + Self.growth, "\(before >> 20) MiB, then \(after >> 20) MiB")
        print("a client that never reads: \(before >> 20) → \(after >> 20) MiB")
    }

    /// Floods both connections of a worker with what it must not obey.
    private static func flood(
        _ coordinator: ScriptedCoordinator,
        seed: UInt64,
        count: Int
    ) throws {
        try Flood(.control, seed: seed).forEach(randomCount: count, mutatedCount: count) { frames in
            guard !isObeyed(frames) else { return }
            try coordinator.sendControl(frames)
            try coordinator.forgetAnswers()
        }
        try Flood(.data, seed: seed).forEach(randomCount: count, mutatedCount: count) { frames in
            try coordinator.send(frames)
            try coordinator.forgetAnswers()
        }
    }

    /// Whether these frames, mutated as they are, tell a worker to leave or to join anew.
    private static func isObeyed(_ frames: [[UInt8]]) -> Bool {
        switch try? ControlMessage(frames: frames) {
        case .welcome, .refusal, .manifest, .assignment, .drain: true
        default: false
        }
    }
}
