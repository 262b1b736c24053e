package import Cluster
import Experts
package import Messaging
import Model
import Placement
import Synchronization

/// Opens a connection.
package typealias Dial = (Endpoint, SocketOptions) throws(MessagingError) -> any MessageSocket

/// Starts to read and check experts; what becomes of it is posted to the loop's mailbox.
package typealias StartLoad =
    ([WorkerSession.AssignedExpert], LoadID) throws(MessagingError) -> any ExpertLoad

/// A load under way.
package protocol ExpertLoad: AnyObject {
    var id: LoadID { get }
    /// Gives up; nothing more is reported.
    func cancel()
}

/// A load under way on a thread of its own, which reports to the loop.
final class BackgroundLoader: ExpertLoad, Sendable {
    let id: LoadID
    private let isCancelled = Atomic(false)

    /// Starts reading and checking `experts`.
    init(
        _ experts: [WorkerSession.AssignedExpert],
        id: LoadID,
        machine: Machine,
        reports: Mailbox<LoopCommand>
    ) throws(MessagingError) {
        self.id = id
        _ = try NamedThread("moiety-load") { [self] in
            let parts = experts.map(\.part)
            let loader = ExpertLoader(model: machine.model, threadCount: machine.loadThreadCount)
            do throws(ModelError) {
                let weights = try loader.load(
                    parts,
                    digests: experts.map(\.digest),
                    isCancelled: { self.isCancelled.load(ordering: .relaxed) },
                    progress: { _ = reports.post(.progress(id, $0)) }
                )
                guard !isCancelled.load(ordering: .relaxed) else { return }
                _ = reports.post(.loaded(id, parts, weights))
            } catch {
                guard !isCancelled.load(ordering: .relaxed) else { return }
                _ = reports.post(.loadFailed(id, LoadFailureCode(error), "\(error)"))
            }
        }
    }

    func cancel() { isCancelled.store(true, ordering: .relaxed) }
}

extension LoadFailureCode {
    init(_ error: ModelError) {
        self =
            switch error {
            case .differs: .wrongDigest
            case .unsupportedType: .unsupportedType
            case .badShard: .malformed
            case .file: .unreadable
            default: .wrongModel
            }
    }
}
