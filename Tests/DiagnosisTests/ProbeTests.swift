import Diagnosis
import Foundation
import Messaging
import Settings
import Testing

@Suite("What a diagnosis finds on this machine")
struct ProbeTests {
    private func ports(_ commandLine: [String: String]) throws -> [String: PortFacts.State] {
        var given = ["coordinator.http-endpoint": "none"]
        given.merge(commandLine) { $1 }
        let settings = try CoordinatorSettings.load(
            commandLine: given,
            surroundings: Surroundings(variables: [:], userIsRoot: false, hostName: "alpha")
        )
        let pairs = PortFacts.all(of: settings).map { ($0.setting, $0.state) }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    @Test("A TCP port is taken while somebody listens there")
    func tcp() throws {
        let socket = try Socket(.router, in: MessagingContext(), options: SocketOptions())
        let address = try socket.bind(Endpoint("tcp://127.0.0.1:0"))
        let found = try ports(["coordinator.worker-endpoint": "\(address)"])
        #expect(found["worker-endpoint"] == .taken)
        #expect(found["data-endpoint"] == nil, "any port will do for it")
    }

    @Test("An address that is not this machine's cannot be listened at")
    func foreign() throws {
        let found = try ports([
            "coordinator.worker-endpoint": "tcp://192.0.2.1:6644",
            "coordinator.client-endpoint": "tcp://no.such.host.invalid:6645",
        ])
        for setting in ["worker-endpoint", "client-endpoint"] {
            guard case .unusable = found[setting] else {
                Issue.record("\(setting) is \(String(describing: found[setting]))")
                continue
            }
        }
    }

    @Test("The machine's own facts are of the right size")
    func machine() {
        let machine = MachineFacts.current
        #expect(machine.coreCount >= 1)
        #expect(machine.nodeCount >= 1)
        #expect(machine.memoryByteCount > 100_000_000)
        #expect(machine.availableByteCount <= machine.memoryByteCount)
        #expect(machine.descriptorLimit > 0)
    }

    @Test("What a directory has already is not wanted any more")
    func used() throws {
        let place = FileManager.default.temporaryDirectory
            .appending(path: "moiety-doctor-\(UUID().uuidString)")
        let folder = place.appending(path: "folder")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        try Data(count: 20_000).write(to: folder.appending(path: "file"))
        let facts = DiskFacts(purpose: "cache", path: place.path, limit: 1_000_000)
        #expect((900_000...980_000).contains(facts.wanted))
    }

    @Test("A directory that is not there yet is looked for above")
    func disk() {
        let place = FileManager.default.temporaryDirectory.appending(path: "no/such/place").path
        let facts = DiskFacts(purpose: "state", path: place, limit: 1000)
        #expect(facts.free != nil)
        #expect(facts.wanted == 1000)
    }
}
