import Experts
import GGUF
import Inference
import Kernels
import Model
import Tensors
import Tokenizer

/// Uses a file that may hold anything as a model, as far as it goes.
///
/// Fuzzers and tests call it with damaged files: it answers or the code below it has a bug. It
/// does what the daemons and the command line do with a model file: opens it, reads description
/// and vocabulary, encodes and decodes text, loads core weights and experts, computes a step.
public struct ModelProbe {
    public enum Outcome: Equatable, Sendable {
        /// Some reader refused the file, with these words.
        case refused(String)
        /// A step was computed; the logits may have been refused as not finite.
        case computed(isFinite: Bool)
        /// Loaded, but not computed with: whoever damages a size should not make tests slow.
        case tooLarge
    }

    private let kernels = Kernels(instructionSet: .detected, threadCount: 1)

    /// Multiplications and additions per token; the smallest models have a thousandth of it.
    private static let largestStep = 1 << 24
    private static let text = Array("he said \u{2581}<s> \u{e9}\0".utf8) + [0xff, 0xf0, 0x9f]

    public init() {}

    /// Opens the file at `path` and uses it.
    ///
    /// - Parameter computes: whether to compute a step, which takes longest.
    public func outcome(ofFileAt path: String, computes: Bool = true) -> Outcome {
        do {
            try readTensors(of: GGUFFile.open(path: path))
            let model = try ModelFile(path: path)
            _ = try model.identity()
            let tokens = try tokenize(with: Tokenizer(model.vocabulary()))
            let weights = try CoreWeights(from: model)
            let held = try experts(of: model)
            guard computes, Self.stepSize(of: model.description) <= Self.largestStep else {
                return .tooLarge
            }
            let finite = try compute(model.description, weights, held, tokens: tokens)
            return .computed(isFinite: finite)
        } catch {
            let words = "\(error)"
            precondition(!words.isEmpty, "an error must say something: \(type(of: error))")
            return .refused(words)
        }
    }

    /// What a file says it holds must be there: nothing but data is left unread by `open`.
    private func readTensors(of file: GGUFFile) throws(GGUFError) {
        for tensor in file.tensors {
            let bytes = try file.read(tensor)
            precondition(bytes.count == tensor.byteCount)
            _ = try file.read(tensor, from: tensor.byteCount - 1, count: 1)
        }
        for part in file.parts.indices { try file.readHeader(ofPart: part) { _ in } }
    }

    /// Two tokens that the vocabulary has, after a text went both ways.
    private func tokenize(with tokenizer: Tokenizer) throws(TokenizerError) -> [Int32] {
        var tokens = try tokenizer.encode(Self.text)
        tokens += try tokenizer.encode(Self.text, addSpecial: false, parseSpecial: true)
        let count = Int32(clamping: tokenizer.vocabularyCount)
        precondition(tokens.allSatisfy { 0 <= $0 && $0 < count }, "a token out of nowhere")
        var decoder = StreamingDecoder(tokenizer)
        for token in tokens {
            _ = decoder.push(token)
            _ = tokenizer.isEndOfGeneration(token)
        }
        _ = decoder.finish()
        _ = tokenizer.decode(tokens, includeSpecial: true)
        return Array((tokens + [0, count - 1]).prefix(2))
    }

    /// All experts, through the loader and its check of digests.
    private func experts(of model: ModelFile) throws(ModelError) -> HeldExperts {
        let counts = model.description.expertCounts
        let ids = counts.enumerated().flatMap { layer, count in
            (0..<count).map { ExpertID(layer: LayerIndex(layer), index: $0) }
        }
        let loader = ExpertLoader(model: model, threadCount: 1)
        var digests: [ExpertDigest] = []
        for id in ids { digests.append(try model.digest(of: id)) }
        let experts = try loader.load(ids, digests: digests)
        var held = HeldExperts(expertCounts: counts)
        for (id, expert) in zip(ids, experts) { held.insert(expert, as: id) }
        return held
    }

    /// Whether the logits of a step over `tokens` are finite.
    private func compute(
        _ model: ModelDescription,
        _ weights: CoreWeights,
        _ held: HeldExperts,
        tokens: [Int32]
    ) throws(ForwardError) -> Bool {
        let forward = ForwardPass(
            model: model,
            weights: weights,
            kernels: kernels,
            experts: LocalRunner(held: held, kernels: kernels)
        )
        var batch = Batch()
        let context = try forward.makeContext(capacity: tokens.count)
        batch.append(tokens[...], from: 0, of: context, logits: .all)
        var logits: [Float] = []
        try forward.run(batch, logits: &logits)
        return kernels.allFinite(logits)
    }

    /// Products per token, roughly; saturates.
    private static func stepSize(of model: ModelDescription) -> Int {
        let heads = model.queryWidth + model.keyWidth + 2 * model.valueWidth
        let networks = model.layers.reduce(0) { total, layer in
            let experts = model.expertsPerToken * layer.expertWidth
            return total + experts + layer.denseWidth + layer.sharedWidth + heads
        }
        let (count, overflow) = (networks + model.vocabularyCount)
            .multipliedReportingOverflow(by: model.hiddenSize)
        return overflow ? .max : count
    }
}
