import Cluster
import ClusterTesting
import Experts
import Generation
import Inference
import Kernels
import Model
import Placement
import Tensors
import Tokenizer
import Wire

/// What most tests ask for, and what one process answers.
enum Demo {
    static let prompt = "NAME\n       ls - "
    /// Never reached: the context is full before.
    static let longCount = 100_000

    /// Greedy tokens of a single process, which may cut every expert into the same shards.
    static func tokens(
        _ prompt: String = prompt,
        count: Int,
        shards: [Range<Int>] = []
    ) throws -> [Int32] {
        let model = try WholeModel.demo
        let tokenizer = try Tokenizer(model.file.vocabulary())
        let engine = Engine(
            forward: try shards.isEmpty ? model.forward() : model.forward(shards: shards),
            tokenizer: tokenizer,
            limits: Scheduler.Limits()
        )
        let request = try GenerationRequest(
            prompt: tokenizer.encode(prompt),
            maximumTokens: count,
            sampling: .greedy
        )
        var tokens: [Int32] = []
        _ = try engine.add(request) { if case .ended(let result) = $0 { tokens = result.tokens } }
        while engine.hasWork { engine.step() }
        return tokens
    }

    /// A job of so many tokens, the likeliest each.
    static func greedyJob(_ count: Int) -> Submit {
        Submit(
            tag: 1,
            prompt: prompt,
            maximumTokens: count,
            sampling: SamplingRequest(temperature: 0)
        )
    }

    /// Of all layers.
    static var expertCount: Int {
        get throws { try WholeModel.demo.description.expertCounts.reduce(0, +) }
    }

    /// A job that fills the context unless something happens.
    static var longJob: Submit {
        var sampling = SamplingRequest(temperature: 0)
        sampling.ignoresEnd = true
        return Submit(tag: 1, prompt: prompt, maximumTokens: longCount, sampling: sampling)
    }
}

extension InProcessCluster.Setup {
    /// The demo model on workers of these names, with little patience for those that fail.
    static func demo(_ names: [String], settings: [String: String] = [:]) -> Self {
        var setup = Self(
            modelPath: WholeModel.demoPath,
            workers: names.map { InProcessCluster.Worker($0) }
        )
        setup.settings = [
            "coordinator.heartbeat-interval": "50ms",
            "coordinator.silence-limit": "2s",
            "coordinator.share-time": "10s",
            "coordinator.worker-wait": "1h",
            // Workers are waited for, unless a test wants others to take over.
            "coordinator.recovery-wait": "1h",
        ].merging(settings) { $1 }
        return setup
    }
}

extension InProcessCluster {
    var client: TestClient { TestClient(self) }

    /// Runs `body` beside a cluster whose only worker takes its time: a job that fills the context
    /// lasts for minutes.
    static func runSlowly(
        settings: [String: String] = [:],
        _ body: @escaping @Sendable (InProcessCluster) async throws -> Void
    ) async throws {
        try await prepare(.demo(["alpha"], settings: settings)) { cluster in
            try await cluster.running([cluster.coordinator()]) {
                try await ScriptedWorker.slow("alpha", in: cluster).running {
                    try await cluster.client.status { $0.isReady }
                    try await body(cluster)
                }
            }
        }
    }

    /// The daemons of every worker of the setup but the last ones.
    func daemons(leavingOut count: Int) throws -> [Daemon] {
        try [coordinator()] + setup.workers.dropLast(count).map { try worker($0) }
    }

    /// The daemon of a worker of the setup.
    func worker(_ name: String) throws -> Daemon { try worker(Worker(name)) }
}

extension Share {
    /// The right answer, computed here.
    func computed(by model: WholeModel) throws -> PartialRows {
        let hidden = model.description.hiddenSize
        let arithmetic = ExpertArithmetic(
            kernels: Kernels(instructionSet: .detected, threadCount: 1)
        )
        var sums = [Double](repeating: 0, count: header.rowCount * hidden)
        try arithmetic.run(
            layer: header.layer,
            pairs: pairRows.indices.map {
                ExpertArithmetic.Pair(
                    row: Int32(pairRows[$0]),
                    expert: Int(pairExperts[$0]),
                    gateWeight: pairWeights[$0]
                )
            },
            held: model.held,
            activations: activations,
            into: &sums
        )
        return answer(values: sums, width: hidden)
    }

    /// An answer of any content.
    func answer(
        id: ShareID? = nil,
        attempt: UInt32? = nil,
        epoch: Epoch? = nil,
        values: [Double],
        width: Int
    ) -> PartialRows {
        PartialRows(
            id: id ?? header.id,
            attempt: attempt ?? header.attempt,
            epoch: epoch ?? header.epoch,
            layer: header.layer,
            width: width,
            values: values,
            computeTime: .zero
        )
    }
}
