import ClusterTesting
import Foundation
import Testing

/// What `moiety-bench` prints; how fast anything is, is not asserted.
@Suite("Commands that measure")
struct BenchCommandTests {
    private static let shape = [
        "--hidden", "256", "--experts", "8", "--top-k", "2", "--expert-width", "256", "--layers",
        "2", "--heads", "4", "--kv-heads", "2", "--head-length", "64", "--vocabulary", "1000",
    ]

    private static func bench(_ arguments: [String]) async throws -> Command {
        try await Command.run(arguments, program: "moiety-bench")
    }

    /// The object that a command prints with `--json`, once it ended well.
    private static func object(_ arguments: [String]) async throws -> [String: Any] {
        let result = try await bench(arguments + ["--json"])
        #expect(result.status == 0, "\(result.errors)")
        return try result.object
    }

    /// A model of random weights, for as long as the value lives.
    private static func model(_ options: [String] = []) async throws -> TemporaryFile {
        let file = try TemporaryFile("random.gguf")
        let result = try await bench(["make-model", file.path] + shape + options)
        #expect(result.status == 0, "\(result.errors)")
        return file
    }

    private static func expectRates(
        _ object: [String: Any],
        _ names: [String],
        _ comment: Comment? = nil
    ) {
        for name in names {
            let middle = object[name] as? Double ?? 0
            #expect(middle > 0, comment)
            #expect(object[name + "_min"] as? Double ?? .infinity <= middle, comment)
            #expect(object[name + "_max"] as? Double ?? 0 >= middle, comment)
        }
    }

    @Test("bandwidth --json has one rate for each number of threads, none below plain loads")
    func bandwidth() async throws {
        let object = try await Self.object(
            ["bandwidth", "-t", "1", "--megabytes", "16", "--repetitions", "1"]
        )
        let rates = try #require(object["read_gb_s"] as? [Double])
        let plain = try #require(object["plain_gb_s"] as? [Double])
        #expect(rates.count == 1 && rates[0] > 0)
        #expect(zip(rates, plain).allSatisfy { $0 >= $1 })
        #expect((object["methods"] as? [String])?.count == 1)
    }

    @Test("make-model --json tells the file and what a token reads of it")
    func makeModel() async throws {
        let file = try TemporaryFile("random.gguf")
        let object = try await Self.object(
            ["make-model", file.path, "--type", "q8_0", "--skew", "1"] + Self.shape
        )
        let size = try FileManager.default.attributesOfItem(atPath: file.path)[.size] as? Int
        #expect(object["file_bytes"] as? Int == size)
        let token = try #require(object["weight_bytes_per_token"] as? Int)
        let core = try #require(object["coordinator_weight_bytes_per_token"] as? Int)
        #expect(0 < core && core < token && token < (size ?? 0))
    }

    @Test("model --json has prefill, decode and threads")
    func model() async throws {
        let file = try await Self.model()
        let options = ["model", "-m", file.path, "-p", "8", "-n", "3", "-t", "1"]
        let object = try await Self.object(options + ["--repetitions", "2"])
        Self.expectRates(object, ["prefill_tok_s", "decode_tok_s"])
        #expect(object["threads"] as? Int == 1)
        #expect(object["weight_bytes_per_step"] as? Int ?? 0 > 0)
        let deep = try await Self.object(options + ["--batch", "2", "--context", "5"])
        #expect(deep["batch"] as? Int == 2 && deep["context"] as? Int == 5)
        let prefillOnly = try await Self.object(
            ["model", "-m", file.path, "-p", "8", "-n", "0", "-t", "1"]
        )
        #expect(prefillOnly["decode_tok_s"] == nil)
    }

    @Test("cluster --json has the same and the number of workers")
    func cluster() async throws {
        let file = try await Self.model()
        let object = try await Self.object(
            ["cluster", "-m", file.path, "-p", "16", "-n", "4", "--repetitions", "1"]
        )
        Self.expectRates(object, ["prefill_tok_s", "decode_tok_s"])
        #expect(object["workers"] as? Int == 2)
        #expect(object["threads"] as? Int ?? 0 >= 1)
    }

    @Test("load --json has times and memory of one process and of each daemon")
    func load() async throws {
        let file = try await Self.model()
        let object = try await Self.object(["load", "-m", file.path, "--repetitions", "1"])
        for (name, count) in [("process", 1), ("cluster", 3)] {
            let group = try #require(object[name] as? [String: Any])
            #expect(group["ready_s"] as? Double ?? 0 > 0)
            let memory = try #require(group["resident_bytes"] as? [String: Int])
            #expect(memory.count == count)
            #expect(memory.values.allSatisfy { $0 > 0 })
        }
    }

    @Test("kernels --json compares every product with the oracle")
    func kernels() async throws {
        let object = try await Self.object(
            [
                "kernels", "--types", "q4_0,f16", "--rows", "1,3", "--isa", "scalar", "-t", "1",
                "--megabytes", "16",
            ]
        )
        let products = try #require(object["products"] as? [[String: Any]])
        #expect(products.count == 4)
        #expect(products.allSatisfy { $0["exact"] as? Bool == true })
        #expect(products.allSatisfy { $0["gop_s"] as? Double ?? 0 > 0 })
    }

    @Test("rounding --json is nearer than plain rounding with every type")
    func rounding() async throws {
        let result = try await Self.bench(["rounding", "--repetitions", "1", "--json"])
        #expect(result.status == 0, "\(result.errors)")
        let lines = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]]
        )
        #expect(lines.count % 4 == 0 && !lines.isEmpty)
        for line in lines {
            let error = try #require(line["error"] as? Double)
            let plain = try #require(line["plain_error"] as? Double)
            #expect(error > 0 && error < 0.97 * plain, "\(line)")
            #expect(line["ns_per_weight"] as? Double ?? 0 > 0)
        }
    }

    @Test("foresight tells how often coming layers are guessed, of each text and of all")
    func foresight() async throws {
        let texts = ["c", "german"].flatMap { name in
            let place = "Tests/Fixtures/demo/val/\(name).txt"
            return ["--text", WholeModel.repository.appending(path: place).path]
        }
        let result = try await Self.bench(
            ["foresight", "-m", WholeModel.demoPath, "--windows", "1", "--json"] + texts
        )
        #expect(result.status == 0, "\(result.errors)")
        let lines = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]]
        )
        #expect(lines.compactMap { $0["task"] as? String } == ["c", "german", "all"])
        for line in lines {
            let accuracy = try #require(line["accuracy"] as? [Double])
            let first = try #require(line["first_accuracy"] as? [Double])
            #expect(accuracy.count == 4 && first.count == 4)
            // By chance 2 of 32 would be right; the nearer, the more.
            #expect(accuracy[3] > 0.15 && accuracy[0] > accuracy[3], "\(line)")
        }
    }

    @Test("admission --output writes tables, and curves of who met their objectives")
    func admission() async throws {
        let place = try TemporaryFile("admission")
        let directory = "\(place.path)-figures"
        let result = try await Self.bench([
            "admission", "--requests", "60", "--output", directory, "--json",
        ])
        #expect(result.status == 0, "\(result.errors)")
        let lines = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]]
        )
        #expect(lines.count == 12)
        func read(_ name: String) throws -> String {
            try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)
        }
        let tables = try read("admission.md").split(separator: "\n").filter { $0.hasPrefix("| ") }
        #expect(tables.count == 2 + 12 + 16, "two headings, six loads and eight scales")
        for name in ["attainment-load.svg", "attainment-scale.svg"] {
            let curve = try read(name)
            #expect(curve.hasPrefix("<svg ") && curve.contains("first come, first served"))
        }
    }

    @Test("Tables are for people and go to standard output")
    func table() async throws {
        let file = try await Self.model()
        let result = try await Self.bench([
            "model", "-m", file.path, "-p", "4", "-n", "2", "-t", "1",
        ])
        #expect(result.output.contains("decode 2"), "\(result.output)")
        #expect(result.output.contains("tok/s"))
    }

    @Test(
        "Wrong arguments are refused by name",
        arguments: [
            (["model", "-m", "x", "-p", "0", "-n", "0"], "nothing to measure"),
            (["model", "-m", "x", "--batch", "0"], "--batch"),
            (["model", "-m", "x", "-t", "-1"], "-t <threads>"),
            (["cluster", "-m", "x", "--workers", "0"], "--workers"),
            (["cluster", "-m", "x", "--cpus", "one"], "--cpus"),
            (["kernels", "--types", "Q9_9"], "Q9_9"),
            (["kernels", "--isa", "mmx"], "mmx"),
            (["kernels", "--rows", "0"], "--rows"),
            (["bandwidth", "--megabytes", "0"], "--megabytes"),
            (["make-model", "x", "--type", "Q9_9"], "Q9_9"),
            (["make-model", "x", "--hidden", "33"], "--hidden"),
            (["load", "-m", "x", "--repetitions", "0"], "--repetitions"),
            (["admission", "--requests", "0"], "--requests"),
            (["model", "-m", "x", "--importance", "y"], "--lossy"),
        ]
    )
    func wrongArguments(arguments: [String], name: String) async throws {
        let result = try await Self.bench(arguments)
        #expect(result.status == 64, "\(result.errors)")
        #expect(result.errors.contains(name), "\(result.errors)")
    }

    @Test("A model that is not there is named")
    func missingModel() async throws {
        for command in ["model", "cluster", "load"] {
            let result = try await Self.bench([command, "-m", "/nonexistent/model.gguf"])
            #expect(result.status != 0)
            #expect(result.errors.contains("/nonexistent/model.gguf"), "\(result.errors)")
        }
    }
}
