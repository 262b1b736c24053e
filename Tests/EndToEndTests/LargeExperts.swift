import ClusterTesting
import Testing

/// A model whose experts take much more than a process takes without them, and a cache for what is
/// packed of them.
struct LargeExperts {
    let model: TemporaryFile
    let cache: TemporaryFile

    /// Experts of 2.5 MB each, 160 MB together, and 62 MB in three bits.
    private static let shape = [
        "--hidden", "1024", "--experts", "16", "--top-k", "2", "--expert-width", "768",
        "--layers", "4", "--heads", "8", "--kv-heads", "2", "--head-length", "64",
        "--vocabulary", "1000", "--type", "Q8_0",
    ]

    init() async throws {
        model = try TemporaryFile("random.gguf")
        cache = try TemporaryFile("cache")
        let made = try await Command.run(
            ["make-model", model.path] + Self.shape,
            program: "moiety-bench"
        )
        #expect(made.status == 0, "\(made.errors)")
    }

    /// A command that answers a short prompt.
    var run: [String] {
        ["run", "-m", model.path, "-p", "a b c", "-n", "8", "--temp", "0", "--json"]
    }

    func budget(_ memory: String) -> [String] {
        ["--memory", memory, "--cache-directory", cache.path]
    }
}
