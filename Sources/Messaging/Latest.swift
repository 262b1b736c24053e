import Synchronization

/// A value that one thread replaces and others look at.
///
/// For counters that must not fill a mailbox, however fast they grow.
public final class Latest<Value: Sendable>: Sendable {
    private let stored: Mutex<Value>

    public init(_ value: Value) { stored = Mutex(value) }

    public var value: Value { stored.withLock { $0 } }

    public func replace(by value: Value) { stored.withLock { $0 = value } }
}
