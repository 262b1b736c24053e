import Foundation
import Settings
import Testing

@Suite("Settings files")
struct FileTests {
    private static let config = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Config")

    @Test("Config/coordinator.yaml says the defaults and mentions every key")
    func coordinatorFile() throws {
        let path = Self.config.appending(path: "coordinator.yaml").path
        let settings = try CoordinatorSettings.load(file: path, surroundings: surroundings())
        let plain = try CoordinatorSettings.load(surroundings: surroundings())
        try expectSame(settings.describe(), plain.describe(), path: path)
    }

    @Test("Config/worker.yaml says the defaults and mentions every key")
    func workerFile() throws {
        let path = Self.config.appending(path: "worker.yaml").path
        let settings = try WorkerSettings.load(file: path, surroundings: surroundings())
        let plain = try WorkerSettings.load(surroundings: surroundings())
        try expectSame(settings.describe(), plain.describe(), path: path)
    }

    /// Every key is either given, or shown on a comment line where it has no fixed default.
    private func expectSame(
        _ fromFile: [DescribedSetting],
        _ plain: [DescribedSetting],
        path: String
    ) throws {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(fromFile.map(\.key) == plain.map(\.key))
        #expect(fromFile.map(\.value) == plain.map(\.value))
        for setting in fromFile {
            let name = setting.key.split(separator: ".").dropFirst().joined(separator: ".")
            let isGiven = setting.origin == .file(path: path)
            let line = isGiven ? "\n  \(name): " : "\n  # \(name): "
            #expect(text.contains(line), "\(path) does not mention \(setting.key)")
        }
    }

    @Test("A named file that does not exist is an error")
    func missingFile() {
        let error = settingsError {
            _ = try WorkerSettings.load(file: "/nonexistent.yaml", surroundings: surroundings())
        }
        #expect(
            error
                == .unreadableFile(path: "/nonexistent.yaml", reason: "there is no such file")
        )
    }

    @Test("A directory in place of a file is an error")
    func directory() {
        let error = settingsError {
            _ = try WorkerSettings.load(file: "/tmp", surroundings: surroundings())
        }
        guard case .unreadableFile(path: "/tmp", reason: _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(
        "What is not a settings file is refused as malformed",
        arguments: [
            "- a\n- b\n",
            "just text\n",
            "worker: [unclosed\n",
            "worker:\n  threads: 1\n  threads: 2\n",
            "worker:\n  threads: 1\nworker.threads: 2\n",
            "worker: &a\n  threads: 1\n",
            "worker: *a\n",
            "a: {b: *c}\n",
            "worker:\n  threads:\n    - [1]\n",
            String(repeating: "- ", count: 20_000),
            String(repeating: "[", count: 60_000),
            String(repeating: "#\n", count: 40_000),
            "worker:\n  name: \"\\x\n",
        ]
    )
    func malformed(text: String) throws {
        try withFile(text) { path in
            let error = settingsError {
                _ = try WorkerSettings.load(file: path, surroundings: surroundings())
            }
            guard case .malformedFile(path: path, reason: _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test("Bytes that are not UTF-8 are refused as malformed")
    func invalidText() throws {
        let path = NSTemporaryDirectory() + "moiety-settings-\(UUID().uuidString).yaml"
        try Data([0x61, 0x3a, 0xff]).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let error = settingsError {
            _ = try WorkerSettings.load(file: path, surroundings: surroundings())
        }
        #expect(error == .malformedFile(path: path, reason: "it is not UTF-8 text"))
    }

    @Test(
        "Comments, blank lines and an empty document give the defaults",
        arguments: [
            "", "\n\n", "# nothing\n", "---\n# nothing\n", "worker:\n", "worker:\n  # threads: 2\n",
        ]
    )
    func emptyFile(text: String) throws {
        try withFile(text) { path in
            let settings = try WorkerSettings.load(file: path, surroundings: surroundings())
            #expect(settings.threadCount == 0)
        }
    }
}
