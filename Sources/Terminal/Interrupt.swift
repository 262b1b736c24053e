import Dispatch
import Foundation
import Synchronization

/// What Ctrl-C does.
///
/// Handled on a thread of its own, so it works while every other thread computes.
public enum Interrupt {
    /// 128 and the number of SIGINT, as shells count.
    public static let exitCode: Int32 = 130

    private static let source = Mutex<(any DispatchSourceSignal)?>(nil)
    private static let action = Mutex<@Sendable () -> Void>({})

    /// Ends the process with the terminal as it was found.
    public static func exitsCleanly() {
        handle {
            Console.endProgress()
            // Not `exit`, which would tear down what other threads still use.
            _exit(exitCode)
        }
    }

    /// Calls `cancel` the first time; the second time ends the process.
    public static func cancelsOnce(_ cancel: @escaping @Sendable () -> Void) {
        handle {
            exitsCleanly()
            cancel()
        }
    }

    /// Replaces what happens on SIGINT.
    ///
    /// There is one source for the life of the process: Dispatch owns the signal's disposition,
    /// and a second source, or our own `signal`, would fight with it over that.
    private static func handle(_ body: @escaping @Sendable () -> Void) {
        action.withLock { $0 = body }
        source.withLock { source in
            guard source == nil else { return }
            let new = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
            new.setEventHandler { action.withLock { $0 }() }
            new.resume()
            source = new
        }
    }
}
