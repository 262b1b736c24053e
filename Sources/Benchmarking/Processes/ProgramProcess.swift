public import Foundation

/// A program of ours as a child, confined to processors; killed with the value.
///
/// Started from the main thread only: daemons end with the thread that started them.
public final class ProgramProcess {
    public let name: String
    private let process = Process()
    private let logPath: String

    /// The directory of this executable, where the others lie too.
    public static func siblingDirectory() throws -> URL {
        let path = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: path).deletingLastPathComponent()
    }

    /// - Parameters:
    ///   - program: lies in `directory`.
    ///   - output: where standard output goes.
    ///   - logPath: where standard error goes.
    init(
        _ name: String,
        program: String,
        in directory: URL,
        arguments: [String],
        processors: ProcessorSet,
        output: Pipe? = nil,
        logPath: String
    ) throws {
        self.name = name
        self.logPath = logPath
        let file = directory.appending(path: program)
        guard FileManager.default.isExecutableFile(atPath: file.path) else {
            throw ClusterBenchmarkError.missingProgram(path: file.path)
        }
        _ = FileManager.default.createFile(atPath: logPath, contents: nil)
        process.executableURL = file
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output ?? FileHandle.nullDevice
        process.standardError = FileHandle(forWritingAtPath: logPath) ?? FileHandle.nullDevice
        do {
            try processors.confine { try process.run() }
        } catch let error as ClusterBenchmarkError {
            throw error
        } catch {
            throw ClusterBenchmarkError.notStarted(
                name: name,
                reason: error.localizedDescription
            )
        }
    }

    deinit { stop() }

    public var isRunning: Bool { process.isRunning }

    /// - Throws: with its last words, once it has ended.
    func requireRunning() throws(ClusterBenchmarkError) {
        guard !isRunning else { return }
        let lines = logText.split(separator: "\n").suffix(10)
        throw .ended(name: name, log: lines.joined(separator: "\n"))
    }

    /// For a program that closed its output before it wrote anything.
    func requireEndOfOutput() throws(ClusterBenchmarkError) {
        process.waitUntilExit()
        try requireRunning()
    }

    private var logText: String {
        FileManager.default.contents(atPath: logPath)
            .map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Kills it, which leaves nothing behind that would be read again, and waits for its end.
    func stop() {
        guard process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Bytes of memory that it occupies, or 0 where it has ended.
    public var residentByteCount: Int { Self.memory("VmRSS:", of: process.processIdentifier) }

    /// The most that it occupied.
    public var peakResidentByteCount: Int { Self.memory("VmHWM:", of: process.processIdentifier) }

    private static func memory(_ field: String, of pid: Int32) -> Int {
        let data = FileManager.default.contents(atPath: "/proc/\(pid)/status") ?? Data()
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n")
        where line.hasPrefix(field) {
            return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map {
                $0 * 1024
            } ?? 0
        }
        return 0
    }
}
