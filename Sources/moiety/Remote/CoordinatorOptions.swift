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
        let named = ProcessInfo.processInfo.environment["MOIETY_COORDINATOR"] ?? ""
        let standard = named.isEmpty ? Self.standardEndpoint : named
        return try ClusterClient(coordinator ?? standard, keys: keys, waker: waker ?? Waker())
    }
}
