import Foundation
import Glibc
import Messaging
import Synchronization
import Testing

/// Keys, the files that they lie in, and the list of those that count.
@Suite("Keys") struct KeyTests {
    @Test("A secret key comes back from its file with its public half, and shows nothing")
    func roundTrip() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/key"
        let pair = try KeyPair()
        try KeyFile.write(pair, to: path)
        #expect(try KeyFile.readSecret(path).publicKey == pair.publicKey)
        #expect(try KeyFile.readPublic(path + ".pub") == pair.publicKey)
        let digits = try String(contentsOfFile: path, encoding: .utf8).split(separator: " ")[1]
        for text in [
            "\(pair)", String(reflecting: pair), String(describing: Mirror(reflecting: pair)),
        ] {
            #expect(!text.contains(digits.prefix(8)))
        }
        var dumped = ""
        dump(pair, to: &dumped)
        #expect(!dumped.contains(digits.prefix(8)))
        #expect(throws: KeyError.exists(path: path)) { try KeyFile.write(pair, to: path) }
    }

    @Test("A secret key that others may read is refused", arguments: [0o644, 0o640, 0o604, 0o660])
    func modes(mode: Int) throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/key"
        try KeyFile.write(try KeyPair(), to: path)
        unsafe chmod(path, mode_t(mode))
        #expect(throws: KeyError.openToOthers(path: path, mode: UInt32(mode))) {
            try KeyFile.readSecret(path)
        }
    }

    @Test(
        "What is no key is refused and says where",
        arguments: [
            "", "secret", "secret 12", "public " + String(repeating: "a", count: 64),
            "secret " + String(repeating: "g", count: 64),
            "secret " + String(repeating: "+a", count: 32),
            "secret " + String(repeating: "a", count: 64) + " more",
            "secret " + String(repeating: "a", count: 64) + "\nsecret",
        ]
    )
    func malformed(text: String) throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/key"
        try Data(text.utf8).write(to: URL(filePath: path))
        unsafe chmod(path, 0o600)
        #expect {
            try KeyFile.readSecret(path)
        } throws: { error in
            guard case .malformed(path, _, _) = error as? KeyError else { return false }
            return !"\(error)".contains("aaaa")
        }
    }

    @Test("Keys that ZeroMQ's manual prints are refused wherever they stand")
    func printedKeys() throws {
        let directory = try TemporaryDirectory()
        let secrets = [
            "8e0bdd697628b91d8f245587ee95c5b04d48963f79259877b49cd9063aead3b7",
            "7bb864b489afa3671fbe69101f94b38972f24816dfb01b51656b3fec8dfd0888",
        ]
        for (index, secret) in secrets.enumerated() {
            let path = directory.path + "/key-\(index)"
            try Data("secret \(secret)\n".utf8).write(to: URL(filePath: path))
            #expect(unsafe chmod(path, 0o600) == 0)
            #expect(throws: KeyError.printed(path: path)) { try KeyFile.readSecret(path) }
        }
        let key = "54fcba24e93249969316fb617c872bb0c1d1ff14800427c594cbfacf1bc2d652"
        let path = directory.path + "/key.pub"
        try Data("\(key)\n".utf8).write(to: URL(filePath: path))
        #expect(throws: KeyError.printed(path: path)) { try KeyFile.readPublic(path) }
        #expect(throws: KeyError.printed(path: "list")) {
            try AllowList(text: "worker w1 \(key)", path: "list")
        }
    }

    @Test("Directories, pipes and files without end are no key files")
    func noFiles() throws {
        let directory = try TemporaryDirectory()
        let pipe = directory.path + "/pipe"
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        for path in [directory.path, pipe, "/dev/zero", directory.path + "/missing"] {
            #expect {
                try KeyFile.readSecret(path)
            } throws: { error in
                if case .unreadable(path, _) = error as? KeyError { true } else { false }
            }
        }
    }

    @Test("A list of keys is read as it was written; names may have several")
    func list() throws {
        let keys = try (0..<4).map { _ in try KeyPair().publicKey }
        var list = AllowList()
        let roles: [KeyRole] = [.worker, .worker, .client, .admin]
        for (index, role) in roles.enumerated() {
            let entry = AllowList.Entry(
                role: role,
                name: index < 2 ? "n1" : "u\(index)",
                key: keys[index]
            )
            #expect(list.add(try #require(entry)))
        }
        let text = "# who\n\n" + list.text.replacing(" ", with: "\t ")
        #expect(try AllowList(text: text, path: "list") == list)
        #expect(list.remove("n1").count == 2)
        #expect(list.remove(keys[3].description).map(\.name) == ["u3"])
        #expect(list.entries.map(\.role) == [.client])
    }

    @Test(
        "What is no entry of a list is refused and says in which line",
        arguments: [
            "worker n1", "boss n1 KEY", "worker n1 12", "worker n1 KEY more", "KEY",
            "worker n1 KEY\nadmin n2 KEY",
        ]
    )
    func badList(text: String) throws {
        let key = try KeyPair().publicKey.description
        #expect {
            try AllowList(text: "# head\n" + text.replacing("KEY", with: key), path: "list")
        } throws: { error in
            guard case .malformed("list", let line, _) = error as? KeyError else { return false }
            return line == (text.contains("\n") ? 3 : 2)
        }
    }

    @Test("A list that changes counts at once; one that cannot be read leaves the last in force")
    func changes() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/allowed"
        let (own, first, second) = try (KeyPair(), KeyPair(), KeyPair())
        var list = AllowList()
        _ = list.add(try #require(.init(role: .worker, name: "w", key: first.publicKey)))
        try KeyFile.write(list, to: path)
        let told = Mutex<[Bool]>([])
        let keys = try AllowedKeys(path: path, own: own.publicKey) { failure in
            told.withLock { $0.append(failure == nil) }
        }
        #expect(keys.entry(of: own.publicKey)?.role == .admin)
        #expect(keys.entry(of: first.publicKey)?.name == "w")
        #expect(keys.entry(of: second.publicKey) == nil)
        _ = list.add(try #require(.init(role: .client, name: "c", key: second.publicKey)))
        try KeyFile.write(list, to: path)
        #expect(keys.entry(of: second.publicKey)?.role == .client)
        try Data("nonsense".utf8).write(to: URL(filePath: path))
        #expect(keys.entry(of: second.publicKey)?.role == .client)
        #expect(told.withLock { $0 } == [true, false], "told once of each change")
        _ = list.remove("w")
        try KeyFile.write(list, to: path)
        #expect(keys.entry(of: first.publicKey) == nil)
        #expect(told.withLock { $0 } == [true, false, true])
    }
}
