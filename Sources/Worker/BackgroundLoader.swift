import Cluster
import Experts
import Messaging
import Model
import Placement
import Synchronization

/// A load under way on a thread of its own, which reports to the loop.
final class BackgroundLoader: Sendable {
    private let isCancelled = Atomic(false)

    /// Starts reading and checking `experts`.
    init(
        _ experts: [WorkerSession.AssignedExpert],
        epoch: Epoch,
        machine: Machine,
        reports: Mailbox<LoopCommand>
    ) throws(MessagingError) {
        _ = try NamedThread("moiety-load") { [self] in
            let ids = experts.map(\.expert)
            let loader = ExpertLoader(model: machine.model, threadCount: machine.loadThreadCount)
            do throws(ModelError) {
                let weights = try loader.load(
                    ids,
                    digests: experts.map(\.digest),
                    isCancelled: { self.isCancelled.load(ordering: .relaxed) },
                    progress: { _ = reports.post(.progress(epoch, $0)) }
                )
                guard !isCancelled.load(ordering: .relaxed) else { return }
                _ = reports.post(.loaded(epoch, ids, weights))
            } catch {
                guard !isCancelled.load(ordering: .relaxed) else { return }
                _ = reports.post(.loadFailed(epoch, LoadFailureCode(error), "\(error)"))
            }
        }
    }

    /// Gives up; nothing more is reported.
    func cancel() { isCancelled.store(true, ordering: .relaxed) }
}

extension LoadFailureCode {
    init(_ error: ModelError) {
        self =
            switch error {
            case .differs: .wrongDigest
            case .unsupportedType: .unsupportedType
            case .file: .unreadable
            default: .wrongModel
            }
    }
}
