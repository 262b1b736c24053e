public import Messaging
public import Settings

/// How the files are that keys lie in.
public struct KeyFacts: Equatable, Sendable {
    /// A file that was read, or why it could not be.
    public enum File<Content: Equatable & Sendable>: Equatable, Sendable {
        case unnamed
        case read(Content)
        case unusable(String)

        /// Reads a file where one is named.
        init(_ path: String?, _ read: (String) throws(KeyError) -> Content) {
            guard let path else {
                self = .unnamed
                return
            }
            do throws(KeyError) {
                self = .read(try read(path))
            } catch {
                self = .unusable("\(error)")
            }
        }
    }

    /// The public half of the daemon's own key.
    public var own: File<PublicKey>
    /// Of a coordinator: whom it lets in.
    public var list: File<AllowList>
    /// Of a worker: by which key it knows its coordinator.
    public var coordinator: File<PublicKey>
    /// Addresses that other machines are to reach, or that are another machine's.
    public var distant: [String]

    public init(
        own: File<PublicKey>,
        list: File<AllowList> = .unnamed,
        coordinator: File<PublicKey> = .unnamed,
        distant: [String]
    ) {
        self.own = own
        self.list = list
        self.coordinator = coordinator
        self.distant = distant
    }

    public init(_ settings: CoordinatorSettings) {
        let endpoints = [
            settings.workerEndpoint, settings.dataEndpoint, settings.chunkEndpoint,
            settings.clientEndpoint,
        ]
        self.init(
            own: Self.secret(settings.keys?.keyPath),
            list: File(settings.keys?.allowedPath) { path throws(KeyError) in
                try KeyFile.readList(path)
            },
            distant: endpoints.filter { !$0.isLoopback }.map(\.rawValue)
        )
    }

    public init(_ settings: WorkerSettings) {
        self.init(
            own: Self.secret(settings.keys?.keyPath),
            coordinator: File(settings.keys?.coordinatorKeyPath) { path throws(KeyError) in
                try KeyFile.readPublic(path)
            },
            distant: [settings.coordinatorEndpoint].filter { !$0.isLoopback }.map(\.rawValue)
        )
    }

    private static func secret(_ path: String?) -> File<PublicKey> {
        File(path) { path throws(KeyError) in try KeyFile.readSecret(path).publicKey }
    }
}

extension KeyFacts {
    /// - Parameter workers: names that the settings expect.
    public func findings(expecting workers: [String]) -> [Finding] {
        if own == .unnamed, list == .unnamed, coordinator == .unnamed { return [withoutKeys] }
        var findings = [ownFinding]
        if list != .unnamed { findings += listFindings(workers) }
        if coordinator != .unnamed { findings.append(coordinatorFinding) }
        return findings
    }

    private var withoutKeys: Finding {
        guard let address = distant.first else {
            return .ok("keys", "none: only this machine may connect")
        }
        return .fail(
            "keys",
            "none are named, but \(address) is for other machines",
            "moiety keys new FILE, and the settings key-file and allowed-keys or coordinator-key"
        )
    }

    private var ownFinding: Finding {
        switch own {
        case .read(let key): .ok("keys", "own key \("\(key)".prefix(8))…")
        case .unusable(let reason):
            .fail("keys", reason, "run this as the daemon's user or as root, or mend the file")
        case .unnamed:
            .fail("keys", "no key of its own is named", "moiety keys new FILE, setting key-file")
        }
    }

    private func listFindings(_ workers: [String]) -> [Finding] {
        guard case .read(let list) = list else {
            guard case .unusable(let reason) = list else { return [] }
            return [.fail("keys", reason, "chmod 644 it: it holds no secrets")]
        }
        let counts = KeyRole.allCases.map { role in
            "\(list.entries.count { $0.role == role }) of role \(role.rawValue)"
        }
        let enrol = "moiety keys enrol FILE.pub --role worker --name NAME --list FILE"
        guard list.entries.contains(where: { $0.role == .worker }) else {
            return [.fail("keys", "no worker's key is on the list: none may connect", enrol)]
        }
        let names = Set(list.entries.filter { $0.role == .worker }.map(\.name))
        let missing = workers.filter { !names.contains($0) }
        guard missing.isEmpty else {
            let text = "no worker's key on the list is called " + missing.joined(separator: ", ")
            return [.warn("keys", text, enrol)]
        }
        return [.ok("keys", "the list has " + counts.joined(separator: ", "))]
    }

    private var coordinatorFinding: Finding {
        guard case .read(let key) = coordinator else {
            guard case .unusable(let reason) = coordinator else { return withoutKeys }
            return .fail("keys", reason, "copy the coordinator's FILE.pub here, mode 644")
        }
        guard own != .read(key) else {
            return .fail(
                "keys",
                "coordinator-key is this worker's own key",
                "copy the coordinator's FILE.pub here"
            )
        }
        return .ok("keys", "the coordinator's key is \("\(key)".prefix(8))…")
    }
}
