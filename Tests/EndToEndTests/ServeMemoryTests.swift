import Cluster
import ClusterTesting
import Foundation
import Model
import Testing
import Wire

/// `moiety serve --memory`: a whole cluster whose experts do not fit.
@Suite("A served cluster with a memory budget", .serialized, .timeLimit(.minutes(10)))
struct ServeMemoryTests {
    @Test("Its workers share the memory and the packed experts, keep to it, and answer the same")
    func divided() async throws {
        let large = try await LargeExperts()
        let (megabytes, each) = (260, 130 << 20)
        let served = try Served(
            model: large.model.path,
            options: large.budget("\(megabytes)MiB")
        )
        let children = try await served.whenReady()
        let ended = try await served.client.generate("a b c", maximumTokens: 8)
        let whole = try await Command.run(large.run)
        #expect(try whole.object["tokens"] as? [Int] == ended.tokens.map { Int($0) })
        let nodes = try await served.client.nodes { nodes in
            nodes.count == 2 && nodes.allSatisfy { $0.supply.storedUses > 0 }
        }
        for node in nodes {
            #expect(node.supply.memoryBudget == UInt64(each), "\(node.supply)")
            // Who came while the other packed experts waited for them.
            #expect(node.supply.unpacked == 0, "\(node.supply)")
        }
        for child in children where ClusterProcess.name(of: child) == "moiety-worker" {
            let resident = try ClusterProcess.residentByteCount(of: child)
            #expect(Double(resident) <= 1.02 * Double(each), "\(resident)")
        }
        let packed = try FileManager.default.contentsOfDirectory(
            atPath: large.cache.path + "/packed"
        )
        #expect(packed.count == 1, "both use one file")
        served.process.kill(SIGINT)
        #expect(await served.process.ended() == 0, "\(served.process.logText)")
    }

    @Test("Where it is lossy, it says so when it starts, and answers say how much so they are")
    func lossy() async throws {
        let large = try await LargeExperts()
        let served = try Served(
            model: large.model.path,
            options: large.budget("260MiB") + ["--lossy", "resident", "--low-tier", "q2"]
        )
        _ = try await served.whenReady()
        let warning = "moiety: answers may be inexact (--lossy resident)"
        #expect(served.process.logText.contains(warning), "\(served.process.logText)")
        let ended = try await served.client.generate("a b c", maximumTokens: 8)
        let uses = try #require(ended.expertUses)
        #expect(uses.low > 0 && uses.skipped == 0, "\(uses)")
        served.process.kill(SIGINT)
        #expect(await served.process.ended() == 0, "\(served.process.logText)")
    }

    @Test("Its workers are told what packed experts may take, and do without where that is little")
    func cacheSize() async throws {
        let large = try await LargeExperts()
        let served = try Served(
            model: large.model.path,
            options: large.budget("260MiB") + ["--cache-size", "10MB"]
        )
        _ = try await served.whenReady()
        #expect(
            served.process.logText.contains("has room for 10000000 bytes"),
            "\(served.process.logText)"
        )
        #expect(try await served.client.generate("a b c", maximumTokens: 2).tokens.count == 2)
    }

    @Test("A demo model of which all fits is served exactly, lossy or not")
    func fitting() async throws {
        let cache = try TemporaryFile("cache")
        let served = try Served(
            options: [
                "--memory", "2GiB", "--lossy", "hobbit", "--cache-directory", cache.path,
            ]
        )
        _ = try await served.whenReady()
        let ended = try await served.client.generate("a b c", maximumTokens: 8)
        let exact = try await Command.run(
            ["run", "-m", WholeModel.demoPath, "-p", "a b c", "-n", "8", "--temp", "0", "--json"]
        )
        #expect(try exact.object["tokens"] as? [Int] == ended.tokens.map { Int($0) })
        let uses = try #require(ended.expertUses)
        #expect(uses.high > 0 && uses.low == 0 && uses.skipped == 0, "\(uses)")
    }

    @Test(
        "A way of being lossy that it has not is refused before anything starts",
        arguments: [
            (["--lossy", "resident"], "say how much --memory"),
            (["--memory", "1GiB", "--lossy", "emoe"], "moiety run --lossy emoe"),
            (["--memory", "1GiB", "--low-tier", "q2"], "--low-tier is for --lossy"),
            (
                ["--memory", "1GiB", "--lossy", "resident", "--low-tier", "none"],
                "--lossy resident needs a low tier: q4, q3 or q2"
            ),
        ]
    )
    func refusedLoss(options: [String], reason: String) async throws {
        let result = try await Command.run(["serve", "-m", WholeModel.demoPath] + options)
        #expect(result.status == 64)
        #expect(result.errors.contains(reason), "\(result.errors)")
    }

    @Test("Too little memory ends it at once, with the worker's words and the least that would do")
    func tooSmall() async throws {
        let large = try await LargeExperts()
        let served = try Served(model: large.model.path, options: large.budget("40MiB"))
        #expect(await served.process.ended() == 78)
        let log = served.process.logText
        #expect(
            log.contains("a memory of 20MiB is too small: this model and context need"),
            "\(log)"
        )
        #expect(log.contains("--memory leaves 21.0 MB for each of 2 workers"), "\(log)")
        #expect(!log.contains("starting it again"), "\(log)")
    }

    @Test("A memory that is none is refused before anything starts", arguments: ["0", "much"])
    func refused(memory: String) async throws {
        let result = try await Command.run(
            ["serve", "-m", WholeModel.demoPath, "--memory", memory]
        )
        #expect(result.status == 64)
        #expect(result.errors.contains("--memory is '\(memory)'; it must be like"))
    }
}
