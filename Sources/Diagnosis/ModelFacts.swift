import GGUF
import Model

/// What a model file takes.
public enum ModelFacts: Equatable, Sendable {
    /// The settings name none.
    case unnamed
    case unusable(String)
    /// Bytes of all experts, and of what the coordinator keeps.
    case read(name: String, experts: UInt64, rest: UInt64)

    public init(path: String?) {
        guard let path else {
            self = .unnamed
            return
        }
        do throws(ModelError) {
            let file = try ModelFile(path: path)
            let counts = file.description.expertCounts
            let experts = counts.indices.reduce(0) { sum, layer in
                sum + file.expertByteCount(LayerIndex(layer)) * counts[layer]
            }
            self = .read(
                name: file.description.name,
                experts: UInt64(clamping: experts),
                rest: UInt64(clamping: file.file.byteCount - experts)
            )
        } catch {
            self = .unusable("\(error)")
        }
    }

    /// Of a machine's memory, as much may be filled; the rest is the system's.
    private static let share = 0.9

    private static func usable(_ byteCount: UInt64) -> UInt64 {
        UInt64(Double(byteCount) * share)
    }

    /// On the coordinator's machine.
    ///
    /// - Parameter workerMemory: bytes of all workers' machines together, where that is known.
    public func findings(machine: MachineFacts, workerMemory: UInt64?) -> [Finding] {
        switch self {
        case .unnamed:
            return [.fail("model", "no file is named", "set coordinator.model")]
        case .unusable(let reason):
            return [.fail("model", reason, "see docs/ERRORS.md, or take another file")]
        case .read(let name, let experts, let rest):
            let text =
                "\(name): \(gigabytes(experts)) of experts for the workers, "
                + "\(gigabytes(rest)) for the coordinator"
            if rest > Self.usable(machine.memoryByteCount) {
                return [
                    .fail(
                        "model",
                        text + ", whose machine has \(gigabytes(machine.memoryByteCount))",
                        "take a machine with more memory, or a smaller model"
                    )
                ]
            }
            if let workerMemory, experts > Self.usable(workerMemory) {
                return [
                    .fail(
                        "model",
                        text + ", whose machines have \(gigabytes(workerMemory)) together",
                        "add workers, or take a smaller model"
                    )
                ]
            }
            return [.ok("model", text)]
        }
    }
}
