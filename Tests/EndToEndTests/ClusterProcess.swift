import ClusterTesting
import Foundation
import Glibc
import Synchronization
import Testing

/// A program of ours as a child process; killed with the value, if it is still there.
final class ClusterProcess: Sendable {
    let pid: Int32
    private let end = End()
    private let log: TemporaryFile

    /// Shared with the handler that hears of the process's end.
    private final class End: Sendable {
        let signal = Signal()
        /// The exit code, or minus the signal that killed it.
        let status = Mutex<Int32?>(nil)
    }

    /// Starts one of the executables that stand beside the test bundle.
    ///
    /// - Parameter descriptorLimit: open files that the system allows it; nil for as many as us.
    init(
        _ name: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        descriptorLimit: Int? = nil
    ) throws {
        let process = Process()
        let program = try Self.directory.appending(path: name)
        if let descriptorLimit {
            process.executableURL = URL(filePath: "/bin/sh")
            let script = "ulimit -n \(descriptorLimit) && exec \"$0\" \"$@\""
            process.arguments = ["-c", script, program.path] + arguments
        } else {
            process.executableURL = program
            process.arguments = arguments
        }
        process.environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("MOIETY_") }
            // Of several coordinators at once only one could serve HTTP at the usual port.
            .merging(["MOIETY_COORDINATOR_HTTP_ENDPOINT": "none"]) { $1 }
            .merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        log = try TemporaryFile("log")
        try Data().write(to: URL(filePath: log.path))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: log.path))
        process.terminationHandler = { [end] process in
            let status = process.terminationStatus
            end.status.withLock {
                $0 = process.terminationReason == .exit ? status : -status
            }
            end.signal.fire()
        }
        try process.run()
        pid = process.processIdentifier
    }

    deinit { if isRunning { kill(SIGKILL) } }

    var isRunning: Bool { end.status.withLock { $0 == nil } }

    /// What it wrote to standard error so far.
    var logText: String {
        FileManager.default.contents(atPath: log.path)
            .map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    func kill(_ signal: Int32) { _ = Glibc.kill(pid, signal) }

    /// Waits for the end.
    ///
    /// - Returns: the exit code, or minus the signal that killed it.
    func ended() async -> Int32 {
        await end.signal.wait()
        return end.status.withLock { $0 ?? 0 }
    }

    /// Bytes of memory that it occupies.
    func residentByteCount() throws -> Int { try Self.residentByteCount(of: pid) }

    static func residentByteCount(of pid: Int32) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        let kibibytes = try #require(
            line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        )
        return kibibytes * 1024
    }

    /// Files and connections that it has open.
    func descriptorCount() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
    }

    /// Time that it has computed, in the kernel too.
    func processorTime() throws -> Duration {
        let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        let fields = try #require(text.split(separator: ")").last).split(separator: " ")
        let ticks = fields[11...12].compactMap { Int($0) }.reduce(0, +)
        return .seconds(1) * ticks / sysconf(Int32(_SC_CLK_TCK))
    }

    /// Processes that it started and that still run.
    func children() throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }
            .filter { Self.parent(of: $0) == pid }
    }

    /// Nil where there is no such process, or it has ended.
    static func parent(of pid: Int32) -> Int32? {
        // The name in parentheses may hold anything, so what counts comes after the last one.
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/stat"),
            let rest = String(decoding: data, as: UTF8.self).split(separator: ")").last
        else { return nil }
        let fields = rest.split(separator: " ")
        guard fields.count > 1, fields[0] != "Z" else { return nil }
        return Int32(fields[1])
    }

    /// The first 15 bytes of the executable's name, which is all that the kernel keeps.
    static func name(of pid: Int32) -> String {
        FileManager.default.contents(atPath: "/proc/\(pid)/comm")
            .map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .newlines) } ?? ""
    }

    /// Polls for what the kernel does without telling us.
    static func wait(until isTrue: () throws -> Bool) async throws {
        let deadline = ContinuousClock.now + testPatience
        while try !isTrue() {
            try #require(ContinuousClock.now < deadline, "it did not happen within \(testPatience)")
            // The processes that it waits for need the processor.
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Where the build puts executables and test bundles alike.
    static var directory: URL {
        get throws {
            let starts = CommandLine.arguments.prefix(1) + [Bundle.main.bundlePath]
            let places = starts.flatMap { path in
                let url = URL(filePath: path).standardizedFileURL
                return [url, url.deletingLastPathComponent()]
            }
            return try #require(
                places.first {
                    FileManager.default.isExecutableFile(
                        atPath: $0.appending(path: "moiety-worker").path
                    )
                },
                "the daemons must stand beside the test bundle, which is one of \(places)"
            )
        }
    }
}
