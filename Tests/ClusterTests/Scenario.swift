import Foundation
import Testing

/// A script for one state machine: commands, `----`, and the actions that must come of them.
///
/// Blocks are separated by blank lines; lines that start with `#` are comments. A command may start
/// with `+N`, which lets N milliseconds pass. `MOIETY_WRITE_GOLDENS=1` writes what really came
/// instead of comparing; the difference is then reviewed.
struct Scenario {
    struct Command {
        let name: String
        let words: [String]
        let options: [String: String]

        subscript(option: String, default fallback: String) -> String {
            options[option] ?? fallback
        }

        func number(_ option: String, default fallback: Int = 0) throws -> Int {
            try options[option].map { try #require(Int($0), "\(option)=\($0)") } ?? fallback
        }
    }

    /// The scripts of one state machine, by the start of their names.
    static func names(_ machine: String) -> [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        return (names ?? []).filter { $0.hasPrefix(machine) && $0.hasSuffix(".txt") }.sorted()
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Scenarios")

    /// Plays a file; `execute` gets each command and the milliseconds that pass before it.
    static func play(
        _ file: String,
        execute: (Command, _ elapsed: Int) throws -> [String]
    ) throws {
        let url = folder.appending(path: file)
        let text = try String(contentsOf: url, encoding: .utf8)
        var actual: [String] = []
        for block in text.components(separatedBy: "\n\n") {
            let lines = block.split(separator: "\n", omittingEmptySubsequences: true)
            let script = lines.prefix { $0 != "----" }.map(String.init)
            guard script.contains(where: { !$0.hasPrefix("#") }) else {
                if !script.isEmpty { actual.append(script.joined(separator: "\n")) }
                continue
            }
            var output: [String] = []
            for line in script where !line.hasPrefix("#") {
                let (command, elapsed) = try parse(line)
                output += try execute(command, elapsed)
            }
            actual.append((script + ["----"] + output).joined(separator: "\n"))
        }
        let result = actual.joined(separator: "\n\n") + "\n"
        if ProcessInfo.processInfo.environment["MOIETY_WRITE_GOLDENS"] == "1" {
            try result.write(to: url, atomically: true, encoding: .utf8)
        } else {
            try compare(result, with: text, file: file)
        }
    }

    private static func parse(_ line: String) throws -> (Command, Int) {
        var words = line.split(separator: " ").map(String.init)
        var elapsed = 0
        if let first = words.first, first.hasPrefix("+") {
            elapsed = try #require(Int(first.dropFirst()), "\(line)")
            words.removeFirst()
        }
        let name = words.isEmpty ? "" : words.removeFirst()
        var options: [String: String] = [:]
        for word in words where word.contains("=") {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            options[String(parts[0])] = String(parts[1])
        }
        let plain = words.filter { !$0.contains("=") }
        return (Command(name: name, words: plain, options: options), elapsed)
    }

    /// Names the first line that differs, which reads better than two whole files.
    private static func compare(_ result: String, with text: String, file: String) throws {
        guard result != text else { return }
        let actual = result.components(separatedBy: "\n")
        let expected = text.components(separatedBy: "\n")
        let line = zip(actual, expected).enumerated().first { $1.0 != $1.1 }?.offset
        let index = line ?? min(actual.count, expected.count)
        let found = index < actual.count ? actual[index] : "the end"
        let wanted = index < expected.count ? expected[index] : "the end"
        Issue.record("\(file), line \(index + 1): got '\(found)' instead of '\(wanted)'")
    }
}
