import Configuration

/// The places settings come from, first wins: command line, environment, file.
///
/// What none of them gives is the reader's default.
struct SettingsSources {
    private let layers: [Layer]
    private let file: SettingsFile?
    private let commandLine: [String: String]

    private struct Layer {
        let snapshot: any ConfigSnapshot
        let origin: (_ key: String) -> SettingOrigin
    }

    /// - Parameters:
    ///   - daemon: `coordinator` or `worker`: which file is looked for when none is named.
    ///   - commandLine: Values by whole key.
    ///   - path: A settings file that must exist; nil takes the first default one there is.
    ///   - surroundings: Whose environment and default files count.
    /// - Throws: `SettingsError` where a file cannot be used.
    init(
        daemon: String,
        commandLine: [String: String],
        file path: String?,
        surroundings: Surroundings
    ) throws(SettingsError) {
        let file = try Self.file(path, daemon: daemon, surroundings: surroundings)
        self.file = file
        self.commandLine = commandLine
        let given = commandLine.map { key, value in
            (
                AbsoluteConfigKey(SettingKey.components(of: key)),
                ConfigValue(.string(value), isSecret: false)
            )
        }
        let overrides = InMemoryProvider(values: Dictionary(given) { first, _ in first })
        let environment = EnvironmentVariablesProvider(environmentVariables: surroundings.variables)
        var layers = [
            Layer(snapshot: overrides.snapshot()) { _ in .commandLine },
            Layer(snapshot: PrefixedSnapshot(base: environment.snapshot(), prefix: "moiety")) {
                .environment(name: SettingKey.environmentName(of: $0))
            },
        ]
        if let file {
            layers.append(Layer(snapshot: file.snapshot) { _ in .file(path: file.path) })
        }
        self.layers = layers
    }

    private static func file(
        _ path: String?,
        daemon: String,
        surroundings: Surroundings
    ) throws(SettingsError) -> SettingsFile? {
        if let path {
            guard let file = try SettingsFile(path: path) else {
                throw .unreadableFile(path: path, reason: "there is no such file")
            }
            return file
        }
        for candidate in surroundings.settingsFiles(of: daemon) {
            if let file = try SettingsFile(path: candidate) { return file }
        }
        return nil
    }

    /// The text of a key and who gave it; nil where nobody did.
    ///
    /// An empty value counts as not given, so that `MOIETY_…=` and `key:` fall through.
    func text(of key: String) throws(SettingsError) -> (text: String, origin: SettingOrigin)? {
        for layer in layers {
            let origin = layer.origin(key)
            guard let text = try layer.snapshot.text(of: key, origin: origin) else { continue }
            if !text.isEmpty { return (text, origin) }
        }
        return nil
    }

    /// Refuses keys of the file and of the command line that are not among `known`.
    ///
    /// A file may serve both daemons, so only this daemon's section and unknown sections are
    /// looked at. Unknown environment variables are left alone: orchestrators make up names such
    /// as `MOIETY_COORDINATOR_SERVICE_HOST`.
    func refuseUnknown(knowing known: [String], section: String) throws(SettingsError) {
        let sections = ["coordinator", "worker"]
        for key in commandLine.keys.sorted() where !known.contains(key) {
            throw unknown(key, origin: .commandLine, known: known)
        }
        guard let file else { return }
        for key in file.keys where !known.contains(key) {
            let top = SettingKey.components(of: key).first ?? key
            if sections.contains(top), top != section { continue }
            let origin = SettingOrigin.file(path: file.path)
            // A section whose keys are all commented out is an empty value.
            if key == section, try file.snapshot.text(of: key, origin: origin) == "" { continue }
            throw unknown(key, origin: origin, known: known)
        }
    }

    private func unknown(
        _ key: String,
        origin: SettingOrigin,
        known: [String]
    ) -> SettingsError {
        .unknownKey(key, origin: origin, nearest: SettingKey.nearest(to: key, among: known))
    }
}

/// Asks another snapshot for the same keys beneath one more word.
private struct PrefixedSnapshot: ConfigSnapshot {
    let base: any ConfigSnapshot
    let prefix: String

    var providerName: String { base.providerName }

    func value(forKey key: AbsoluteConfigKey, type: ConfigType) throws -> LookupResult {
        let prefixed = AbsoluteConfigKey([prefix] + key.components, context: key.context)
        return try base.value(forKey: prefixed, type: type)
    }
}

extension ConfigSnapshot {
    /// A plain value as text, or a list joined by commas; nil where the key is absent.
    fileprivate func text(
        of key: String,
        origin: SettingOrigin
    ) throws(SettingsError) -> String? {
        let absolute = AbsoluteConfigKey(SettingKey.components(of: key))
        do {
            if case .string(let text) = try value(forKey: absolute, type: .string).value?.content {
                return text
            }
            return nil
        } catch {
            // Not plain: only a list is left, because maps have become longer keys.
        }
        do {
            let content = try value(forKey: absolute, type: .stringArray).value?.content
            guard case .stringArray(let texts) = content else { return nil }
            return texts.joined(separator: ",")
        } catch {
            throw .invalidValue(key: key, origin: origin, value: "?", allowed: "text or a list")
        }
    }
}
