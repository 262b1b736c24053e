/// How the coordinator serves HTTP, and to whom.
public struct HTTPSettings: Sendable {
    /// Where; nil where it does not.
    public let endpoint: EndpointAddress?

    /// A file with the keys of those who may use it; nil lets everybody in.
    public let keyFile: String?

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
