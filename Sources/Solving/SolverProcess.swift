public import Foundation
public import Placement
import Synchronization

/// Solves integer programs in a child process, `moiety-solver`, one at a time.
///
/// Whatever becomes of the child (killed, out of memory or time, garbage for an answer) is a
/// reason, never an error: the caller has a solution already.
public final class SolverProcess: IntegerProgramSolver {
    private let program: URL
    private let running = Mutex<Running>(Running())

    private struct Running {
        var child: Process?
        var isCancelled = false
    }

    /// - Parameter directory: where the executable lies, usually beside this one.
    public init(in directory: URL) {
        program = directory.appending(path: "moiety-solver")
    }

    /// Beside the executable of this process.
    public convenience init() {
        let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        self.init(in: own.deletingLastPathComponent())
    }

    /// Kills the child, if there is one, and starts no more.
    public func cancel() {
        running.withLock { running in
            running.isCancelled = true
            running.child?.terminate()
        }
    }

    public func solve(
        _ program: IntegerProgram,
        limits: IntegerProgramLimits
    ) -> IntegerProgramAnswer {
        do {
            let output = try run(program.bytes(), limits)
            return IntegerProgramAnswer(bytes: Array(output), to: program)
        } catch {
            return .none(reason: error.reason)
        }
    }

    private struct Failure: Error {
        let reason: String
    }

    private func run(_ input: [UInt8], _ limits: IntegerProgramLimits) throws(Failure) -> Data {
        // A file, not a pipe: writing to a child that died would kill us, too.
        let file = FileManager.default.temporaryDirectory
            .appending(path: "moiety-program-\(UUID().uuidString)")
        let child = Process()
        let output = Pipe()
        let data: Data
        do {
            try Data(input).write(to: file)
            let handle = try FileHandle(forReadingFrom: file)
            try FileManager.default.removeItem(at: file)
            child.executableURL = program
            child.arguments = ["\(limits.seconds)", "\(limits.byteCount)", "\(limits.gap)"]
            child.standardInput = handle
            child.standardOutput = output
            child.standardError = FileHandle.nullDevice
            try start(child)
            data = try output.fileHandleForReading.readToEnd() ?? Data()
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(reason: "the solver cannot be run: \(error.localizedDescription)")
        }
        child.waitUntilExit()
        running.withLock { $0.child = nil }
        guard child.terminationReason == .exit, child.terminationStatus == 0 else {
            let how = child.terminationReason == .exit ? "with code" : "by signal"
            throw Failure(reason: "the solver ended \(how) \(child.terminationStatus)")
        }
        return data
    }

    private func start(_ child: Process) throws {
        try running.withLock { running in
            guard !running.isCancelled else { throw Failure(reason: "planning was cancelled") }
            try child.run()
            running.child = child
        }
    }
}
