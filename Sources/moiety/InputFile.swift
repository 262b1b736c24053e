import Foundation

/// Files that a command is told to read whole.
enum InputFile {
    static func read(_ path: String) throws -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw CommandFailure(
                "\(path) cannot be read: \(error.localizedDescription)",
                code: CommandFailure.dataError
            )
        }
    }
}
