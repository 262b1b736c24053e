import Messaging
import Testing

@Suite struct EndpointTests {
    @Test(
        "An endpoint is read and written the same",
        arguments: [
            "tcp://127.0.0.1:6644", "tcp://[::1]:6644", "tcp://localhost:1", "tcp://*:65535",
            "tcp://node-7.example.org:6644", "ipc:///run/moiety/control", "inproc://control",
        ]
    )
    func roundTrip(text: String) throws {
        #expect(try Endpoint(text).description == text)
    }

    @Test("A port of * is any port")
    func wildcardPort() throws {
        #expect(try Endpoint("tcp://127.0.0.1:*") == Endpoint("tcp://127.0.0.1:0"))
    }

    @Test(
        "Text that is no endpoint is refused with the reason",
        arguments: [
            "", "tcp://", "127.0.0.1:6644", "tcp://127.0.0.1", "tcp://:6644", "tcp://a:65536",
            "tcp://a:-1", "tcp://a:+1", "tcp://a b:1", "tcp://[::1:6644", "tcp://[zz::1]:1",
            "tcp://[127.0.0.1]:1", "tcp://a;b:1", "udp://a:1", "ipc://", "ipc://@hidden",
            "inproc://", "ipc:///" + String(repeating: "a", count: 107),
            "inproc://" + String(repeating: "a", count: 600), "tcp://a\u{0}:1",
        ]
    )
    func refusal(text: String) {
        #expect {
            try Endpoint(text)
        } throws: { error in
            guard case MessagingError.invalidEndpoint(_, let reason) = error else { return false }
            return !reason.isEmpty
        }
    }

    @Test("The longest path that the system takes is taken")
    func longestPath() throws {
        let path = "/" + String(repeating: "a", count: Endpoint.pathByteLimit - 1)
        #expect(try Endpoint("ipc://" + path).transport == .ipc(path: path))
    }

    @Test(
        "Only this machine reaches a loopback endpoint",
        arguments: [
            ("tcp://127.0.0.1:1", true), ("tcp://127.9.8.7:1", true), ("tcp://[::1]:1", true),
            ("tcp://[0:0:0:0:0:0:0:1]:1", true), ("tcp://[::ffff:127.0.0.1]:1", true),
            ("tcp://localhost:1", true), ("tcp://LOCALHOST:1", true), ("ipc:///tmp/a", true),
            ("inproc://a", true), ("tcp://*:1", false), ("tcp://0.0.0.0:1", false),
            ("tcp://[::]:1", false), ("tcp://10.0.0.1:1", false), ("tcp://127.1:1", false),
            ("tcp://127.0.0.1.example.org:1", false), ("tcp://127.0.0.256:1", false),
            ("tcp://[::ffff:10.0.0.1]:1", false), ("tcp://[fe80::1]:1", false),
        ]
    )
    func loopback(text: String, isLoopback: Bool) throws {
        #expect(try Endpoint(text).isLoopback == isLoopback)
    }
}
