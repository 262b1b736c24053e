import ClusterTesting
import Foundation
import Glibc
import Messaging
import Testing

/// What a service manager hears of the daemons: a socket of the test's own in systemd's place.
@Suite("Daemons under a service manager") struct ServiceManagerTests {
    @Test("A coordinator and a worker say when they serve, that they live, and that they end")
    func story() async throws {
        let directory = try TemporaryFile("minded")
        let coordinatorEar = try ManagerSocket(directory.path + "-coordinator")
        let coordinator = try ClusterProcess(
            "moiety-coordinator",
            [
                "--model", WholeModel.demoPath, "--workers", "1", "--threads", "1",
                "--worker-endpoint", "ipc://\(directory.path)-workers",
                "--client-endpoint", "ipc://\(directory.path)-clients",
                "--state-directory", directory.path,
            ],
            environment: coordinatorEar.environment
        )
        try await coordinatorEar.hears("STATUS=opening the model")
        try await coordinatorEar.hears("READY=1")
        try await coordinatorEar.hears("STATUS=waiting for")
        try await coordinatorEar.hears("WATCHDOG=1")

        let workerEar = try ManagerSocket(directory.path + "-worker")
        let worker = try ClusterProcess(
            "moiety-worker",
            [
                "--model", WholeModel.demoPath, "--name", "alpha", "--threads", "1",
                "--coordinator", "ipc://\(directory.path)-workers",
                "--state-directory", "\(directory.path)-alpha",
            ],
            environment: workerEar.environment
        )
        try await workerEar.hears("READY=1", beside: coordinatorEar)
        try await workerEar.hears("WATCHDOG=1", beside: coordinatorEar)
        try await workerEar.hears("STATUS=serving", beside: coordinatorEar)
        try await coordinatorEar.hears("STATUS=ready", beside: workerEar)
        workerEar.take()
        worker.kill(SIGTERM)
        try await workerEar.hears("STOPPING=1", beside: coordinatorEar)
        #expect(await worker.ended() == 0)
        coordinatorEar.take()
        coordinator.kill(SIGTERM)
        try await coordinatorEar.hears("STOPPING=1")
        #expect(await coordinator.ended() == 0)
    }

    @Test("SIGHUP has a daemon read its settings anew, and say what that changed")
    func reload() async throws {
        let directory = try TemporaryFile("reloaded")
        let settings = directory.path + ".yaml"
        func write(_ lines: String) throws {
            try Data("worker:\n\(lines)".utf8).write(to: URL(filePath: settings))
        }
        try write("  log-level: warning\n")
        let ear = try ManagerSocket(directory.path + "-ear")
        let worker = try ClusterProcess(
            "moiety-worker",
            [
                "--config", settings, "--model", WholeModel.demoPath, "--name", "alpha",
                "--threads", "1", "--coordinator", "ipc://\(directory.path)-nobody",
                "--state-directory", directory.path,
            ],
            environment: ear.environment
        )
        try await ear.hears("READY=1")
        #expect(!worker.logText.contains("Worker started"), "it tells warnings only")

        try write("  log-level: info\n  load-threads: 3\n")
        worker.kill(SIGHUP)
        try await ear.hears("RELOADING=1\nMONOTONIC_USEC=")
        try await ear.hears("READY=1")
        try await ClusterProcess.wait { worker.logText.contains("Settings read anew") }
        #expect(worker.logText.contains("worker.log-level (warning to info)"))
        #expect(worker.logText.contains("needsRestart=\"worker.load-threads (0 to 3)\""))

        try write("  log-levle: info\n")
        worker.kill(SIGHUP)
        try await ClusterProcess.wait { worker.logText.contains("those in force stay") }
        #expect(worker.logText.contains("did you mean worker.log-level?"))
        worker.kill(SIGTERM)
        #expect(await worker.ended() == 0)
    }

    @Test("What a manager must not miss is told again where its socket was full")
    func fullSocket() async throws {
        let directory = try TemporaryFile("full")
        let ear = try ManagerSocket(directory.path)
        let manager = ServiceManager(environment: ear.environment)
        // More than any kernel lets wait on a datagram socket that nobody reads.
        for _ in 0..<10_000 { manager.tellAlive() }
        manager.tell(status: "opening")
        manager.tellReady()
        manager.tell(status: "serving")
        manager.tellStopping()
        ear.take()
        #expect(ear.heard.allSatisfy { $0 == "WATCHDOG=1" } && ear.heard.count < 10_000)
        manager.tellAlive()
        let full = ear.heard.count
        ear.take()
        let rest = ["READY=1", "STATUS=serving", "STOPPING=1", "WATCHDOG=1"]
        #expect(Array(ear.heard[full...]) == rest)
    }

    @Test("A socket that nobody reads, or that is none, changes nothing")
    func deaf() async throws {
        let directory = try TemporaryFile("deaf")
        let coordinator = try ClusterProcess(
            "moiety-coordinator",
            [
                "--model", WholeModel.demoPath, "--threads", "1",
                "--worker-endpoint", "ipc://\(directory.path)-workers",
                "--client-endpoint", "ipc://\(directory.path)-clients",
                "--state-directory", directory.path,
            ],
            environment: ["NOTIFY_SOCKET": directory.path, "WATCHDOG_USEC": "-7"]
        )
        try await ClusterProcess.wait { coordinator.logText.contains("Coordinator listens") }
        coordinator.kill(SIGTERM)
        #expect(await coordinator.ended() == 0)
    }
}

/// A datagram socket at a path, and what was said to it.
private final class ManagerSocket {
    let environment: [String: String]
    private let descriptor: Int32
    private(set) var heard: [String] = []

    init(_ path: String) throws {
        environment = ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"]
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            unsafe bytes.copyBytes(from: path.utf8.prefix(bytes.count - 1))
        }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let descriptor = descriptor
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, size)
            }
        }
        try #require(status == 0, "\(path)")
    }

    deinit { close(descriptor) }

    /// Waits for a word that begins so, and forgets what came before it.
    ///
    /// - Parameter other: listened to meanwhile, for a socket holds but a few words.
    func hears(_ beginning: String, beside other: ManagerSocket? = nil) async throws {
        try await ClusterProcess.wait {
            self.take()
            other?.take()
            return self.heard.contains { $0.hasPrefix(beginning) }
        }
        let index = heard.firstIndex { $0.hasPrefix(beginning) } ?? 0
        heard.removeFirst(index + 1)
    }

    /// Empties the socket.
    func take() {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { return }
            heard.append(String(decoding: bytes[..<count], as: UTF8.self))
        }
    }
}
