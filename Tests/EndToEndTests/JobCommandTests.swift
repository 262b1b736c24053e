import ClusterTesting
import Foundation
import Glibc
import Model
import Testing
import Wire

/// The commands about jobs, and coordinators that die under them.
@Suite("Jobs by command", .serialized, .timeLimit(.minutes(10)))
struct JobCommandTests {
    private static let model = WholeModel.demoPath

    private static func moiety(
        _ cluster: ClusterOfProcesses,
        _ arguments: String...
    ) async throws -> Command {
        try await Command.run(arguments + ["--coordinator", cluster.clientEndpoint])
    }

    /// The answer of one process.
    private static func answer(_ arguments: String...) async throws -> [String: Any] {
        try await Command.run(["run", "-m", model, "--json"] + arguments).object
    }

    /// `count` lines in OpenAI's form and in the short one.
    private static func writeBatch(_ count: Int, to path: String) throws {
        let lines = (0..<count).map { number in
            let prompt = ["NAME ", "int main(", "def f", "The "][number % 4]
            let fields = "\"prompt\":\"\(prompt)\",\"max_tokens\":\(30 + number),\"seed\":\(number)"
            return number.isMultiple(of: 3)
                ? "{\"custom_id\":\"c\(number)\",\(fields)}"
                : "{\"custom_id\":\"c\(number)\",\"method\":\"POST\",\"url\":\"/v1/completions\","
                    + "\"body\":{\(fields),\"temperature\":0.9}}"
        }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: path))
    }

    /// Text by custom id.
    private static func results(_ path: String) throws -> [String: String] {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let lines = text.split(separator: "\n")
        var results: [String: String] = [:]
        for line in lines {
            let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
            let object = try #require(value as? [String: Any])
            let response = try #require(object["response"] as? [String: Any], "\(line)")
            let body = try #require(response["body"] as? [String: Any])
            let choices = try #require(body["choices"] as? [[String: Any]])
            let id = try #require(object["custom_id"] as? String)
            results[id] = choices.first?["text"] as? String
        }
        #expect(results.count == lines.count, "a result is there twice")
        return results
    }

    @Test("submit prints an id at once; wait and job tell the answer of one process")
    func commands() async throws {
        let cluster = try ClusterOfProcesses(workers: ["alpha"])
        let expected = try await Self.answer("-p", "NAME", "-n", "20", "--temp", "0")
        let text = try #require(expected["text"] as? String)
        try await cluster.client.status { $0.isReady }
        let submitted = try await Self.moiety(
            cluster,
            "submit",
            "-p",
            "NAME",
            "-n",
            "20",
            "--temp",
            "0",
            "--task",
            "t",
            "--slo-ttft",
            "60000",
            "--slo-tpot",
            "2.5"
        )
        #expect(submitted.status == 0, "\(submitted.errors)")
        let id = submitted.output.trimmingCharacters(in: .whitespacesAndNewlines)
        let waited = try await Self.moiety(cluster, "wait", id)
        #expect(waited.output == "\(id) completed\n" && waited.status == 0, "\(waited.errors)")
        let job = try await Self.moiety(cluster, "job", id, "--json").object
        #expect(job["text"] as? String == text && job["task"] as? String == "t")
        let followed = try await Self.moiety(
            cluster,
            "submit",
            "--follow",
            "-p",
            "NAME",
            "-n",
            "20",
            "--temp",
            "0"
        )
        #expect(followed.output == text + "\n")
        let none = try await Self.moiety(cluster, "job", "job-77-1")
        #expect(none.status == 1 && none.errors.contains("job-77-1: no such job"))
        let jobs = try await Self.moiety(cluster, "jobs")
        #expect(jobs.output.contains(id) && jobs.output.contains("completed"))
    }

    @Test("A batch ends with every answer once, however often its coordinator is killed")
    func crashes() async throws {
        let cluster = try ClusterOfProcesses(workers: ["alpha"])
        let (input, peace, crashes) = (
            "\(cluster.directory.path)-in", "\(cluster.directory.path)-peace",
            "\(cluster.directory.path)-crashes"
        )
        try Self.writeBatch(24, to: input)
        try await cluster.client.status { $0.isReady }
        let first = try await Self.moiety(
            cluster,
            "submit",
            "--file",
            input,
            "--output",
            peace,
            "--window",
            "6"
        )
        #expect(first.status == 0, "\(first.errors)")
        let expected = try Self.results(peace)
        #expect(expected.count == 24)

        let seed = UInt64(20)
        var random = SeededRandom(seed: seed)
        let arguments = [
            "submit", "--file", input, "--output", crashes, "--window", "6", "--coordinator",
            cluster.clientEndpoint,
        ]
        async let batch = Command.run(arguments)
        for _ in 0..<6 {
            // Killed while jobs run, some questions later.
            var left = Int.random(in: 1...30, using: &random)
            while left > 0 {
                let running = try await cluster.client.status().jobsRunning
                left -=
                    running > 0 || FileManager.default.contents(atPath: crashes)?.count ?? 0 > 0
                    ? 1 : 0
            }
            cluster.coordinator.kill(SIGKILL)
            _ = await cluster.coordinator.ended()
            try cluster.startCoordinator()
            try await cluster.client.status { $0.isReady }
        }
        let second = try await batch
        #expect(second.status == 0, "\(second.errors)")
        #expect(try Self.results(crashes) == expected, "seed \(seed)")
        let jobs = try await cluster.client.jobs()
        #expect(jobs.count == 48 && jobs.allSatisfy { $0.state == .completed })
        #expect(!FileManager.default.fileExists(atPath: crashes + ".resume"))
    }

    @Test("A batch that was interrupted goes on where it was")
    func goesOn() async throws {
        let cluster = try ClusterOfProcesses(workers: ["alpha"])
        let (input, output) = ("\(cluster.directory.path)-in", "\(cluster.directory.path)-out")
        // Many, so that it has not ended before it is interrupted.
        let count = 200
        try Self.writeBatch(count, to: input)
        let arguments = [
            "submit", "--file", input, "--output", output, "--window", "3", "--coordinator",
            cluster.clientEndpoint,
        ]
        try await cluster.client.status { $0.isReady }
        let half = try ClusterProcess("moiety", arguments)
        // By the thread that asks: a task may be woken when the batch has ended.
        try await cluster.client.status { _ in
            guard FileManager.default.contents(atPath: output)?.count ?? 0 > 0 else { return false }
            half.kill(SIGKILL)
            return true
        }
        _ = await half.ended()
        // What a crash may leave of a last line.
        let file = try FileHandle(forWritingTo: URL(filePath: output))
        try file.seekToEnd()
        try file.write(contentsOf: Data("{\"id\":\"batch_re".utf8))
        try file.close()
        let rest = try await Command.run(arguments)
        #expect(rest.status == 0, "\(rest.errors)")
        #expect(try Self.results(output).count == count)
        // Nothing was submitted twice.
        #expect(try await cluster.client.jobs().count == count)
        let again = try await Command.run(arguments)
        #expect(again.status == 65 && again.errors.contains("exists already"))
    }

    @Test(
        "A batch file that is not in order is refused by line and name",
        arguments: [
            ("[1]", "no JSON object"), ("{\"prompt\":\"a\"", "no JSON object"),
            ("{\"prompt\":7}", "prompt must be"), ("{}", "prompt is missing"),
            ("{\"prompt\":\"a\",\"n\":2}", "n is not supported"),
            ("{\"prompt\":\"a\",\"max_tokens\":0}", "max_tokens must be"),
            ("{\"prompt\":\"a\",\"max_tokens\":1e300}", "no JSON object"),
            ("{\"prompt\":\"a\",\"temperature\":true}", "temperature must be"),
            ("{\"url\":\"/v1/chat/completions\",\"body\":{\"prompt\":\"a\"}}", "url must be"),
            ("{\"body\":{\"prompt\":\"a\",\"logprobs\":1}}", "body.logprobs is not supported"),
        ]
    )
    func badLines(line: String, reason: String) async throws {
        let cluster = try TemporaryFile("batch")
        let text = "{\"prompt\":\"fine\"}\n\n\(line)\n"
        try Data(text.utf8).write(to: URL(filePath: cluster.path))
        let result = try await Command.run([
            "submit", "--file", cluster.path, "--output", "\(cluster.path)-out",
        ])
        #expect(result.status == 65, "\(result.errors)")
        #expect(result.errors.contains("\(cluster.path):3: "), "\(result.errors)")
        #expect(result.errors.contains(reason), "\(result.errors)")
    }
}
