import Synchronization

/// Where the step thread writes how often each expert was chosen, when somebody has asked.
///
/// Nobody waits: who asks gets what was written last, and finds what is true now the next time.
package final class LoadBoard: Sendable {
    private let isAsked = Atomic(false)
    private let written = Mutex<[[Double]]>([])

    package init() {}

    /// `[layer][expert]`, rows as counted lately; empty before anything was written.
    func ask() -> [[Double]] {
        isAsked.store(true, ordering: .relaxed)
        return written.withLock { $0 }
    }

    /// Writes, where somebody has asked since the last time.
    func fulfil(_ loads: () -> [[Double]]) {
        guard isAsked.exchange(false, ordering: .relaxed) else { return }
        let loads = loads()
        written.withLock { $0 = loads }
    }
}
