import ArgumentParser
import Foundation
import Messaging

/// The keys of commands that talk to a coordinator which asks for them.
struct KeyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Your secret key, where the coordinator asks for one.",
            discussion: "Else MOIETY_KEY_FILE.",
            valueName: "file"
        )
    )
    var keyFile: String?

    @Option(
        help: ArgumentHelp(
            "The file with the coordinator's public key.",
            discussion: "Else MOIETY_COORDINATOR_KEY.",
            valueName: "file"
        )
    )
    var coordinatorKey: String?

    /// Nil where no keys are named.
    func security() throws -> SocketSecurity? {
        let environment = ProcessInfo.processInfo.environment
        let own = keyFile ?? environment["MOIETY_KEY_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        let server =
            coordinatorKey
            ?? environment["MOIETY_COORDINATOR_KEY"].flatMap { $0.isEmpty ? nil : $0 }
        guard own != nil || server != nil else { return nil }
        guard let own, let server else {
            throw CommandFailure(
                "a key of your own (--key-file or MOIETY_KEY_FILE) and the coordinator's public "
                    + "key (--coordinator-key or MOIETY_COORDINATOR_KEY) go together",
                code: CommandFailure.wrongArguments
            )
        }
        do throws(KeyError) {
            return try .client(keyPath: own, coordinatorKeyPath: server)
        } catch {
            throw CommandFailure("\(error)", code: CommandFailure.settingsError)
        }
    }
}
