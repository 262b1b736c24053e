import ArgumentParser
import Messaging
import Terminal

/// Keys by which coordinators, workers and people know each other.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make keys, and say whose keys a coordinator accepts.",
        discussion: """
            Other machines may connect only with keys. Each side has a secret key, which stays \
            where it was made, and shows the public half, FILE.pub, which may be copied:

              moiety keys new coordinator.key             on the coordinator's machine
              moiety keys new alpha.key                   on a worker's, then copy alpha.key.pub
              moiety keys enrol alpha.key.pub --role worker --name alpha --list allowed

            The coordinator is told of its key and the list (key-file, allowed-keys), a worker \
            of its key and the coordinator's public one (key-file, coordinator-key), commands by \
            --key-file and --coordinator-key. A coordinator heeds changes of the list at once. To \
            replace a key, enrol the new one under the same name, then revoke the old one by its \
            digits.
            """,
        subcommands: [
            NewKeyCommand.self, ShowKeyCommand.self, EnrolKeyCommand.self, ListKeysCommand.self,
            RevokeKeyCommand.self,
        ]
    )
}

struct NewKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Makes a key: the secret half in FILE, the public half in FILE.pub."
    )

    @Argument(help: "Where to write it; nothing may be there yet.")
    var file: String

    func run() async throws {
        try await CommandFailure.report {
            let pair = try KeyPair()
            try KeyList.report { () throws(KeyError) in try KeyFile.write(pair, to: file) }
            Console.write("\(pair.publicKey)\n")
        }
    }
}

struct ShowKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Prints the public half of a secret key."
    )

    @Argument(help: "A secret key.")
    var file: String

    func run() async throws {
        try await CommandFailure.report {
            let pair = try KeyList.report { () throws(KeyError) in try KeyFile.readSecret(file) }
            Console.write("\(pair.publicKey)\n")
        }
    }
}

struct EnrolKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enrol",
        abstract: "Puts a public key on a coordinator's list."
    )

    @OptionGroup var list: KeyListOptions

    @Argument(help: "A public key: 64 hexadecimal digits, or the file that holds them.")
    var key: String

    @Option(help: "What its owner may do: worker, client or admin.", transform: Self.role)
    var role: KeyRole

    @Option(help: "What the list calls its owner.")
    var name: String

    private static func role(_ text: String) throws -> KeyRole {
        guard let role = KeyRole(rawValue: text) else {
            throw ValidationError("--role is '\(text)'; it must be worker, client or admin")
        }
        return role
    }

    func run() async throws {
        try await CommandFailure.report {
            let key = try KeyList.report { () throws(KeyError) in
                if let key = PublicKey(self.key) { return key }
                return try KeyFile.readPublic(self.key)
            }
            guard let entry = AllowList.Entry(role: role, name: name, key: key) else {
                throw CommandFailure(
                    "--name is '\(name)'; it must be 1 to 64 printable characters without blanks",
                    code: CommandFailure.wrongArguments
                )
            }
            var allowed = try list.read(orNew: true)
            guard allowed.add(entry) else {
                throw CommandFailure("\(list.list) has \(AllowList.limit) keys; revoke some first")
            }
            try list.write(allowed)
        }
    }
}

struct ListKeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Prints whose keys a coordinator accepts."
    )

    @OptionGroup var list: KeyListOptions
    @Flag(help: "Print JSON.")
    var json = false

    private struct Line: Encodable {
        let role: String
        let name: String
        let key: String
    }

    func run() async throws {
        try await CommandFailure.report {
            let entries = try list.read(orNew: false).entries
            guard !json else {
                return try Console.writeJSON(
                    entries.map { entry in
                        Line(role: entry.role.rawValue, name: entry.name, key: "\(entry.key)")
                    }
                )
            }
            for entry in entries {
                Console.write("\(entry.role.rawValue) \(entry.name) \(entry.key)\n")
            }
        }
    }
}

struct RevokeKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Strikes keys from a coordinator's list: all of one name, or one by its digits."
    )

    @OptionGroup var list: KeyListOptions

    @Argument(help: "A name, or a public key.")
    var nameOrKey: String

    func run() async throws {
        try await CommandFailure.report {
            var allowed = try list.read(orNew: false)
            let struck = allowed.remove(nameOrKey)
            guard !struck.isEmpty else {
                throw CommandFailure("\(list.list) has no key of \(nameOrKey)")
            }
            try list.write(allowed)
            for entry in struck {
                Console.write("\(entry.role.rawValue) \(entry.name) \(entry.key)\n")
            }
        }
    }
}
