import Foundation
import GGUF
package import Inference
package import Kernels
package import Logging
package import Model
package import Settings
import Tensors
package import Tokenizer

/// The model that a coordinator serves: everything but the experts' weights.
package struct ServedModel: Sendable {
    package let file: ModelFile
    package let identity: ModelIdentity
    package let tokenizer: Tokenizer
    package let weights: CoreWeights
    let digests: DigestTable
    package let instructionSet: InstructionSet
    let threads: ComputeThreads

    package var description: ModelDescription { file.description }

    /// `[layer]`, bytes of one expert.
    var expertByteCounts: [Int] {
        description.expertCounts.indices.map { layer in
            description.expertCounts[layer] > 0 ? file.expertByteCount(LayerIndex(layer)) : 0
        }
    }

    /// Opens the model; hashing a large one for the first time takes minutes.
    ///
    /// - Parameter isCancelled: whether nobody wants it any more, asked on the way.
    /// - Throws: `ModelError.cancelled` too.
    package init(
        settings: CoordinatorSettings,
        state: StateDirectory,
        logger: Logger,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(CoordinatorError) {
        (instructionSet, threads) = try Self.chooseArithmetic(settings)
        let path = try Self.path(settings)
        let vocabulary: Vocabulary
        logger.info("Opening the model", metadata: ["path": "\(path)"])
        do throws(ModelError) {
            file = try ModelFile(path: path)
            identity = try file.identity()
            weights = try CoreWeights(
                from: WeightReader(
                    model: file,
                    threadCount: threads.count,
                    isCancelled: isCancelled
                )
            )
            vocabulary = try file.vocabulary()
        } catch {
            throw .model(error)
        }
        do throws(TokenizerError) {
            tokenizer = try Tokenizer(vocabulary)
        } catch {
            throw .tokenizer(error)
        }
        let isLarge = file.file.byteCount > Self.largeFile
        digests = try DigestTable.load(
            for: file,
            in: state,
            threadCount: threads.count,
            isCancelled: isCancelled
        ) {
            if isLarge { Self.report(done: $0, total: $1, to: logger) }
        }
        logger.info(
            "Model opened",
            metadata: [
                "model": "\(file.description.name)",
                "architecture": "\(file.description.architecture.name)",
                "layers": "\(file.description.layerCount)",
                "experts": "\(file.description.expertCount)",
                "bytesHeld": "\(weights.byteCount)",
                "instructionSet": "\(instructionSet.name)",
                "threads": "\(threads)",
            ]
        )
        logger.debug("Weights in memory", metadata: ["bytesInHugePages": "\(Self.hugeBytes)"])
    }

    private static func chooseArithmetic(
        _ settings: CoordinatorSettings
    ) throws(CoordinatorError) -> (InstructionSet, ComputeThreads) {
        do throws(KernelsError) {
            return (
                try .chosen(environment: ProcessInfo.processInfo.environment),
                try ComputeThreads(wanted: settings.threadCount, cpus: settings.cpus)
            )
        } catch {
            throw .kernels(error)
        }
    }

    /// Of all that this process holds, or a dash where the system does not say.
    private static var hugeBytes: String { HugePages.byteCount().map { "\($0)" } ?? "-" }

    private static func path(_ settings: CoordinatorSettings) throws(CoordinatorError) -> String {
        do throws(SettingsError) {
            return try settings.requiredModelPath()
        } catch {
            throw .settings(error)
        }
    }

    /// Reading a file of more bytes takes long enough to tell how far it is.
    private static let largeFile = 1 << 30

    /// Tells every tenth part.
    private static func report(done: Int, total: Int, to logger: Logger) {
        guard done == total || done % max(1, total / 10) == 0 else { return }
        logger.info(
            "Hashing the model's experts",
            metadata: ["done": "\(done)", "total": "\(total)"]
        )
    }
}
