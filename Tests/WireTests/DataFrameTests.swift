import Cluster
import ClusterTesting
import Messaging
import Model
import Placement
import Tensors
import Testing
import Wire

/// What the step threads use of the data messages: rows that are copied once, or not at all.
@Suite("Rows in frames")
struct DataFrameTests {
    private static let header = PartialRowsHeader(
        id: ShareID(rawValue: 7),
        attempt: 1,
        epoch: Epoch(rawValue: 3),
        layer: LayerIndex(2),
        rowCount: 3,
        width: 5,
        computeTime: .microseconds(9)
    )

    @Test("An answer's rows are added where the caller says", arguments: [0, 1, 7])
    func adding(start: Int) throws {
        let values = (0..<15).map { Double($0) + 0.5 }
        let frames = FrameList()
        Self.header.write(values, into: frames)
        #expect(try DataHeader(frames: frames) == .partialRows(Self.header))
        var sums = Array(repeating: 100.0, count: 16)
        Self.header.add(row: 1, of: frames, to: &sums, from: start)
        for index in sums.indices {
            let isTarget = (start..<start + 5).contains(index)
            #expect(sums[index] == (isTarget ? 100 + values[5 + index - start] : 100))
        }
    }

    @Test("Rows that the answer or the sums do not have are our own mistake")
    func beyond() async {
        await #expect(processExitsWith: .failure) {
            let frames = FrameList()
            Self.header.write(Array(repeating: 0, count: 15), into: frames)
            var sums = Array(repeating: 0.0, count: 16)
            Self.header.add(row: 3, of: frames, to: &sums, from: 0)
        }
        await #expect(processExitsWith: .failure) {
            let frames = FrameList()
            Self.header.write(Array(repeating: 0, count: 15), into: frames)
            var sums = Array(repeating: 0.0, count: 4)
            Self.header.add(row: 0, of: frames, to: &sums, from: 0)
        }
    }

    @Test("Some rows of a batch are written as a batch of those rows", arguments: [false, true])
    func selectedRows(plain: Bool) throws {
        var activations = Activations(values: (0..<128).map(Float.init), width: 32)
        if !plain {
            activations = Activations(
                quants: (0..<128).map { Int8($0) },
                scales: [1, 2, 3, 4],
                width: 32
            )
        }
        let header = ShareHeader(
            id: ShareID(rawValue: 1),
            attempt: 2,
            epoch: Epoch(rawValue: 3),
            layer: LayerIndex(4),
            rowCount: 2,
            width: 32,
            form: plain ? .values : .quants,
            pairCount: 3
        )
        let frames = FrameList()
        header.write(
            rows: [1, 3],
            of: activations,
            pairRows: [0, 1, 1],
            pairExperts: [5, 6, 7],
            pairWeights: [0.25, 0.5, 0.75],
            into: frames
        )
        let share = Share(
            id: header.id,
            attempt: header.attempt,
            epoch: header.epoch,
            layer: header.layer,
            activations: activations.selecting(rows: [1, 3], values: plain, quants: !plain),
            pairRows: [0, 1, 1],
            pairExperts: [5, 6, 7],
            pairWeights: [0.25, 0.5, 0.75]
        )
        #expect(try DataHeader(frames: frames) == .share(header))
        #expect(Share(header, frames: frames) == share)
        #expect(frames.copies == DataMessage.share(share).encode())
    }

    @Test(
        "A header of any size is read, whatever the stack has room for",
        arguments: [0, 900, 5000]
    )
    func longHeader(count: Int) throws {
        let text = String(repeating: "x", count: min(count, WireLimits.messageByteCount))
        let refusal = ShareRefused(
            id: ShareID(rawValue: 1),
            attempt: 1,
            code: .notHeld,
            text: text
        )
        let frames = FrameList(DataMessage.shareRefused(refusal).encode())
        #expect(try DataHeader(frames: frames) == .shareRefused(refusal))
    }

    @Test("A hint that says more than it holds, or too much, is refused by its field")
    func lyingHints() throws {
        let hint = Hint(layer: LayerIndex(3), distance: 1, experts: [7, 1, 7])
        let frames = DataMessage.hint(hint).encode()
        #expect(try DataMessage(frames: frames) == .hint(hint))
        for wrong in [[frames[0]], [frames[0], frames[1] + [0]], frames + [[]], [frames[0], []]] {
            #expect(throws: WireError.self) { try DataMessage(frames: wrong) }
        }
        let limit = WireLimits().hintedCount
        let long = Hint(
            layer: LayerIndex(0),
            distance: 0,
            experts: Array(repeating: 0, count: limit + 1)
        )
        let error = #expect(throws: WireError.self) {
            try DataMessage(frames: DataMessage.hint(long).encode())
        }
        #expect(error.map { "\($0)" }?.contains("hint.expert_count") == true)
        let distant = Hint(layer: LayerIndex(0), distance: .max, experts: [])
        #expect(throws: WireError.self) {
            try DataMessage(frames: DataMessage.hint(distant).encode())
        }
    }

    @Test("An outlook that says more than it holds, or too much, is refused by its field")
    func lyingOutlooks() throws {
        let experts = [7, 1, 7].map { ExpertID(layer: LayerIndex(3), index: $0) }
        let frames = DataMessage.outlook(Outlook(experts)).encode()
        guard case .outlook(let outlook) = try DataMessage(frames: frames) else {
            Issue.record("it is another message")
            return
        }
        #expect(outlook.experts == experts)
        let none = DataMessage.outlook(Outlook([]))
        #expect(try DataMessage(frames: none.encode()) == none)
        let wrongs = [
            [frames[0]], [frames[0], frames[1]], [frames[0], frames[1], frames[2] + [0]],
            [frames[0], [], frames[2]], frames + [[]],
        ]
        for wrong in wrongs {
            #expect(throws: WireError.self) { try DataMessage(frames: wrong) }
        }
        let count = WireLimits().outlookCount + 1
        let long = Outlook(Array(repeating: experts[0], count: count))
        let error = #expect(throws: WireError.self) {
            try DataMessage(frames: DataMessage.outlook(long).encode())
        }
        #expect(error.map { "\($0)" }?.contains("outlook.expert_count") == true)
    }
}
