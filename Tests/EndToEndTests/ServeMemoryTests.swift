import Cluster
import ClusterTesting
import Foundation
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
