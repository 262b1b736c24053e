import HTTPTypes
import Hummingbird

/// Who may ask for what: keys, and pages of others that make a browser ask.
struct RequestGate: Sendable {
    /// Nil where everybody may.
    let keys: APIKeyFile?
    /// What the server listens at; nil for a socket in the file system.
    let host: String?

    /// Paths that say no more than whether the server lives, and the page's empty frame.
    private static let open = PageFiles.paths.union(["/health", "/readyz"])

    /// - Returns: whose key the request has; nil where none is needed.
    func admit(_ request: Request, path: String) throws(APIError) -> String? {
        try checkOrigin(request)
        guard let keys else { return nil }
        if Self.open.contains(path) { return nil }
        let given = request.headers[.authorization] ?? ""
        guard given.lowercased().hasPrefix("bearer "),
            let owner = keys.owner(of: given.dropFirst("bearer ".count).utf8)
        else { throw .noKey }
        return owner
    }

    /// A page of somebody else may make a browser send requests here: it names itself, or it has
    /// let a name of its own point here.
    private func checkOrigin(_ request: Request) throws(APIError) {
        let authority = request.head.authority ?? ""
        if keys == nil, host != nil, !isOurs(Self.host(of: authority)) {
            throw .wrongHost(authority)
        }
        guard let origin = request.headers[.origin] else { return }
        guard let separator = origin.firstRange(of: "://"),
            origin[separator.upperBound...] == authority
        else { throw .foreignOrigin(origin) }
    }

    /// Addresses cannot be made to point elsewhere; names can.
    private func isOurs(_ name: Substring) -> Bool {
        if name == "localhost" || name == host.map({ $0[...] }) { return true }
        if name.hasPrefix("["), name.hasSuffix("]") { return true }
        let octets = name.split(separator: ".", omittingEmptySubsequences: false)
        return octets.count == 4 && octets.allSatisfy { UInt8($0) != nil }
    }

    private static func host(of authority: String) -> Substring {
        guard let colon = authority.lastIndex(of: ":"),
            authority[authority.index(after: colon)...].allSatisfy(\.isNumber)
        else { return authority[...] }
        return authority[..<colon]
    }
}
