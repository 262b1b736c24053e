/// Who said what a setting is.
public enum SettingOrigin: Hashable, Sendable {
    case commandLine
    case environment(name: String)
    case file(path: String)
    case builtIn
}

extension SettingOrigin: CustomStringConvertible {
    public var description: String {
        switch self {
        case .commandLine: "command line"
        case .environment(let name): "environment \(name)"
        case .file(let path): "file \(path)"
        case .builtIn: "default"
        }
    }
}

/// One line of `moiety config show`.
public struct DescribedSetting: Equatable, Sendable {
    /// The whole key, such as `coordinator.silence-limit`.
    public let key: String

    /// In the form a settings file takes; nil where the setting is optional and not given.
    public let value: String?

    public let origin: SettingOrigin
}

extension DescribedSetting: Encodable {
    private enum CodingKeys: CodingKey {
        case key
        case value
        case origin
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(key, forKey: .key)
        try container.encode(value, forKey: .value)
        try container.encode(origin.description, forKey: .origin)
    }
}
