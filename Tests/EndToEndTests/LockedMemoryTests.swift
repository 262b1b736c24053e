import ClusterTesting
import Foundation
import Testing

@Suite("Memory that the system must not swap out", .timeLimit(.minutes(10)))
struct LockedMemoryTests {
    @Test(
        "A daemon that shall lock its memory has locked it, or says what it needs and ends with 78"
    )
    func locked() async throws {
        let directory = try TemporaryFile("locked")
        let clients = "ipc://\(directory.path)-clients"
        let process = try ClusterProcess(
            "moiety-coordinator",
            [
                "--model", WholeModel.demoPath, "--workers", "1", "--http-endpoint", "none",
                "--worker-endpoint", "ipc://\(directory.path)-workers",
                "--client-endpoint", clients, "--state-directory", directory.path,
                "--lock-memory", "true",
            ]
        )
        guard try Self.mayLock else {
            #expect(await process.ended() == 78)
            #expect(process.logText.contains("LimitMEMLOCK=infinity"), "\(process.logText)")
            return
        }
        try await TestClient(endpoint: clients).status { _ in true }
        let status = try String(
            contentsOfFile: "/proc/\(process.pid)/status",
            encoding: .utf8
        )
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmLck:") }
        let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        #expect(kilobytes > 10_000, "\(line ?? "")")
        process.kill(SIGTERM)
        #expect(await process.ended() == 0)
    }

    /// Whether a child of this process may lock any amount.
    private static var mayLock: Bool {
        get throws {
            let limits = try String(contentsOfFile: "/proc/self/limits", encoding: .utf8)
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let limit = limits.split(separator: "\n").first { $0.hasPrefix("Max locked memory") }
            let rights = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
            let bits = rights.flatMap { UInt64($0.dropFirst(8), radix: 16) } ?? 0
            // CAP_IPC_LOCK.
            return limit?.split(separator: " ").dropFirst(3).first == "unlimited"
                || bits >> 14 & 1 == 1
        }
    }
}
