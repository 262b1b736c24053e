import ClusterTesting
import Foundation
import GGUF
import Testing

/// The commands that need no cluster, as a shell runs them.
@Suite("Commands in one process")
struct LocalCommandTests {
    private static let demo = WholeModel.demoPath
    private static let prompt = "NAME\n sleep - suspend"

    @Test("run --json prints one object with the answer and its figures")
    func runJSON() async throws {
        let result = try await Command.run(
            ["run", "-m", Self.demo, "-p", Self.prompt, "-n", "12", "--temp", "0", "--json"]
        )
        #expect(result.status == 0, "\(result.errors)")
        let object = try result.object
        let keys: Set = ["text", "tokens", "prompt_tokens", "prefill_tok_s", "decode_tok_s"]
        #expect(Set(object.keys) == keys)
        #expect((object["tokens"] as? [Int])?.count == 12)
        #expect((object["prompt_tokens"] as? Int) ?? 0 > 4)
    }

    @Test("run reads a prompt from standard input and streams the same text")
    func runFromInput() async throws {
        let options = ["run", "-m", Self.demo, "-n", "12", "--temp", "0"]
        let streamed = try await Command.run(options, input: Self.prompt)
        let whole = try await Command.run(options + ["-p", Self.prompt, "--json"])
        #expect(streamed.status == 0, "\(streamed.errors)")
        let text = try whole.object["text"] as? String
        #expect(streamed.output.trimmingCharacters(in: .newlines) == text)
        #expect(streamed.errors.contains("tok/s"), "the summary goes to standard error")
    }

    @Test("A plan changes no byte of the answer")
    func plan() async throws {
        let options = ["run", "-m", Self.demo, "-p", Self.prompt, "-n", "8", "--temp", "0"]
        let plan = try TemporaryFile("plan.json")
        let layer = "[" + (0..<32).map { "\($0 % 3)" }.joined(separator: ",") + "]"
        let layers = Array(repeating: layer, count: 6).joined(separator: ",")
        try #"{"epoch":1,"workers":["a","b","c"],"layers":[\#(layers)]}"#
            .write(toFile: plan.path, atomically: true, encoding: .utf8)
        let planned = try await Command.run(options + ["--plan", plan.path])
        let whole = try await Command.run(options)
        #expect(planned.status == 0, "\(planned.errors)")
        #expect(planned.output == whole.output)
    }

    @Test("A plan with shards answers, twice alike; one that cuts elsewhere is refused")
    func shards() async throws {
        let options = ["run", "-m", Self.demo, "-p", Self.prompt, "-n", "8", "--temp", "0"]
        func run(border: Int) async throws -> Command {
            let plan = try TemporaryFile("plan.json")
            let entry = """
                {"shards":[{"worker":0,"from":0,"to":\(border)},\
                {"worker":1,"from":\(border),"to":256}]}
                """
            let layer = "[" + Array(repeating: entry, count: 32).joined(separator: ",") + "]"
            let layers = Array(repeating: layer, count: 6).joined(separator: ",")
            try #"{"epoch":1,"workers":["a","b"],"layers":[\#(layers)]}"#
                .write(toFile: plan.path, atomically: true, encoding: .utf8)
            return try await Command.run(options + ["--plan", plan.path])
        }
        let first = try await run(border: 96)
        #expect(first.status == 0 && !first.output.isEmpty, "\(first.errors)")
        #expect(try await run(border: 96).output == first.output)
        let odd = try await run(border: 100)
        #expect(odd.status == 65 && odd.errors.contains("multiple of 32"), "\(odd.errors)")
    }

    @Test(
        "A plan that cannot be read is named, and is bad data, not a crash",
        arguments: [["run", "-p", "x", "-n", "1"], ["serve"]]
    )
    func planUnreadable(command: [String]) async throws {
        let missing = "/nonexistent/plan.json"
        let result = try await Command.run(command + ["-m", Self.demo, "--plan", missing])
        #expect(result.status == 65, "\(result.errors)")
        #expect(result.errors.contains(missing), "\(result.errors)")
    }

    @Test("An instruction set that does not exist is a wrong setting, by name")
    func unknownInstructionSet() async throws {
        let result = try await Command.run(
            ["run", "-m", Self.demo, "-p", "x", "-n", "1"],
            environment: ["MOIETY_ISA": "abacus"]
        )
        #expect(result.status == 78, "\(result.errors)")
        #expect(result.errors.contains("abacus"), "\(result.errors)")
    }

    @Test("tokenize shows ids and pieces; logits takes ids as given")
    func tokenizeAndLogits() async throws {
        let tokenized = try await Command.run(
            ["tokenize", "-m", Self.demo, "-p", "int main(void)", "--json"]
        )
        let tokens = try #require(try tokenized.object["tokens"] as? [Int])
        #expect(tokens.first == 0, "BOS stands in front")
        let list = tokens.map(String.init).joined(separator: ",")
        let result = try await Command.run(
            ["logits", "-m", Self.demo, "--tokens", list, "--top", "3", "--json"]
        )
        let positions = try #require(try result.object["positions"] as? [[String: Any]])
        #expect(positions.count == tokens.count)
        for position in positions {
            let logits = try #require(position["logits"] as? [Double])
            #expect(logits.count == 3 && logits == logits.sorted(by: >))
            #expect((position["ids"] as? [Int])?.count == 3)
        }
    }

    @Test("perplexity scores half of every window but one")
    func perplexity() async throws {
        let text = WholeModel.repository.appending(path: "Tests/Fixtures/demo/val/german.txt").path
        let result = try await Command.run(
            ["perplexity", "-m", Self.demo, "-f", text, "-c", "128", "--json"]
        )
        let object = try result.object
        #expect(Set(object.keys) == ["perplexity", "tokens"])
        let scored = try #require(object["tokens"] as? Int)
        #expect(scored > 0 && scored % 63 == 0)
    }

    @Test(
        "A path that is no model ends a command with exit code 65 and words that name it",
        arguments: ["/dev/zero", "/dev/random", "/tmp", "/nowhere/model.gguf", "/proc/self/fd"]
    )
    func strangePath(path: String) async throws {
        for command in [["model", "show", path], ["run", "-m", path, "-p", "x"]] {
            let result = try await Command.run(command)
            #expect(result.status == 65)
            #expect(result.errors.contains("moiety: \(path): "), "\(result.errors)")
            #expect(result.output.isEmpty)
        }
    }

    @Test("A context beyond what positions are made for is wrong usage")
    func longContext() async throws {
        let result = try await Command.run(
            ["run", "-m", Self.demo, "-p", "x", "-n", "1", "-c", "\((1 << 20) + 1)"]
        )
        #expect(result.status == 64)
        #expect(result.errors.contains("it must be 0 to 1048576"), "\(result.errors)")
    }

    @Test("A pipe in place of a model is refused without waiting for its writer")
    func pipe() async throws {
        let pipe = try TemporaryFile("pipe.gguf")
        #expect(unsafe mkfifo(pipe.path, 0o600) == 0)
        let result = try await Command.run(["model", "show", pipe.path])
        #expect(result.status == 65)
        #expect(result.errors.contains("is a pipe, not a regular file"), "\(result.errors)")
    }

    @Test("model show and config show print JSON for machines")
    func show() async throws {
        let model = try await Command.run(["model", "show", Self.demo, "--json"])
        #expect(model.status == 0, "\(model.errors)")
        #expect(try model.object["architecture"] as? String == "qwen3moe")
        let config = try await Command.run(["config", "show", "--json"])
        #expect(config.status == 0, "\(config.errors)")
        #expect(config.output.contains("silence-limit"))
    }

    @Test(
        "Wrong arguments and unusable files have their exit codes and say what is wrong",
        arguments: [
            (["run", "-p", "x"], Int32(64), "--model"),
            (["run", "-m", "/nonexistent.gguf", "-p", "x"], 65, "/nonexistent.gguf"),
            (["run", "-m", "/", "-p", "x"], 65, "/"),
            (["logits", "-m", demo, "--tokens", "1,x"], 64, "x"),
            (["logits", "-m", demo, "--tokens", "999999999"], 1, "999999999"),
            (["run", "-m", demo, "-p", "x", "--temp", "-1"], 64, "temp"),
            (["status", "--coordinator", "tcp://127.0.0.1:1"], 2, "127.0.0.1:1"),
        ]
    )
    func failures(arguments: [String], status: Int32, mention: String) async throws {
        let result = try await Command.run(arguments)
        #expect(result.status == status, "\(result.errors)")
        #expect(result.output.isEmpty, "results only on standard output")
        #expect(result.errors.contains(mention), "\(result.errors)")
    }

    @Test("A truncated model is refused by name")
    func truncated() async throws {
        let file = try TemporaryFile("half.gguf")
        let whole = try Data(contentsOf: URL(filePath: Self.demo))
        try whole.prefix(whole.count / 2).write(to: URL(filePath: file.path))
        let result = try await Command.run(["run", "-m", file.path, "-p", "x"])
        #expect(result.status == 65)
        #expect(result.errors.contains(file.path))
    }
}

/// One run of a program of ours to its end.
struct Command {
    let status: Int32
    let output: String
    let errors: String

    /// The JSON object on standard output.
    var object: [String: Any] {
        get throws {
            let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
            return try #require(value as? [String: Any])
        }
    }

    /// Runs the command line to its end.
    ///
    /// - Parameter environment: on top of the tests' own.
    static func run(
        _ arguments: [String],
        input: String = "",
        environment: [String: String] = [:],
        program: String = "moiety"
    ) async throws -> Command {
        let place = try TemporaryFile("streams")
        let manager = FileManager.default
        let names = ["in", "out", "err"].map { "\(place.path)-\($0)" }
        for name in names { _ = manager.createFile(atPath: name, contents: Data()) }
        try Data(input.utf8).write(to: URL(filePath: names[0]))
        let process = Process()
        process.executableURL = try ClusterProcess.directory.appending(path: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment
            .merging(environment) { _, given in given }
        process.standardInput = FileHandle(forReadingAtPath: names[0])
        process.standardOutput = FileHandle(forWritingAtPath: names[1])
        process.standardError = FileHandle(forWritingAtPath: names[2])
        let ended = Signal()
        process.terminationHandler = { _ in ended.fire() }
        try process.run()
        await ended.wait()
        return Command(
            status: process.terminationStatus,
            output: try String(contentsOfFile: names[1], encoding: .utf8),
            errors: try String(contentsOfFile: names[2], encoding: .utf8)
        )
    }
}
