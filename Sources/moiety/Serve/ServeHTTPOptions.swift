import ArgumentParser

/// How `moiety serve` offers its API; what is not said is as the coordinator's settings have it.
struct ServeHTTPOptions: ParsableArguments {
    @Option(help: "Address to serve HTTP at; one that other machines reach takes --api-keys.")
    var host: String?

    @Option(help: "Port of the HTTP API; 0 takes any free one. Without it: 6643.")
    var port: UInt16?

    @Option(help: "A file with a key a line, or a name and a key, for who may use HTTP.")
    var apiKeys: String?

    @Option(help: "A file of PEM certificates: HTTPS instead of HTTP. Goes with --tls-key.")
    var tlsCertificate: String?

    @Option(help: "The PEM file with the first certificate's key.")
    var tlsKey: String?

    @Option(help: "A Jinja file to use instead of the model's own chat template.")
    var chatTemplate: String?

    private static let usualHost = "127.0.0.1"
    private static let usualPort: UInt16 = 6643

    /// As the coordinator takes them.
    var arguments: [String] {
        let values = [
            ("--http-endpoint", endpoint), ("--api-keys", apiKeys),
            ("--tls-certificate", tlsCertificate), ("--tls-key", tlsKey),
            ("--chat-template", chatTemplate),
        ]
        return values.flatMap { name, value in value.map { [name, $0] } ?? [] }
    }

    private var endpoint: String? {
        guard host != nil || port != nil else { return nil }
        let host = host ?? Self.usualHost
        let name = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        return "tcp://\(name):\(port ?? Self.usualPort)"
    }
}
