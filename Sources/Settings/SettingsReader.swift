/// Reads one daemon's settings key by key and remembers each for `describe()`.
///
/// What has been read is also what is known: `finish()` refuses every other key.
struct SettingsReader {
    private let section: String
    private let sources: SettingsSources
    private(set) var described: [DescribedSetting] = []

    init(section: String, sources: SettingsSources) {
        self.section = section
        self.sources = sources
    }

    /// - Throws: `SettingsError.invalidValue` where the value is not one of `kind`.
    mutating func value<Value>(
        _ name: String,
        _ kind: SettingKind<Value>,
        default builtIn: Value
    ) throws(SettingsError) -> Value {
        try optional(name, kind, default: builtIn) ?? builtIn
    }

    /// The value, the default, or nil where there is neither.
    mutating func optional<Value>(
        _ name: String,
        _ kind: SettingKind<Value>,
        default builtIn: Value? = nil
    ) throws(SettingsError) -> Value? {
        let key = "\(section).\(name)"
        guard let given = try sources.text(of: key) else {
            note(key, value: builtIn.map(kind.text), origin: .builtIn)
            return builtIn
        }
        guard let value = kind.parse(given.text) else {
            throw .invalidValue(
                key: key,
                origin: given.origin,
                value: given.text,
                allowed: kind.allowed
            )
        }
        note(key, value: kind.text(value), origin: given.origin)
        return value
    }

    /// Refuses the value just read for a reason that lies in another setting.
    ///
    /// - Throws: `SettingsError.invalidValue` unless `condition` holds.
    func require(_ condition: Bool, of name: String, _ allowed: String) throws(SettingsError) {
        guard !condition else { return }
        let key = "\(section).\(name)"
        let setting = described.first { $0.key == key }
        throw .invalidValue(
            key: key,
            origin: setting?.origin ?? .builtIn,
            value: setting?.value ?? "",
            allowed: allowed
        )
    }

    /// - Throws: `SettingsError.unknownKey` for the first key that was given and never read.
    func finish() throws(SettingsError) {
        try sources.refuseUnknown(knowing: described.map(\.key), section: section)
    }

    private mutating func note(_ key: String, value: String?, origin: SettingOrigin) {
        described.append(DescribedSetting(key: key, value: value, origin: origin))
    }
}

extension SettingsReader {
    /// The same for both daemons.
    mutating func locksMemory() throws(SettingsError) -> Bool {
        try value("lock-memory", .truth, default: false)
    }

    /// The same for both daemons, and as finely as it matters.
    mutating func spinTime() throws(SettingsError) -> Duration {
        .microseconds(try value("spin-microseconds", .number(in: 0...10_000), default: 1000))
    }
}
