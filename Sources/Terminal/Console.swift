import Foundation
import Synchronization

/// Where output goes: results to standard output, everything else to standard error.
public enum Console {
    public static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }
    public static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// The output cannot be written (EX_IOERR).
    private static let outputError: Int32 = 74

    /// The progress line: when it may change next, and whether it is on the screen.
    private struct Line {
        var nextChange: ContinuousClock.Instant = .now + .milliseconds(200)
        var isShown = false
    }

    private static let line = Mutex(Line())

    /// Writes a piece of the result, at once.
    public static func write(_ text: String) {
        endProgress()
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
        } catch {
            note("moiety: standard output cannot be written: \(error.localizedDescription)")
            exit(outputError)
        }
    }

    /// Tells people something beside the result.
    public static func note(_ text: String) {
        endProgress()
        writeError(text + "\n")
    }

    /// Replaces the progress line; nothing where standard error is no terminal.
    ///
    /// From any thread and as often as one likes: the line appears once there is something to
    /// wait for, and changes only as often as people can read.
    public static func progress(_ text: String) {
        guard errorIsTerminal else { return }
        line.withLock { line in
            let now = ContinuousClock.now
            guard now >= line.nextChange else { return }
            line.nextChange = now + .milliseconds(50)
            line.isShown = true
            writeError("\r\u{1B}[K\(text)")
        }
    }

    /// Takes the progress line away.
    public static func endProgress() {
        line.withLock { line in
            guard line.isShown else { return }
            line.isShown = false
            writeError("\r\u{1B}[K")
        }
    }

    /// Writes a result as one line of JSON with stable key order.
    public static func writeJSON(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        write(String(decoding: try encoder.encode(value), as: UTF8.self) + "\n")
    }

    private static func writeError(_ text: String) {
        do {
            try FileHandle.standardError.write(contentsOf: Data(text.utf8))
        } catch {
            // Nobody is left to tell, and the result matters more.
        }
    }
}
