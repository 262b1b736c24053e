/// What keys and values may take of the coordinator's memory, and what is kept of them.
public struct CacheSettings: Equatable, Sendable {
    /// Bytes for running jobs; 0 for as much as they can need.
    public let byteCount: Int

    /// Whose jobs begin with what others computed.
    public let sharing: PrefixSharing

    /// Bytes kept for jobs to come; 0 for as much as running jobs leave.
    public let prefixByteCount: Int

    init(_ reader: inout SettingsReader) throws(SettingsError) {
        byteCount = try reader.value("kv-memory", .byteCount, default: 0)
        sharing = try reader.value("prefix-cache", .prefixSharing, default: .key)
        prefixByteCount = try reader.value("prefix-cache-memory", .byteCount, default: 0)
    }
}

/// Whose jobs may begin with keys and values that were computed for others.
public enum PrefixSharing: String, CaseIterable, Sendable {
    case off
    /// Those of one key, and those that came without any.
    case key
    case all
}

extension SettingKind<PrefixSharing> {
    fileprivate static var prefixSharing: SettingKind {
        SettingKind(
            allowed: "one of " + PrefixSharing.allCases.map(\.rawValue).joined(separator: ", "),
            parse: { PrefixSharing(rawValue: $0) },
            text: \.rawValue
        )
    }
}
