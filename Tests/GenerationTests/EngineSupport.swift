import ClusterTesting
import Experts
import Generation
import Inference
import Kernels
import Model
import Tensors
import Tokenizer

/// An engine and everything that happened to its requests.
final class EngineDriver {
    let engine: Engine
    let forward: ForwardPass
    let tokenizer: Tokenizer
    let runner: MoodyRunner
    private(set) var events: [Engine.SequenceID: [GenerationEvent]] = [:]

    /// - Parameters:
    ///   - eos: takes the place of the vocabulary's end token.
    ///   - cache: memory for keys and values.
    ///   - prefixes: what is kept of them.
    ///   - clock: the time; nil for the machine's own.
    init(
        _ model: WholeModel,
        eos: Int32? = nil,
        cache: CacheLimits = CacheLimits(),
        prefixes: PrefixLimits = PrefixLimits(),
        limits: (inout Scheduler.Limits) -> Void = { _ in },
        clock: (() -> Duration)? = nil
    ) throws {
        var vocabulary = try model.file.vocabulary()
        if let eos { vocabulary.eos = Int(eos) }
        tokenizer = try Tokenizer(vocabulary)
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        runner = MoodyRunner(LocalRunner(held: model.held, kernels: kernels))
        var bounds = Scheduler.Limits()
        limits(&bounds)
        forward = model.forward(kernels: kernels, experts: runner, cache: cache)
        engine = Engine(
            forward: forward,
            tokenizer: tokenizer,
            limits: bounds,
            prefixes: prefixes,
            clock: clock
        )
    }

    @discardableResult
    func add(_ request: GenerationRequest) throws(RequestError) -> Engine.SequenceID {
        // Events come only from `step` and `cancel`, after the id is known.
        var id: Engine.SequenceID = 0
        id = try engine.add(request) { [weak self] event in
            self?.events[id, default: []].append(event)
        }
        return id
    }

    /// Steps until all work is done, or so many times.
    func run(steps: Int = 10000) {
        var left = steps
        while engine.hasWork, left > 0 {
            engine.step()
            left -= 1
        }
    }

    /// How a request ended, and nothing where it did not.
    func result(_ id: Engine.SequenceID) -> GenerationResult? {
        guard case .ended(let result) = events[id]?.last else { return nil }
        return result
    }

    func endCount(_ id: Engine.SequenceID) -> Int {
        (events[id] ?? []).count { if case .ended = $0 { true } else { false } }
    }

    func text(_ id: Engine.SequenceID) -> String {
        (events[id] ?? []).map { event in
            switch event {
            case .token(_, let text), .text(let text): text
            case .prefill, .scores, .ended: ""
            }
        }.joined()
    }

    func tokens(_ id: Engine.SequenceID) -> [Int32] {
        (events[id] ?? []).compactMap { if case .token(let token, _) = $0 { token } else { nil } }
    }

    /// Runs one request alone.
    func complete(_ request: GenerationRequest) throws -> (GenerationResult?, String) {
        let id = try add(request)
        run()
        return (result(id), text(id))
    }
}

/// Computes experts here, and fails at the call it is told to.
final class MoodyRunner: ExpertRunner {
    static let failure = ExpertRunnerError.workerLost(
        worker: "w1",
        layer: LayerIndex(1),
        reason: "the test asked for it"
    )

    /// Calls that still succeed; nil for all.
    var callsLeft: Int?
    private let runner: LocalRunner

    init(_ runner: LocalRunner) { self.runner = runner }

    func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        try runner.start(part, layer: layer, activations: activations, routing: routing)
    }

    func cancel() { runner.cancel() }

    func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        if let left = callsLeft {
            callsLeft = left > 0 ? left - 1 : nil
            guard left > 0 else { throw Self.failure }
        }
        try runner.finish(part, into: &sums)
    }
}
