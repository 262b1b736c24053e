import ArgumentParser
import Foundation
import Messaging

/// The list that commands about keys read and change.
struct KeyListOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The coordinator's list of keys, its setting allowed-keys.",
            valueName: "file"
        )
    )
    var list: String

    /// - Parameter orNew: whether a list that is not there is empty.
    func read(orNew: Bool) throws -> AllowList {
        if orNew, !FileManager.default.fileExists(atPath: list) { return AllowList() }
        return try KeyList.report { () throws(KeyError) in try KeyFile.readList(list) }
    }

    func write(_ allowed: AllowList) throws {
        try KeyList.report { () throws(KeyError) in try KeyFile.write(allowed, to: list) }
    }
}

enum KeyList {
    /// What is wrong with a key is a command's failure.
    static func report<Value>(_ body: () throws(KeyError) -> Value) throws -> Value {
        do throws(KeyError) {
            return try body()
        } catch {
            throw CommandFailure("\(error)", code: CommandFailure.settingsError)
        }
    }
}
