import CCbc
import Foundation
import Glibc
import Placement

/// Solves one integer program with COIN-OR's CBC: a child process that may die without harm.
///
/// Reads the program from standard input and writes the answer to standard output. Its arguments
/// are what it may use: seconds, bytes of memory, and the gap that is good enough.
@main
enum Door {
    /// A program of a gigabyte is none of ours.
    private static let mostBytes = 1 << 28

    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Double($0) }
        guard arguments.count == 3, arguments.allSatisfy({ (0...1e15).contains($0) }) else {
            exit(64)
        }
        let (seconds, byteCount, gap) = (arguments[0], arguments[1], arguments[2])
        limit(seconds: seconds, byteCount: byteCount)
        let input = try FileHandle.standardInput.read(upToCount: mostBytes) ?? Data()
        guard let program = IntegerProgram(bytes: Array(input)) else { exit(65) }
        // CBC talks on standard output, which belongs to the answer.
        let output = dup(STDOUT_FILENO)
        guard output >= 0, dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 else { exit(1) }
        let answer = CbcModel(program).solve(seconds: seconds, gap: gap)
        try FileHandle(fileDescriptor: output).write(contentsOf: Data(answer.bytes()))
    }

    /// The system ends this process where CBC does not keep to what it was given.
    private static func limit(seconds: Double, byteCount: Double) {
        let time = rlim_t(seconds.rounded(.up)) + 2
        var limit = rlimit(rlim_cur: time, rlim_max: time)
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_CPU.rawValue), &limit)
        limit = rlimit(rlim_cur: rlim_t(byteCount), rlim_max: rlim_t(byteCount))
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        limit = rlimit(rlim_cur: 0, rlim_max: 0)
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
    }
}
