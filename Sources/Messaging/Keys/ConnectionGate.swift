import CLinux
import Synchronization

/// Asks a `ConnectionBudget` about connections to the ports of this process that keys guard.
///
/// One per process, because the library takes connections wherever the process does: `CLinux` asks
/// here before it hands one on, on the library's thread.
public final class ConnectionGate: Sendable {
    public static let shared = ConnectionGate()

    private struct State {
        var budget = ConnectionBudget()
        /// How many sockets listen at each port.
        var listeners: [UInt16: Int] = [:]
    }

    private let state = Mutex(State())

    private init() {}

    /// Whom connections were refused since this was asked last.
    public func takeRefusals() -> [ConnectionBudget.Refusals] {
        state.withLock { $0.budget.takeRefusals() }
    }

    /// Begins to count connections to a port.
    func watch(_ port: UInt16) {
        state.withLock { $0.listeners[port, default: 0] += 1 }
        moiety_judge_connections(judge)
    }

    func leave(_ port: UInt16) {
        state.withLock { state in
            let count = state.listeners[port, default: 0] - 1
            state.listeners[port] = count > 0 ? count : nil
        }
    }

    fileprivate func admits(_ address: ConnectionBudget.Address, at port: UInt16) -> Bool {
        let now = ContinuousClock.now
        return state.withLock { state in
            guard state.listeners[port] != nil else { return true }
            return state.budget.admit(address, now: now)
        }
    }
}

/// What `CLinux` calls: 1 where a connection to `port` may stand.
private func judge(_ port: UInt16, _ isV6: Int32, _ bits: UInt64) -> Int32 {
    let address =
        isV6 == 1
        ? ConnectionBudget.Address(v6Network: bits)
        : ConnectionBudget.Address(v4: UInt32(truncatingIfNeeded: bits))
    return ConnectionGate.shared.admits(address, at: port) ? 1 : 0
}
