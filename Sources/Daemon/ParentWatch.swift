import CLinux
import Dispatch
import Foundation
import Synchronization

/// Has the kernel kill this process when the one that started it ends.
enum ParentWatch {
    /// Asks the kernel, which ties the request to the thread that made it; so that thread stays.
    ///
    /// - Returns: 0, or the error number.
    static func start() -> Int32 {
        let answer = Answer()
        let thread = Thread {
            answer.give(moiety_signal_on_parent_exit(SIGKILL))
            while true { Thread.sleep(forTimeInterval: 3600) }
        }
        thread.name = "moiety-parent"
        thread.start()
        return answer.wait()
    }

    private final class Answer: Sendable {
        private let value = Mutex<Int32>(0)
        private let given = DispatchSemaphore(value: 0)

        func give(_ status: Int32) {
            value.withLock { $0 = status }
            given.signal()
        }

        func wait() -> Int32 {
            given.wait()
            return value.withLock { $0 }
        }
    }
}
