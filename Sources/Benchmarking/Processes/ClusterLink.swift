import Foundation
import Messaging

/// How the processes of a cluster that is measured are joined.
public enum ClusterLink: String, CaseIterable, Sendable {
    /// Sockets in the file system.
    case ipc
    /// TCP over this machine's loopback.
    case tcp
    /// The same with keys, so that everything is encrypted.
    case curve
}

/// The addresses of one such cluster, and its keys where it has any.
struct ClusterAddresses {
    private let link: ClusterLink
    private let scratch: ScratchDirectory
    /// The client's; nil without keys.
    let security: SocketSecurity?

    private static let pollSeconds = 0.002

    init(_ link: ClusterLink, workerCount: Int, in scratch: ScratchDirectory) throws {
        self.link = link
        self.scratch = scratch
        guard link == .curve else {
            security = nil
            return
        }
        let coordinator = try KeyPair()
        try KeyFile.write(coordinator, to: scratch.file("coordinator.key"))
        var list = ""
        for number in 1...workerCount {
            let pair = try KeyPair()
            try KeyFile.write(pair, to: scratch.file("worker-\(number).key"))
            list += "worker worker-\(number) \(pair.publicKey)\n"
        }
        let client = try KeyPair()
        list += "client bench \(client.publicKey)\n"
        try KeyFile.write(AllowList(text: list, path: "keys"), to: scratch.file("keys"))
        security = .client(client, server: coordinator.publicKey)
    }

    /// What the coordinator is told to bind.
    var coordinatorArguments: [String] {
        let endpoints = ["worker", "data", "client"].flatMap { name in
            let address = link == .ipc ? "ipc://\(scratch.file(name))" : "tcp://127.0.0.1:0"
            return ["--\(name)-endpoint", address]
        }
        guard link == .curve else { return endpoints }
        let keys = ["--key-file", scratch.file("coordinator.key")]
        return endpoints + keys + ["--allowed-keys", scratch.file("keys")]
    }

    /// Where a worker finds the coordinator, and how it shows who it is.
    func workerArguments(_ number: Int, coordinator: String) -> [String] {
        let address = ["--coordinator", coordinator]
        guard link == .curve else { return address }
        return address + [
            "--key-file", scratch.file("worker-\(number).key"),
            "--coordinator-key", scratch.file("coordinator.key.pub"),
        ]
    }

    /// Where the coordinator listens, once it says so.
    ///
    /// - Parameter check: throws where it will not.
    func bound(_ name: String, check: () throws -> Void) throws -> String {
        let path = scratch.file(name)
        while true {
            try check()
            if let data = FileManager.default.contents(atPath: path), !data.isEmpty {
                return String(decoding: data.dropLast(), as: UTF8.self)
            }
            Thread.sleep(forTimeInterval: Self.pollSeconds)
        }
    }
}
