/// Where a coordinator finds its own key, and the list of those that it accepts.
public struct CoordinatorKeySettings: Equatable, Sendable {
    /// Of its secret key.
    public let keyPath: String

    /// Of the list of keys that may connect, and as what.
    public let allowedPath: String

    /// Nil where neither is named: then nobody but this machine may connect.
    init?(_ reader: inout SettingsReader) throws(SettingsError) {
        let key = try reader.optional("key-file", .path)
        let allowed = try reader.optional("allowed-keys", .path)
        try reader.require(
            (key == nil) == (allowed == nil),
            of: key == nil ? "allowed-keys" : "key-file",
            "set together with coordinator.\(key == nil ? "key-file" : "allowed-keys")"
        )
        guard let key, let allowed else { return nil }
        (keyPath, allowedPath) = (key, allowed)
    }
}

/// Where a worker finds its own key, and by which key it knows the coordinator.
public struct WorkerKeySettings: Equatable, Sendable {
    /// Of its secret key.
    public let keyPath: String

    /// Of the coordinator's public key.
    public let coordinatorKeyPath: String

    /// Nil where neither is named.
    init?(_ reader: inout SettingsReader) throws(SettingsError) {
        let key = try reader.optional("key-file", .path)
        let coordinator = try reader.optional("coordinator-key", .path)
        try reader.require(
            (key == nil) == (coordinator == nil),
            of: key == nil ? "coordinator-key" : "key-file",
            "set together with worker.\(key == nil ? "key-file" : "coordinator-key")"
        )
        guard let key, let coordinator else { return nil }
        (keyPath, coordinatorKeyPath) = (key, coordinator)
    }
}
