import Cluster
import ClusterTesting
import Foundation
import Testing
import Wire

/// Commands that keep to a memory budget, with experts on disk.
@Suite("Commands with a memory budget", .serialized, .timeLimit(.minutes(10)))
struct MemoryBudgetTests {
    private let large: LargeExperts

    init() async throws { large = try await LargeExperts() }

    private func tokens(_ options: [String]) async throws -> [Int] {
        let result = try await Command.run(large.run + options)
        #expect(result.status == 0, "\(result.errors)")
        return try #require(try result.object["tokens"] as? [Int])
    }

    @Test("run --memory answers as without it, packed experts found, damaged or impossible")
    func sameAnswer() async throws {
        let whole = try await tokens([])
        #expect(try await tokens(large.budget("160MiB")) == whole)
        let names = try FileManager.default.contentsOfDirectory(
            atPath: large.cache.path + "/packed"
        )
        let name = try #require(names.first)
        #expect(names.count == 1)
        #expect(try await tokens(large.budget("160MiB")) == whole, "found again")
        let handle = try FileHandle(
            forUpdating: URL(filePath: large.cache.path + "/packed/" + name)
        )
        try handle.truncate(atOffset: 1 << 20)
        try handle.close()
        #expect(try await tokens(large.budget("160MiB")) == whole, "made anew")
        // A directory that cannot be one.
        let blocked = ["--memory", "160MiB", "--cache-directory", large.model.path + "/cache"]
        let refused = try await Command.run(large.run + blocked)
        #expect(refused.status != 0 && refused.errors.contains("--cache-directory"))
    }

    @Test("However many tokens are asked for, there is memory for the context")
    func manyTokens() async throws {
        let endless = large.run.map { $0 == "8" ? "\(Int.max)" : $0 }
        let result = try await Command.run(endless + ["-c", "16"] + large.budget("160MiB"))
        #expect(result.status == 0, "\(result.errors)")
        let tokens = try #require(try result.object["tokens"] as? [Int])
        #expect(!tokens.isEmpty && tokens.count < 16)
    }

    @Test("run --memory says at its end what the budget did, and before that what it packs")
    func told() async throws {
        let text = Array(large.run.dropLast())
        let first = try await Command.run(text + large.budget("160MiB"))
        #expect(first.status == 0, "\(first.errors)")
        let packing = first.errors.split(separator: "\n").filter { $0.contains("packing ") }
        #expect(
            packing.count == 1 && packing[0].contains("MiB of experts into \(large.cache.path)")
        )
        for words in ["memory: ", " of 64 experts; ", "disk: ", " needed for each token made, "] {
            #expect(first.errors.contains(words), "\(words) in \(first.errors)")
        }
        #expect(!first.errors.contains("from the model file"))
        let result = try await Command.run(large.run + large.budget("160MiB"))
        #expect(!result.errors.contains("packing "), "it is there already")
        let object = try result.object
        let disk = try #require(object["disk"] as? [String: Any])
        let made = try #require(object["tokens"] as? [Int]).count
        try expectFigures(disk, madeOneByOne: made - 1)
        let all = try await Command.run(text + large.budget("2GiB"))
        #expect(all.errors.contains("memory: all 64 experts"), "\(all.errors)")
        #expect(try await Command.run(large.run + large.budget("2GiB")).object["disk"] == nil)
    }

    private func expectFigures(_ disk: [String: Any], madeOneByOne count: Int) throws {
        func number(_ name: String) throws -> Double {
            let value = disk[name] as? Double ?? (disk[name] as? Int).map { Double($0) }
            return try #require(value, "\(name) in \(disk)")
        }
        #expect(disk["memory_budget"] as? Int == 160 << 20)
        #expect(disk["experts"] as? Int == 64)
        let slots = try number("slots")
        #expect(slots >= 4 && slots < 64 && disk["low_slots"] == nil)
        // Two experts of four layers for each token; rows of the prompt may share some.
        let (uses, hits) = (try number("uses"), try number("hits"))
        #expect(uses >= Double(8 * (count + 1)) && hits >= 0 && hits < uses)
        let rate = try number("hit_rate")
        #expect(abs(rate - hits / uses) < 1e-9 && disk["high_hit_rate"] == nil)
        let (read, perToken) = (try number("bytes_read"), try number("bytes_read_per_token"))
        #expect(read > 2_000_000 && perToken > 0 && perToken * Double(count) <= read)
        let (stall, stallPerToken) = (try number("stall_s"), try number("stall_ms_per_token"))
        #expect(stall > 0 && stallPerToken * Double(count) <= stall * 1000 + 1)
        let guesses = try #require(disk["guesses"] as? [Int])
        let right = try #require(disk["right_guesses"] as? [Int])
        #expect(guesses.count == 4 && zip(guesses, right).allSatisfy { $0 >= $1 })
        #expect(disk["fallbacks"] as? Int == 0)
    }

    @Test("A cache that is too small for packed experts is said, and --cache-size makes it larger")
    func cacheSize() async throws {
        let small = large.budget("160MiB") + ["--cache-size", "10MB"]
        let result = try await Command.run(large.run + small)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("has room for 10000000 bytes"), "\(result.errors)")
        let disk = try #require(try result.object["disk"] as? [String: Any])
        #expect(disk["fallbacks"] as? Int ?? 0 > 0)
        let measured = try await Command.run(
            ["model", "-m", large.model.path, "-p", "4", "-n", "4", "--repetitions", "1"] + small,
            program: "moiety-bench"
        )
        #expect(measured.status == 0, "\(measured.errors)")
        #expect(measured.errors.contains("has room for 10000000 bytes"), "\(measured.errors)")
        let told = try await Command.run(large.run.dropLast() + small)
        #expect(told.errors.contains(" from the model file"))
        let tokens = try #require(try result.object["tokens"] as? [Int])
        let larger = large.budget("160MiB") + ["--cache-size", "500MB"]
        #expect(try await self.tokens(larger) == tokens)
    }

    @Test("A budget that is too small is refused with the least that would do")
    func tooSmall() async throws {
        let result = try await Command.run(large.run + large.budget("20MB"))
        #expect(result.status == 1)
        #expect(result.errors.contains("is too small: this model and context need"))
        let words = result.errors.split(separator: " ")
        let place = try #require(words.firstIndex(of: "need"))
        let least = words[place + 1]
        #expect(least.hasSuffix("MiB"))
        let number = try #require(Int(least.dropLast(3)))
        _ = try await tokens(large.budget("\(number)MiB"))
    }

    @Test("Memory stays within the budget, at its highest, while prompts and tokens are computed")
    func peak() async throws {
        let megabytes = 170
        let result = try await Command.run(
            [
                "model", "-m", large.model.path, "-p", "300", "-n", "20", "--repetitions", "2",
                "--json",
            ]
                + large.budget("\(megabytes)MiB"),
            program: "moiety-bench"
        )
        #expect(result.status == 0, "\(result.errors)")
        let object = try result.object
        let peak = try #require(object["peak_memory_bytes"] as? Int)
        #expect(Double(peak) <= 1.02 * Double(megabytes << 20))
        let disk = try #require(object["disk"] as? [String: Any])
        #expect((disk["slots"] as? Int ?? 0) < 64)
        #expect(disk["fallbacks"] as? Int == 0)
        let share = try #require(disk["hit_rate"] as? Double)
        #expect(share > 0 && share < 1)
        #expect(disk["bytes_read_per_token"] as? Int ?? 0 > 0)
    }

    @Test("Workers with a memory budget answer as one process, and keep to it")
    func workers() async throws {
        let megabytes = 130
        let cluster = try ClusterOfProcesses(
            model: large.model.path,
            workerOptions: ["--memory", "\(megabytes)MiB"]
        )
        try await cluster.client.status { $0.isReady }
        let ended = try await cluster.client.generate("a b c", maximumTokens: 8)
        let whole = try await tokens([])
        #expect(ended.tokens.map { Int($0) } == whole)
        for name in ["alpha", "beta"] {
            let resident = try cluster.worker(name).residentByteCount()
            #expect(Double(resident) <= 1.02 * Double(megabytes << 20), "\(name): \(resident)")
        }
        let packed = try FileManager.default.contentsOfDirectory(
            atPath: cluster.cachePath + "/packed"
        )
        #expect(packed.count == 1, "both use one file")
        try await expectCounts(of: cluster, budget: megabytes << 20)
    }

    /// Both workers read experts from disk, and `moiety nodes --json` tells what that cost them.
    private func expectCounts(of cluster: ClusterOfProcesses, budget: Int) async throws {
        // Workers tell it with their signs of life, at first what they had done by then.
        try await cluster.client.nodes { nodes in
            nodes.count == 2
                && nodes.allSatisfy { $0.supply.guesses[0] > 0 && $0.supply.stallMicroseconds > 0 }
        }
        let result = try await Command.run(
            ["nodes", "--json", "--coordinator", cluster.clientEndpoint]
        )
        #expect(result.status == 0, "\(result.errors)")
        let nodes = try #require(try result.object["nodes"] as? [[String: Any]])
        #expect(nodes.compactMap { $0["name"] as? String } == ["alpha", "beta"])
        for node in nodes {
            let supply = try #require(node["supply"] as? [String: Any])
            let stored = try #require(supply["stored"] as? [String: Any])
            #expect(stored["memory_budget"] as? Int == budget)
            let uses = try #require(stored["uses"] as? Int)
            let hits = try #require(stored["hits"] as? Int)
            #expect(uses > 0 && hits >= 0 && hits <= uses, "\(stored)")
            // Each was read at least once, whole; hits are what was there before.
            #expect(try #require(stored["bytes_read"] as? Int) > 2_000_000, "\(stored)")
            #expect(try #require(stored["stall_s"] as? Double) > 0, "\(stored)")
            let guesses = try #require(stored["guesses"] as? [Int])
            let right = try #require(stored["right_guesses"] as? [Int])
            #expect(guesses.count == 4 && guesses[0] > 0 && guesses[3] == 0, "\(stored)")
            #expect(zip(guesses, right).allSatisfy { $0 >= $1 }, "\(stored)")
            // Who comes while the other packs experts waits for them.
            #expect(stored["unpacked"] as? Int == 0)
        }
    }

    @Test("perplexity --memory is what it is without it")
    func perplexity() async throws {
        let text = try TemporaryFile("text")
        try Data(String(repeating: "a b c ", count: 60).utf8)
            .write(to: URL(filePath: text.path))
        let command = ["perplexity", "-m", large.model.path, "-f", text.path, "-c", "32", "--json"]
        let whole = try await Command.run(command)
        #expect(whole.status == 0, "\(whole.errors)")
        let within = try await Command.run(command + large.budget("160MiB"))
        #expect(within.status == 0, "\(within.errors)")
        #expect(within.output == whole.output)
        let refused = try await Command.run(
            command + large.budget("160MiB") + ["--coordinator", "tcp://127.0.0.1:1"]
        )
        #expect(refused.status != 0 && refused.errors.contains("--memory is for one process"))
    }

    @Test("A process that is killed while it packs experts leaves nothing that is used")
    func killed() async throws {
        let whole = try await tokens([])
        let process = Process()
        process.executableURL = try ClusterProcess.directory.appending(path: "moiety")
        process.arguments = large.run + large.budget("160MiB")
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        let packed = large.cache.path + "/packed"
        // As soon as there is something to leave behind.
        while process.isRunning,
            (try? FileManager.default.contentsOfDirectory(atPath: packed))?
                .isEmpty ?? true
        {
            await Task.yield()
        }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        #expect(try await tokens(large.budget("160MiB")) == whole)
        let names = try FileManager.default.contentsOfDirectory(atPath: packed)
        #expect(names.count == 1 && names.allSatisfy { !$0.contains(".part-") })
    }
}
