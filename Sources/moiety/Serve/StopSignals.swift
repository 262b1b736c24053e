import Dispatch
import Foundation
import Synchronization

/// SIGINT and SIGTERM as one event, handled on no thread of ours.
final class StopSignals: Sendable {
    private let sources: Mutex<[any DispatchSourceSignal]>

    init(_ body: @escaping @Sendable () -> Void) {
        sources = Mutex(
            [SIGINT, SIGTERM].map { number in
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
                source.setEventHandler(handler: body)
                source.resume()
                return source
            }
        )
    }

    func cancel() {
        sources.withLock { sources in
            for source in sources { source.cancel() }
            sources = []
        }
    }
}

/// The exit code, handed from the cluster's thread to the command.
final class ServeOutcome: Sendable {
    private let stored = Mutex<Int32>(0)

    var code: Int32 {
        get { stored.withLock { $0 } }
        set { stored.withLock { $0 = newValue } }
    }
}
