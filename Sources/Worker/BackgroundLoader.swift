import Cluster
import Experts
import Foundation
import Glibc
package import Messaging
import Model
import Synchronization

/// Opens a connection.
package typealias Dial = (Endpoint, SocketOptions) throws(MessagingError) -> any MessageSocket

/// Starts to read and check experts, at some pace; what becomes of it is posted to the loop's
/// mailbox.
package typealias StartLoad = (LoadOrder) throws(MessagingError) -> any ExpertLoad

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

    /// Starts to load what `order` names.
    init(
        _ order: LoadOrder,
        supply: ExpertSupply,
        reports: Mailbox<LoopCommand>
    ) throws(MessagingError) {
        let id = order.id
        self.id = id
        _ = try NamedThread("moiety-load") { [self] in
            let start = ContinuousClock.now
            if !order.pace.isUrgent { Self.standBack() }
            do throws(SupplyError) {
                let experts = try supply.load(
                    order,
                    onOpened: { _ = reports.post(.opened($0)) },
                    isCancelled: { self.isCancelled.load(ordering: .relaxed) },
                    progress: { progress in
                        _ = reports.post(.progress(id, progress))
                        self.rest(order.pace, after: progress.loadedByteCount, since: start)
                    }
                )
                guard !isCancelled.load(ordering: .relaxed) else { return }
                _ = reports.post(.loaded(id, order.experts.map(\.part), experts))
            } catch {
                guard !isCancelled.load(ordering: .relaxed) else { return }
                _ = reports.post(.loadFailed(id, error.code, "\(error)"))
            }
        }
    }

    /// Leaves cores to threads that compute, as far as they want them.
    private static func standBack() {
        // On Linux this is the calling thread's alone. Where it is refused, loading competes.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, lowPriority)
    }

    /// A tenth of what a computing thread gets of a core that both want.
    private static let lowPriority: Int32 = 10

    /// Keeps the other readers waiting too, for reports are made one at a time.
    private func rest(_ pace: Pace, after byteCount: Int, since start: ContinuousClock.Instant) {
        let end = start + pace.time(of: byteCount)
        while !isCancelled.load(ordering: .relaxed), ContinuousClock.now < end {
            let left = min(end - ContinuousClock.now, Self.longestNap)
            Thread.sleep(forTimeInterval: max(0, left / .seconds(1)))
        }
    }

    /// After this long it looks whether the load is still wanted.
    private static let longestNap = Duration.milliseconds(100)

    func cancel() { isCancelled.store(true, ordering: .relaxed) }
}

extension LoadFailureCode {
    init(_ error: ModelError) {
        self =
            switch error {
            case .differs, .absentExpert: .wrongDigest
            case .unsupportedType: .unsupportedType
            case .badShard: .malformed
            case .file: .unreadable
            default: .wrongModel
            }
    }
}
