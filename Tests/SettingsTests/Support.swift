import Foundation
import Settings

/// A machine without settings files, so that the tester's own do not count.
func surroundings(_ variables: [String: String] = [:]) -> Surroundings {
    var variables = variables
    variables["HOME"] = variables["HOME"] ?? "/nonexistent/home"
    return Surroundings(variables: variables, userIsRoot: false, hostName: "alpha.example")
}

/// Writes a settings file of its own for one test and removes it afterwards.
func withFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
    let url = FileManager.default.temporaryDirectory
        .appending(path: "moiety-settings-\(UUID().uuidString).yaml")
    try Data(text.utf8).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url.path)
}

/// The settings error that `body` throws; nil where it throws nothing.
func settingsError(_ body: () throws -> Void) -> SettingsError? {
    do {
        try body()
        return nil
    } catch {
        return error as? SettingsError
    }
}

extension [DescribedSetting] {
    subscript(key: String) -> DescribedSetting? { first { $0.key == key } }
}
