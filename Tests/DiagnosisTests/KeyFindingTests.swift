import ClusterTesting
import Diagnosis
import Foundation
import Messaging
import Settings
import Testing

@Suite("What a diagnosis says of keys")
struct KeyFindingTests {
    private func list(_ entries: [(KeyRole, String)]) throws -> AllowList {
        var list = AllowList()
        for (role, name) in entries {
            let key = try KeyPair().publicKey
            _ = list.add(try #require(AllowList.Entry(role: role, name: name, key: key)))
        }
        return list
    }

    @Test("Without keys only this machine may be served")
    func without() {
        let near = KeyFacts(own: .unnamed, distant: [])
        #expect(near.findings(expecting: []).map(\.state) == [.ok])
        let far = KeyFacts(own: .unnamed, distant: ["tcp://0.0.0.0:6644"])
        #expect(far.findings(expecting: []).map(\.state) == [.fail])
    }

    @Test("A coordinator needs workers on its list, those that it expects")
    func workers() throws {
        let own = try KeyPair().publicKey
        func states(_ entries: [(KeyRole, String)]) throws -> [Finding.State] {
            KeyFacts(own: .read(own), list: .read(try list(entries)), distant: [])
                .findings(expecting: ["alpha"]).map(\.state)
        }
        #expect(try states([(.worker, "alpha"), (.admin, "me")]) == [.ok, .ok])
        #expect(try states([(.worker, "beta")]) == [.ok, .warn])
        #expect(try states([(.admin, "me")]) == [.ok, .fail])
    }

    @Test("A worker's coordinator has a key of its own")
    func coordinator() throws {
        let own = try KeyPair().publicKey
        let other = try KeyPair().publicKey
        func state(_ coordinator: KeyFacts.File<PublicKey>) -> Finding.State {
            KeyFacts(own: .read(own), coordinator: coordinator, distant: [])
                .findings(expecting: []).state
        }
        #expect(state(.read(other)) == .ok)
        #expect(state(.read(own)) == .fail)
        #expect(state(.unusable("gone")) == .fail)
    }

    @Test("Files are read as the daemons read them: a secret key that others may read is refused")
    func files() throws {
        let directory = try TemporaryFile("doctor-keys")
        let key = directory.path + "-key"
        try KeyFile.write(try KeyPair(), to: key)
        defer {
            for path in [key, key + ".pub"] { try? FileManager.default.removeItem(atPath: path) }
        }
        let settings = try WorkerSettings.load(
            commandLine: [
                "worker.key-file": key, "worker.coordinator-key": key + ".pub",
                "worker.coordinator": "tcp://192.0.2.1:6644",
            ],
            surroundings: Surroundings(variables: [:], userIsRoot: false, hostName: "alpha")
        )
        let facts = KeyFacts(settings)
        #expect(facts.distant == ["tcp://192.0.2.1:6644"])
        #expect(
            facts.findings(expecting: []).last?.text == "coordinator-key is this worker's own key"
        )
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
        let open = KeyFacts(settings).findings(expecting: []).first
        #expect(open?.state == .fail)
        #expect(open?.text.contains("may be read by others") == true)
    }
}
