/// Why a cluster or a process could not be measured.
public enum ClusterBenchmarkError: Error, Equatable, CustomStringConvertible {
    /// The system does not let a thread be confined to a processor.
    case affinity(reason: String)
    case missingProgram(path: String)
    case notStarted(name: String, reason: String)
    /// One of the processes ended while it was needed.
    case ended(name: String, log: String)
    case notReady(seconds: Int, status: String)
    case refused(String)
    case jobFailed(String)
    /// The model ends its answers too early to be measured.
    case shortAnswers(tokens: Int, wanted: Int)

    public var description: String {
        switch self {
        case .affinity(let reason):
            "threads cannot be kept on processors of --cpus: \(reason); name some of this "
                + "machine's, or leave it out"
        case .missingProgram(let path):
            "\(path) is missing; build all products (make build) and run moiety-bench from there"
        case .notStarted(let name, let reason): "cannot start \(name): \(reason)"
        case .ended(let name, let log): "\(name) ended early; its last words:\n\(log)"
        case .notReady(let seconds, let status):
            "the cluster was not ready after \(seconds) s: \(status)"
        case .refused(let text): "the coordinator refused: \(text)"
        case .jobFailed(let message): "a job failed: \(message)"
        case .shortAnswers(let tokens, let wanted):
            "answers end after \(tokens) tokens instead of \(wanted); measure with fewer (-n), or "
                + "with a model of random weights (moiety-bench make-model)"
        }
    }
}
