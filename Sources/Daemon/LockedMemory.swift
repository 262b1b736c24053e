import CLinux

/// Memory that the system must not swap out.
enum LockedMemory {
    /// Locks all that the process has and will have.
    ///
    /// - Returns: why it cannot be; nil where it is.
    static func claim() -> String? {
        var byteCount: UInt64 = 0
        guard unsafe moiety_may_lock_memory(&byteCount) == 1 else {
            // A process that met its limit later could get no memory at all.
            return "lock-memory is set, and this process may lock \(byteCount) bytes only; give it "
                + "LimitMEMLOCK=infinity, or leave lock-memory out"
        }
        let status = moiety_lock_memory()
        guard status != 0 else { return nil }
        let reason = unsafe String(cString: moiety_error_text(status))
        return "memory cannot be locked: \(reason); leave lock-memory out"
    }
}
