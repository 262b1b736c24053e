import Dispatch
import Foundation
import Synchronization

/// What Ctrl-C does.
///
/// Handled on a thread of its own, so it works while every other thread computes.
enum Interrupt {
    /// 128 and the number of SIGINT, as shells count.
    static let exitCode: Int32 = 130

    private static let source = Mutex<(any DispatchSourceSignal)?>(nil)

    /// Ends the process with the terminal as it was found.
    static func exitsCleanly() {
        handle {
            Console.endProgress()
            // Not `exit`, which would tear down what other threads still use.
            _exit(exitCode)
        }
    }

    /// Calls `cancel` the first time; the second time ends the process.
    static func cancelsOnce(_ cancel: @escaping @Sendable () -> Void) {
        handle {
            exitsCleanly()
            cancel()
        }
    }

    /// Replaces what happens on SIGINT.
    private static func handle(_ body: @escaping @Sendable () -> Void) {
        signal(SIGINT, SIG_IGN)
        source.withLock { source in
            source?.cancel()
            let new = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
            new.setEventHandler(handler: body)
            new.resume()
            source = new
        }
    }
}
