import Cluster
import ClusterTesting
import Foundation
import Generation
import Inference
import Kernels
import Model
import Placement
import Testing
import Tokenizer
import Wire

/// The one arithmetic, over real sockets: a cluster gives the bits of one process.
@Suite("A cluster computes what one process does")
struct ClusterEquivalenceTests {
    private static let tokens: [Int32] = [0, 629, 358, 10, 21, 2394, 70, 11, 438, 49, 37, 547]

    private func expected() throws -> EvaluatedLocally {
        try EvaluatedLocally(WholeModel.demo, tokens: Self.tokens, top: 16)
    }

    @Test("Any number of workers gives the same bits", arguments: [1, 2, 3, 5])
    func workers(count: Int) async throws {
        let setup = InProcessCluster.Setup(modelPath: WholeModel.demoPath, workerCount: count)
        let reply = try await InProcessCluster.run(setup) { cluster in
            try await TestClient(cluster).evaluate(Self.tokens, top: 16)
        }
        try #expect(EvaluatedLocally(reply) == expected())
    }

    @Test("Any plan gives the same bits", arguments: [UInt64(1), 2, 3])
    func plans(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        let names = ["a", "b", "c"].compactMap(WorkerName.init(rawValue:))
        let layers = try WholeModel.demo.description.expertCounts.map { count in
            (0..<count).map { _ in
                ExpertEntry.worker(Int.random(in: 0..<names.count, using: &random))
            }
        }
        let setup = InProcessCluster.Setup(
            modelPath: WholeModel.demoPath,
            workers: names.map { InProcessCluster.Worker($0.rawValue) },
            plan: Plan(epoch: Epoch(rawValue: 7), workers: names, layers: layers)
        )
        let reply = try await InProcessCluster.run(setup) { cluster in
            try await TestClient(cluster).evaluate(Self.tokens, top: 16)
        }
        try #expect(EvaluatedLocally(reply) == expected(), "seed \(seed)")
    }

    @Test("Any number of micro-batches gives the same bits", arguments: [1, 2, 3])
    func microBatches(count: Int) async throws {
        var setup = InProcessCluster.Setup(modelPath: WholeModel.demoPath, workerCount: 2)
        setup.settings = ["coordinator.micro-batches": "\(count)"]
        let reply = try await InProcessCluster.run(setup) { cluster in
            try await TestClient(cluster).evaluate(Self.tokens, top: 16)
        }
        try #expect(EvaluatedLocally(reply) == expected())
    }

    @Test("Workers whose experts stay on disk give the same bits, in a second life too")
    func storedExperts() async throws {
        let workers = ["a", "b"].map { name in
            var worker = InProcessCluster.Worker(name)
            worker.settings = ["worker.memory": "1TB"]
            return worker
        }
        let setup = InProcessCluster.Setup(modelPath: WholeModel.demoPath, workers: workers)
        try await InProcessCluster.prepare(setup) { cluster in
            for _ in 0..<2 {
                let daemons = try [cluster.coordinator()] + workers.map { try cluster.worker($0) }
                try await cluster.running(daemons) {
                    let reply = try await TestClient(cluster).evaluate(Self.tokens, top: 16)
                    try #expect(EvaluatedLocally(reply) == expected())
                    // Hints came before the shares, which shows in nothing else.
                    try await TestClient(cluster).nodes { nodes in
                        nodes.allSatisfy { $0.supply.storedForeseen > 0 }
                    }
                }
                let packed = try FileManager.default.contentsOfDirectory(
                    atPath: cluster.cacheDirectory + "/packed"
                )
                #expect(packed.count == 1)
            }
        }
    }

    @Test("Workers with different instruction sets give the same bits")
    func instructionSets() async throws {
        let workers = InstructionSet.supported.map {
            InProcessCluster.Worker("worker-\($0.name)", instructionSet: $0)
        }
        let setup = InProcessCluster.Setup(modelPath: WholeModel.demoPath, workers: workers)
        let reply = try await InProcessCluster.run(setup) { cluster in
            try await TestClient(cluster).evaluate(Self.tokens, top: 16)
        }
        try #expect(EvaluatedLocally(reply) == expected())
    }

    @Test("A generated answer is the one of a single process")
    func generation() async throws {
        let prompt = "NAME\n       ls - "
        let setup = InProcessCluster.Setup(modelPath: WholeModel.demoPath, workerCount: 2)
        let ended = try await InProcessCluster.run(setup) { cluster in
            try await TestClient(cluster).generate(prompt, maximumTokens: 24)
        }
        let model = try WholeModel.demo
        let tokenizer = try Tokenizer(model.file.vocabulary())
        let engine = Engine(
            forward: model.forward(),
            tokenizer: tokenizer,
            limits: Scheduler.Limits()
        )
        var local: GenerationResult?
        _ = try engine.add(
            GenerationRequest(
                prompt: tokenizer.encode(prompt),
                maximumTokens: 24,
                sampling: .greedy
            )
        ) { if case .ended(let result) = $0 { local = result } }
        while engine.hasWork { engine.step() }
        #expect(ended.tokens == local?.tokens)
        #expect(ended.outcome == .completed)
        #expect(ended.rowsPerWorker.count == 2)
        let rows = ended.rowsPerWorker.reduce(0) { $0 + $1.rowCount }
        let steps = UInt64(ended.promptTokenCount + ended.tokens.count - 1)
        #expect(rows == steps * 6 * 2, "every row visits two experts in each of six layers")
    }

    @Test("Jobs that run together give what each gives alone")
    func batch() async throws {
        let prompts = ["NAME\n       cat - ", "int main(", "def ", "fn main() {"]
        let setup = InProcessCluster.Setup(modelPath: WholeModel.demoPath, workerCount: 2)
        try await InProcessCluster.run(setup) { cluster in
            let client = TestClient(cluster)
            var alone: [[Int32]] = []
            for prompt in prompts {
                alone.append(try await client.generate(prompt, maximumTokens: 16).tokens)
            }
            let together = try await withThrowingTaskGroup(of: (Int, [Int32]).self) { group in
                for (index, prompt) in prompts.enumerated() {
                    group.addTask {
                        (index, try await client.generate(prompt, maximumTokens: 16).tokens)
                    }
                }
                return try await group.reduce(into: [Int: [Int32]]()) { $0[$1.0] = $1.1 }
            }
            for (index, tokens) in alone.enumerated() { #expect(together[index] == tokens) }
        }
    }
}

/// Logits and scores of one evaluation, to be compared bit by bit.
struct EvaluatedLocally: Equatable {
    var ids: [[Int32]] = []
    var logits: [[UInt32]] = []
    var scores: [UInt64] = []

    init(_ reply: EvaluationReply) {
        ids = reply.positions.map(\.ids)
        logits = reply.positions.map { $0.logits.map(\.bitPattern) }
        scores = reply.scores.map(\.bitPattern)
    }

    init(_ model: WholeModel, tokens: [Int32], top: Int) throws {
        try self.init(model.forward(), tokens: tokens, top: top)
    }

    init(_ forward: ForwardPass, tokens: [Int32], top: Int) throws {
        let evaluation = Evaluation(forward: forward, tokens: tokens)
        while !evaluation.isFinished {
            try evaluation.step { position, row in
                let best = Evaluation.top(top, of: row)
                ids.append(best.ids)
                logits.append(best.logits.map(\.bitPattern))
                guard position + 1 < tokens.count else { return }
                let score = Perplexity.logProbability(of: tokens[position + 1], in: row)
                scores.append(score.bitPattern)
            }
        }
    }
}
