import ClusterTesting
import Foundation
import Testing

/// Commands that give accuracy for speed, with experts on disk.
@Suite("Commands with --lossy", .serialized, .timeLimit(.minutes(10)))
struct LossyCommandTests {
    /// Experts of 2.5 MB each, 160 MB together, and 62 MB in three bits.
    private static let shape = [
        "--hidden", "1024", "--experts", "16", "--top-k", "2", "--expert-width", "768",
        "--layers", "4", "--heads", "8", "--kv-heads", "2", "--head-length", "64",
        "--vocabulary", "1000", "--type", "Q8_0",
    ]

    private let model: TemporaryFile
    private let cache: TemporaryFile

    init() async throws {
        model = try TemporaryFile("random.gguf")
        cache = try TemporaryFile("cache")
        let made = try await Command.run(
            ["make-model", model.path] + Self.shape,
            program: "moiety-bench"
        )
        #expect(made.status == 0, "\(made.errors)")
    }

    private var run: [String] {
        ["run", "-m", model.path, "-p", "a b c", "-n", "8", "--temp", "0", "--json"]
    }

    private var memory: [String] { ["--memory", "160MiB", "--cache-directory", cache.path] }

    @Test("run --lossy says which part of the answer was not exact; without it nothing was")
    func run() async throws {
        let exact = try await Command.run(run + memory)
        #expect(exact.status == 0, "\(exact.errors)")
        #expect(try exact.object["low_share"] == nil)
        for mode in ["resident", "hobbit"] {
            let result = try await Command.run(run + memory + ["--lossy", mode])
            #expect(result.status == 0, "\(result.errors)")
            let object = try result.object
            let low = try #require(object["low_share"] as? Double)
            let skipped = try #require(object["skipped_share"] as? Double)
            #expect(low >= 0 && skipped >= 0 && low + skipped <= 1)
            #expect(mode == "hobbit" || (low > 0 && skipped == 0))
        }
        let text = try await Command.run(
            run.dropLast() + memory + ["--lossy", "resident", "--low-tier", "q2"]
        )
        #expect(text.errors.contains("not exact: "))
        let names = try FileManager.default.contentsOfDirectory(atPath: cache.path + "/packed")
        #expect(names.count == 3, "one of the file's experts, one for each low tier")
    }

    @Test("What --lossy lacks is said")
    func refusals() async throws {
        let without = try await Command.run(run + ["--lossy", "hobbit"])
        #expect(without.status != 0 && without.errors.contains("say how much --memory"))
        let none = try await Command.run(
            run + memory + ["--lossy", "hobbit", "--low-tier", "none"]
        )
        #expect(none.status != 0 && none.errors.contains("--low-tier is none"))
        let small = try await Command.run(
            run + ["--memory", "90MiB", "--cache-directory", cache.path, "--lossy", "resident"]
        )
        #expect(small.status != 0 && small.errors.contains("is too small"))
    }

    @Test("perplexity --lossy compares with the exact model")
    func perplexity() async throws {
        let text = try TemporaryFile("text")
        try Data(String(repeating: "a b c ", count: 20).utf8)
            .write(to: URL(filePath: text.path))
        let command = ["perplexity", "-m", model.path, "-f", text.path, "-c", "32", "--json"]
        let whole = try await Command.run(command)
        let result = try await Command.run(command + memory + ["--lossy", "resident"])
        #expect(result.status == 0, "\(result.errors)")
        let object = try result.object
        let exact = try #require(object["exact_perplexity"] as? Double)
        let expected = try #require(try whole.object["perplexity"] as? Double)
        #expect(abs(exact - expected) < 1e-6 * expected)
        #expect(try #require(object["kl_divergence"] as? Double) > 0)
        #expect(try #require(object["low_share"] as? Double) > 0)
        let agreement = try #require(object["greedy_agreement_64"] as? Double)
        #expect(agreement >= 0 && agreement <= 1)
    }

    @Test("moiety-bench model --lossy measures both modes within the budget")
    func benchmark() async throws {
        for mode in ["resident", "hobbit"] {
            let result = try await Command.run(
                ["model", "-m", model.path, "-p", "20", "-n", "20", "--repetitions", "1", "--json"]
                    + ["--memory", "170MiB", "--cache-directory", cache.path, "--lossy", mode],
                program: "moiety-bench"
            )
            #expect(result.status == 0, "\(result.errors)")
            let object = try result.object
            let peak = try #require(object["peak_memory_bytes"] as? Int)
            #expect(Double(peak) <= 1.02 * Double(170 << 20), "\(mode)")
            let disk = try #require(object["disk"] as? [String: Any])
            #expect(disk["low_share"] as? Double != nil)
            #expect(disk["low_slots"] as? Int ?? 0 > 0)
        }
    }
}
