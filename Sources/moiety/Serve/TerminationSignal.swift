import Dispatch
import Foundation
import Synchronization

/// SIGTERM as an event, handled on no thread of ours; SIGINT is `Interrupt`'s.
final class TerminationSignal: Sendable {
    private let source: Mutex<any DispatchSourceSignal>

    init(_ body: @escaping @Sendable () -> Void) {
        let new = DispatchSource.makeSignalSource(signal: SIGTERM, queue: .global())
        new.setEventHandler(handler: body)
        new.resume()
        source = Mutex(new)
    }

    func cancel() { source.withLock { $0.cancel() } }
}

/// The exit code, handed from the cluster's thread to the command.
final class ServeOutcome: Sendable {
    private let stored = Mutex<Int32>(0)

    var code: Int32 {
        get { stored.withLock { $0 } }
        set { stored.withLock { $0 = newValue } }
    }
}
