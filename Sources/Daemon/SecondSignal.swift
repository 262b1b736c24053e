import Dispatch
import Foundation
import Synchronization

/// Ends the process at the second SIGTERM or SIGINT, when a graceful end takes too long.
final class SecondSignal: Sendable {
    private let sources: Mutex<[any DispatchSourceSignal]>

    init() {
        let count = Count()
        sources = Mutex(
            [SIGTERM, SIGINT].map { number in
                let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
                source.setEventHandler { if count.increment() >= 2 { _exit(128 + number) } }
                source.resume()
                return source
            }
        )
    }

    func cancel() { sources.withLock { $0.forEach { $0.cancel() } } }

    private final class Count: Sendable {
        private let value = Atomic(0)

        func increment() -> Int { value.add(1, ordering: .relaxed).newValue }
    }
}
