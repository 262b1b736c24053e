/// Why settings were refused: which one, where it was said, what is allowed, what to do.
public enum SettingsError: Error, Equatable, Sendable {
    /// A file that was asked for cannot be read.
    case unreadableFile(path: String, reason: String)

    /// A file was read and is not a settings file.
    case malformedFile(path: String, reason: String)

    /// A key that no setting has.
    case unknownKey(String, origin: SettingOrigin, nearest: String?)

    /// A value outside what its key allows; `allowed` completes "must be …".
    case invalidValue(key: String, origin: SettingOrigin, value: String, allowed: String)

    /// A setting without a default that nobody gave.
    case missingValue(key: String)
}

extension SettingsError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadableFile(let path, let reason):
            return "the settings file \(path) cannot be read: \(reason);"
                + " check the path, or leave it out to use the defaults"
        case .malformedFile(let path, let reason):
            return "the settings file \(path) is malformed: \(reason)"
        case .unknownKey(let key, let origin, let nearest):
            let hint = nearest.map { "did you mean \($0)?" } ?? "remove it"
            return "unknown setting \(key) (\(origin)): \(hint)"
        case .invalidValue(let key, let origin, let value, let allowed):
            return "\(key) = \"\(value)\" (\(origin)) must be \(allowed)"
        case .missingValue(let key):
            return "\(key) is not set: give it on the command line, in the settings file,"
                + " or as \(SettingKey.environmentName(of: key))"
        }
    }
}
