import ArgumentParser
import Foundation
import Messaging

/// Which coordinator a command talks to.
struct CoordinatorOptions: ParsableArguments {
    static let standardEndpoint = "tcp://127.0.0.1:6645"

    @Option(
        help: ArgumentHelp(
            "The coordinator's client endpoint.",
            discussion: "Else MOIETY_COORDINATOR, else \(standardEndpoint).",
            valueName: "endpoint"
        )
    )
    var coordinator: String?

    @OptionGroup var keys: KeyOptions

    /// Connects; a coordinator that does not answer is an error that names its endpoint.
    func connect(waker: Waker? = nil) throws -> ClusterClient {
        let endpoint = named ?? Self.standardEndpoint
        return try ClusterClient(endpoint, keys: keys, waker: waker ?? Waker())
    }

    /// What the command line says, or else the environment.
    var named: String? {
        let environment = ProcessInfo.processInfo.environment["MOIETY_COORDINATOR"] ?? ""
        return coordinator ?? (environment.isEmpty ? nil : environment)
    }
}
