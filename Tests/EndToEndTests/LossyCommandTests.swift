import ClusterTesting
import Foundation
import Testing

/// Commands that give accuracy for speed, with experts on disk.
@Suite("Commands with --lossy", .serialized, .timeLimit(.minutes(10)))
struct LossyCommandTests {
    private let large: LargeExperts

    init() async throws { large = try await LargeExperts() }

    private var memory: [String] { large.budget("160MiB") }

    @Test("run --lossy says which part of the answer was not exact; without it nothing was")
    func run() async throws {
        let exact = try await Command.run(large.run + memory)
        #expect(exact.status == 0, "\(exact.errors)")
        #expect(try exact.object["low_share"] == nil)
        for mode in ["resident", "hobbit"] {
            let result = try await Command.run(large.run + memory + ["--lossy", mode])
            #expect(result.status == 0, "\(result.errors)")
            let object = try result.object
            let low = try #require(object["low_share"] as? Double)
            let skipped = try #require(object["skipped_share"] as? Double)
            #expect(low >= 0 && skipped >= 0 && low + skipped <= 1)
            #expect(mode == "hobbit" || (low > 0 && skipped == 0))
            let disk = try #require(object["disk"] as? [String: Any])
            let slots = try #require(disk["low_slots"] as? Int)
            #expect(mode == "hobbit" ? slots >= 4 : slots == 64)
        }
        let text = try await Command.run(
            large.run.dropLast() + memory + ["--lossy", "resident", "--low-tier", "q2"]
        )
        #expect(text.errors.contains("not exact: "))
        #expect(text.errors.contains(" as in the file, 64 in few bits; "), "\(text.errors)")
        let fits = try await Command.run(
            large.run + large.budget("2GiB") + ["--lossy", "resident"]
        )
        for share in ["low_share", "skipped_share", "substituted_share"] {
            #expect(try fits.object[share] as? Double == 0, "all experts fit")
        }
        let names = try FileManager.default.contentsOfDirectory(
            atPath: large.cache.path + "/packed"
        )
        #expect(names.count == 3, "one of the file's experts, one for each low tier")
    }

    @Test("What --lossy lacks is said")
    func refusals() async throws {
        let without = try await Command.run(large.run + ["--lossy", "hobbit"])
        #expect(without.status != 0 && without.errors.contains("say how much --memory"))
        let commands = [
            ("moiety", large.run), ("moiety-bench", ["model", "-m", large.model.path]),
            ("moiety", ["serve", "-m", large.model.path]),
        ]
        let refused = [
            (["--low-tier", "q3"], "--low-tier is for --lossy hobbit or resident"),
            (["--lossy", "resident", "--low-tier", "none"], "needs a low tier: q4, q3 or q2"),
            (["--lossy", "hobbit", "--low-tier", "q5"], "'q5' is invalid for '--low-tier"),
            (["--cache-size", "much"], "--cache-size is 'much'"),
        ]
        for (program, command) in commands {
            for (options, reason) in refused {
                let result = try await Command.run(command + memory + options, program: program)
                #expect(result.status == 64, "\(command) \(options)")
                #expect(result.errors.contains(reason), "\(result.errors)")
            }
        }
        let small = try await Command.run(
            large.run + large.budget("90MiB") + ["--lossy", "resident"]
        )
        #expect(small.status != 0 && small.errors.contains("is too small"))
    }

    @Test("--low-tier none makes no tier: exact answers, or hobbit that only leaves out")
    func withoutLowTier() async throws {
        let none = ["--low-tier", "none"]
        let exact = try await Command.run(large.run + memory + none)
        #expect(exact.status == 0, "\(exact.errors)")
        #expect(try exact.object["low_share"] == nil)
        let hobbit = ["--lossy", "hobbit"] + none
        let run = try await Command.run(large.run + memory + hobbit)
        #expect(run.status == 0, "\(run.errors)")
        let object = try run.object
        #expect(object["low_share"] as? Double == 0)
        #expect(try #require(object["skipped_share"] as? Double) < 1)
        let disk = try #require(object["disk"] as? [String: Any])
        #expect(disk["low_slots"] == nil && disk["slots"] as? Int ?? 0 >= 4)
        // Whatever is missing and not the heaviest is left out.
        let measured = try await Command.run(
            [
                "model", "-m", large.model.path, "-p", "20", "-n", "20", "--repetitions", "1",
                "--t1", "0", "--t2", "0", "--json",
            ] + large.budget("170MiB") + hobbit,
            program: "moiety-bench"
        )
        #expect(measured.status == 0, "\(measured.errors)")
        let figures = try #require(try measured.object["disk"] as? [String: Any])
        #expect(figures["low_share"] as? Double == 0)
        #expect(figures["skipped_share"] as? Double ?? 0 > 0)
        let names = try FileManager.default.contentsOfDirectory(
            atPath: large.cache.path + "/packed"
        )
        #expect(names.count == 1, "one of the file's experts")
    }

    @Test("run --lossy emoe says which part of the uses went to others, and to whom they went")
    func emoe() async throws {
        let few = large.budget("110MiB") + ["--lossy", "emoe"]
        let first = try await Command.run(large.run + few)
        #expect(first.status == 0, "\(first.errors)")
        let whole = try await Command.run(large.run + memory)
        // The first prompt is exact, and so is the token that follows it.
        let tokens = try #require(try first.object["tokens"] as? [Int])
        #expect(tokens.first == (try whole.object["tokens"] as? [Int])?.first)
        let count = try #require(try first.object["present_experts"] as? Int)
        #expect(count >= 8 && count < 64)
        let size = try #require(try first.object["present_bytes"] as? Int)
        #expect(size > count * 2_400_000)
        let peak = try #require(try first.object["peak_memory_bytes"] as? Int)
        #expect(Double(peak) <= 1.02 * Double(110 << 20))

        let text = try TemporaryFile("prose.txt")
        try Data(String(repeating: "a b c ", count: 40).utf8)
            .write(to: URL(filePath: text.path))
        let counted = try await Command.run(
            ["profile", "-m", large.model.path, "--text", text.path, "-c", "64"]
                + ["--directory", large.cache.path],
            program: "moiety-bench"
        )
        #expect(counted.status == 0, "\(counted.errors)")
        let task = URL(filePath: text.path).deletingPathExtension().lastPathComponent
        let profile = ["--profile", large.cache.path + "/\(task).json"]
        let known = try await Command.run(large.run + few + profile + ["--task", task])
        #expect(known.status == 0, "\(known.errors)")
        let substituted = try #require(try known.object["substituted_share"] as? Double)
        #expect(substituted > 0 && substituted < 1)
        #expect(try known.object["low_share"] as? Double == 0)
        let shown = try await Command.run(large.run.dropLast() + few + profile)
        #expect(shown.errors.contains("% of experts' uses went to others, of the "))
        let tasks = try TemporaryFile("tasks.yaml")
        try Data("tasks:\n  \(task):\n    keywords: b x\n  z:\n    keywords: y".utf8)
            .write(to: URL(filePath: tasks.path))
        let told = try await Command.run(large.run + few + profile + ["--tasks", tasks.path])
        #expect(told.status == 0, "\(told.errors)")
        #expect(try told.object["task"] as? String == task)
        let other = try await Command.run(large.run + few + profile + ["--task", "none"])
        #expect(other.status == 65 && other.errors.contains("none of the profiles is of task"))
    }

    @Test("A profile of another model is refused, and options that nobody would look at")
    func profiles() async throws {
        let profile = try TemporaryFile("profile.json")
        let text = """
            {"format":"moiety.profile.v1","rows":1,"top_k":1,"layers":[{"activations":[1]}]}
            """
        try Data(text.utf8).write(to: URL(filePath: profile.path))
        let few = large.budget("110MiB")
        let given = ["--profile", profile.path]
        let other = try await Command.run(large.run + few + ["--lossy", "emoe"] + given)
        #expect(other.status != 0 && other.errors.contains("1 layers and 1 experts"))
        let exact = try await Command.run(large.run + few + given)
        #expect(exact.status == 64 && exact.errors.contains("--profile is for --lossy emoe"))
        let task = try await Command.run(large.run + few + ["--lossy", "emoe", "--task", "code"])
        #expect(task.status == 64 && task.errors.contains("give them with --profile"))
    }

    @Test("perplexity --lossy compares with the exact model")
    func perplexity() async throws {
        let text = try TemporaryFile("text")
        try Data(String(repeating: "a b c ", count: 20).utf8)
            .write(to: URL(filePath: text.path))
        let command = ["perplexity", "-m", large.model.path, "-f", text.path, "-c", "32", "--json"]
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
        let few = large.budget("110MiB") + ["--lossy", "emoe"]
        let emoe = try await Command.run(command + few).object
        #expect(try #require(emoe["exact_perplexity"] as? Double) == exact)
        #expect(try #require(emoe["substituted_share"] as? Double) > 0)
        #expect(try #require(emoe["present_experts"] as? Int) < 64)
    }

    @Test("perplexity --lossy takes little more than its budget, and any number as one")
    func perplexityMemory() async throws {
        let text = try TemporaryFile("text")
        try Data(String(repeating: "a b c ", count: 20).utf8)
            .write(to: URL(filePath: text.path))
        let command = ["perplexity", "-m", large.model.path, "-f", text.path, "-c", "32", "--json"]
        let huge = try await Command.run(
            command + large.budget("\(Int.max)") + ["--lossy", "hobbit"]
        )
        #expect(huge.status == 0, "\(huge.errors)")
        let loss = try #require(try huge.object["perplexity_loss"] as? Double)
        #expect(abs(loss) < 1e-6, "all experts fit, so both are exact")
        let bounded = try await Command.run(command + memory + ["--lossy", "hobbit"])
        #expect(bounded.status == 0, "\(bounded.errors)")
        let peak = try #require(try bounded.object["peak_memory_bytes"] as? Int)
        // Four experts for the exact model, not all that there are.
        #expect(peak > 100 << 20 && peak < 200 << 20)
    }

    @Test("moiety-bench model --lossy measures all modes within the budget")
    func benchmark() async throws {
        for mode in ["resident", "hobbit", "emoe"] {
            let result = try await Command.run(
                [
                    "model", "-m", large.model.path, "-p", "20", "-n", "20", "--repetitions", "1",
                    "--json",
                ]
                    + large.budget("170MiB") + ["--lossy", mode],
                program: "moiety-bench"
            )
            #expect(result.status == 0, "\(result.errors)")
            let object = try result.object
            let peak = try #require(object["peak_memory_bytes"] as? Int)
            #expect(Double(peak) <= 1.02 * Double(170 << 20), "\(mode)")
            let disk = try #require(object["disk"] as? [String: Any])
            #expect(disk["low_share"] as? Double != nil)
            if mode == "emoe" {
                #expect(disk["substituted_share"] as? Double ?? 0 > 0)
                #expect(disk["bytes_read_per_token"] as? Int == 0)
                #expect(disk["present_experts"] as? Int ?? 64 < 64)
            } else {
                #expect(disk["low_slots"] as? Int ?? 0 > 0)
                // Of the other mode all are there in the low tier.
                #expect(mode == "hobbit" || disk["low_hit_rate"] == nil)
            }
        }
    }
}
