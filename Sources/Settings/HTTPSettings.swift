/// How the coordinator serves HTTP, and to whom.
public struct HTTPSettings: Sendable {
    /// Where; nil where it does not.
    public let endpoint: EndpointAddress?

    /// A file with the keys of those who may use it; nil lets everybody in.
    public let keyFile: String?

    /// The server's certificate and key for TLS; nil serves plain HTTP.
    public let tls: TLSFiles?

    /// A file with a chat template instead of the model's own.
    public let chatTemplateFile: String?

    /// Jobs under way that each key may have; 0 for no limit of its own.
    public let jobsPerKey: Int

    /// Connections at once; further ones wait at the door.
    public let connectionCount: Int

    /// Most bytes of a request's body.
    public let bodyByteCount: Int

    init(_ reader: inout SettingsReader) throws(SettingsError) {
        endpoint = try reader.value("http-endpoint", .http, default: .http)
        keyFile = try reader.optional("api-keys", .path)
        try reader.require(
            endpoint?.isLoopback ?? true || keyFile != nil,
            of: "http-endpoint",
            "an address of this machine alone, as long as coordinator.api-keys names no file"
        )
        tls = try TLSFiles(&reader)
        chatTemplateFile = try reader.optional("chat-template", .path)
        jobsPerKey = try reader.value("api-key-jobs", .number(in: 0...100_000), default: 0)
        connectionCount = try reader.value(
            "http-connections",
            .number(in: 1...100_000),
            default: 1024
        )
        bodyByteCount = try reader.value(
            "http-body",
            .number(in: 1024...(1 << 30)),
            default: 4 << 20
        )
    }
}

/// How an HTTP server shows who it is.
public struct TLSFiles: Equatable, Sendable {
    /// PEM: the server's own certificate first, then those that lead to one that clients trust.
    public let certificatePath: String
    /// PEM; for its owner's eyes only.
    public let keyPath: String

    init?(_ reader: inout SettingsReader) throws(SettingsError) {
        let certificate = try reader.optional("tls-certificate", .path)
        let key = try reader.optional("tls-key", .path)
        try reader.require(
            key == nil || certificate != nil,
            of: "tls-key",
            "left out, as long as coordinator.tls-certificate names no file"
        )
        guard let certificate else { return nil }
        guard let key else {
            try reader.require(
                false,
                of: "tls-certificate",
                "left out, as long as coordinator.tls-key names no file"
            )
            return nil
        }
        certificatePath = certificate
        keyPath = key
    }
}

extension SettingKind<EndpointAddress?> {
    /// Where HTTP is served, if it is.
    static var http: SettingKind {
        SettingKind(
            allowed: "tcp://HOST:PORT (port 0: any free one), ipc://PATH or none",
            parse: { text in
                guard text != "none" else { return .some(nil) }
                let address = EndpointAddress(rawValue: text)
                return address.flatMap { $0.transport == .inproc ? nil : .some($0) }
            },
            text: { $0?.rawValue ?? "none" }
        )
    }
}
