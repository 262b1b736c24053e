import Cluster
import ClusterTesting
import Model
import Placement
import Tensors
import Testing
import Wire

/// Whatever bytes arrive: a value or a `WireError`, never a trap.
@Suite struct HostileTests {
    @Test("A message cut off anywhere is refused or read, never trapped on")
    func truncation() {
        var random = SeededRandom(seed: 1)
        for message in encodedMessages(using: &random) {
            for index in message.frames.indices {
                for count in message.frames[index].indices {
                    var frames = message.frames
                    frames[index].removeLast(frames[index].count - count)
                    let isRead = message.socket.reads(frames)
                    if index > 0 { #expect(!isRead, "a short raw frame \(index)") }
                }
            }
            #expect(!message.socket.reads(Array(message.frames.dropFirst())))
            #expect(!message.socket.reads(message.frames + [[]]))
            if message.frames.count > 1 {
                #expect(!message.socket.reads(Array(message.frames.dropLast())))
            }
        }
    }

    @Test("100,000 mutated messages are refused or read", arguments: UInt64(1)...4)
    func mutation(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var count = 0
        while count < 25_000 {
            for message in encodedMessages(using: &random) {
                _ = message.socket.reads(mutated(message.frames, using: &random))
                count += 1
            }
        }
    }

    @Test("100,000 random envelopes are refused or read", arguments: UInt64(5)...8)
    func noise(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<25_000 {
            let frames = randomFrames(using: &random)
            for socket in WireSocket.allCases { _ = socket.reads(frames) }
        }
    }

    @Test("What is wrong in ways that a list can name is refused, on every socket")
    func wrongFrames() {
        var random = SeededRandom(seed: 10)
        for message in encodedMessages(using: &random) {
            for wrong in WrongFrames.everywhere(like: message.frames) {
                #expect(!message.socket.reads(wrong.frames), "\(wrong)")
            }
        }
    }

    @Test("Unknown fields are no reason to refuse, however many: the protocol may grow")
    func unknownFields() {
        var random = SeededRandom(seed: 11)
        for message in encodedMessages(using: &random) {
            #expect(message.socket.reads(WrongFrames.padded(message.frames)))
        }
    }

    @Test("A type from the future is named by its number")
    func unknownType() {
        // Field 99, a message of no bytes.
        let frames: [[UInt8]] = [[0x9a, 0x06, 0x00]]
        #expect(throws: WireError.unknownType(99)) { try ControlMessage(frames: frames) }
        #expect(throws: WireError.unknownType(99)) { try DataMessage(frames: frames) }
        #expect(throws: WireError.unknownType(99)) { try ClientMessage(frames: frames) }
        #expect(throws: WireError.unknownType(0)) { try ClientMessage(frames: [[]]) }
    }

    @Test("A hello of another version can still be answered")
    func foreignHello() throws {
        var random = SeededRandom(seed: 9)
        var hello = Hello.random(using: &random)
        hello.protocolVersion = 7
        guard
            case .hello(let read) = try ControlMessage(
                frames: ControlMessage.hello(hello).encode() + [[1, 2, 3]]
            )
        else {
            Issue.record("no hello")
            return
        }
        #expect(read.protocolVersion == 7)
        #expect(read.name == hello.name && read.build == hello.build)

        // Version 7 and nothing else.
        let bare: [[UInt8]] = [[0x0a, 0x02, 0x08, 0x07]]
        guard case .hello(let nameless) = try ControlMessage(frames: bare),
            case .clientHello(let client) = try ClientMessage(frames: bare)
        else {
            Issue.record("no hello")
            return
        }
        #expect(nameless.protocolVersion == 7 && nameless.name.rawValue == "unreadable")
        #expect(client.protocolVersion == 7)
    }

    @Test("A text that is not UTF-8 is refused by the name of its field")
    func invalidText() {
        // Goodbye (12) whose reason (1) is one byte, 0xff.
        #expect(throws: WireError.invalidText(field: "goodbye.reason")) {
            try ControlMessage(frames: [[0x62, 0x03, 0x0a, 0x01, 0xff]])
        }
    }

    @Test("What exceeds a limit is refused by the name of its field")
    func limits() {
        var random = SeededRandom(seed: 3)
        var limits = WireLimits()
        limits.headerByteCount = 8
        let hello = ControlMessage.hello(.random(using: &random)).encode()
        #expect {
            try ControlMessage(frames: hello, limits: limits)
        } throws: { error in
            guard case WireError.beyondLimit("the envelope's length", _, 8) = error else {
                return false
            }
            return true
        }
        limits = WireLimits()
        limits.listCount = 2
        let nodes = ClientMessage.nodes((0..<3).map { _ in .random(using: &random) }).encode()
        #expect(throws: WireError.beyondLimit(field: "nodes.nodes", value: 3, limit: 2)) {
            try ClientMessage(frames: nodes, limits: limits)
        }
    }
}

/// Shares whose counts, rows and frames do not fit each other.
@Suite struct LyingShareTests {
    private let frames = DataMessage.share(
        Share(
            id: ShareID(rawValue: 1),
            attempt: 1,
            epoch: Epoch(rawValue: 1),
            layer: LayerIndex(0),
            activations: Activations(values: Array(repeating: 1, count: 64), width: 32),
            pairRows: [0, 1],
            pairExperts: [3, 4],
            pairWeights: [0.5, 0.25]
        )
    ).encode()

    /// The share's header with other counts; all of them are one byte in `frames[0]`.
    private func header(rows: UInt8 = 2, width: UInt8 = 32, form: UInt8 = 2, pairs: UInt8 = 2)
        -> [UInt8]
    {
        let body: [UInt8] = [
            0x08, 1, 0x10, 1, 0x18, 1, 0x28, rows, 0x30, width, 0x38, form, 0x40, pairs,
        ]
        return [0x0a, UInt8(body.count)] + body
    }

    @Test("The header of this suite is the real one")
    func sameHeader() { #expect(header() == frames[0]) }

    @Test("Counts that do not match their frames are refused")
    func counts() {
        #expect(
            throws: WireError.wrongFrameLength(field: "share's values", expected: 384, found: 256)
        ) { try read(header(rows: 3)) }
        #expect(
            throws: WireError.wrongFrameLength(field: "share's values", expected: 248, found: 256)
        ) { try read(header(width: 31)) }
        #expect(
            throws: WireError.wrongFrameLength(field: "share's pair rows", expected: 12, found: 8)
        ) { try read(header(pairs: 3)) }
        #expect(throws: WireError.invalidValue(field: "share.row_count", value: "0")) {
            try read(header(rows: 0))
        }
        #expect(throws: WireError.invalidValue(field: "share.width", value: "0")) {
            try read(header(width: 0))
        }
        #expect(throws: WireError.invalidValue(field: "share.form", value: "9")) {
            try read(header(form: 9))
        }
        #expect(throws: WireError.wrongFrameCount(message: "share", expected: 6, found: 5)) {
            try read(header(form: 1))
        }
    }

    @Test("Counts beyond the limits are refused before their frames are looked at")
    func hugeCounts() {
        let huge: [UInt8] = [0xff, 0xff, 0xff, 0xff, 0x0f]
        let body = [0x28] + huge + [0x30] + huge + [0x38, 2]
        #expect(
            throws: WireError.beyondLimit(
                field: "share.row_count",
                value: UInt64(UInt32.max),
                limit: WireLimits().rowCount
            )
        ) { try read([0x0a, UInt8(body.count)] + body) }
    }

    @Test("Limits of the largest numbers do not make products overflow")
    func overflow() {
        let huge: [UInt8] = [0xff, 0xff, 0xff, 0xff, 0x0f]
        let body = [0x28] + huge + [0x30] + huge + [0x38, 2]
        var limits = WireLimits()
        limits.rowCount = .max
        limits.width = .max
        #expect(
            throws: WireError.wrongFrameLength(field: "share's values", expected: .max, found: 256)
        ) { try read([0x0a, UInt8(body.count)] + body, limits: limits) }
    }

    @Test("Pairs of rows that are not there or not in order are refused")
    func pairRows() {
        var frames = frames
        frames[2] = [1, 0, 0, 0, 0, 0, 0, 0]
        #expect(throws: WireError.invalidValue(field: "share's pair rows", value: "0 after 1")) {
            try DataMessage(frames: frames)
        }
        frames[2] = [0, 0, 0, 0, 2, 0, 0, 0]
        #expect(
            throws: WireError.invalidValue(field: "share's pair rows", value: "2 among 2 rows")
        ) { try DataMessage(frames: frames) }
    }

    @Test("Rounded rows are whole blocks")
    func blocks() {
        var frames = frames
        frames[0] = header(width: 16, form: 1)
        frames.insert([], at: 2)
        #expect(
            throws: WireError.invalidValue(
                field: "share.width",
                value: "16, no whole number of blocks of 32"
            )
        ) { try DataMessage(frames: frames) }
    }

    private func read(_ header: [UInt8], limits: WireLimits = WireLimits()) throws {
        _ = try DataMessage(frames: [header] + frames.dropFirst(), limits: limits)
    }
}
