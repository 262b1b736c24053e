import Model
import Placement
import Testing
import Wire

@Suite("Assignments of shards")
struct ShardAssignmentTests {
    private let assignment = ControlMessage.assignment(
        Assignment(
            epoch: Epoch(rawValue: 7),
            experts: [nil, 0..<384, 384..<768].enumerated().map { index, dimensions in
                ExpertSlice(ExpertID(layer: LayerIndex(2), index: index), dimensions: dimensions)
            },
            digests: (0..<3).map { ExpertDigest(bytes: Array(repeating: $0, count: 32)) }
        )
    )

    @Test("Whole experts and shards come back as they were sent")
    func roundTrip() throws {
        let frames = assignment.encode()
        #expect(frames.count == 3)
        #expect(try ControlMessage(frames: frames) == assignment)
    }

    @Test("Shards without their frame, or that end before they begin, are refused")
    func wrong() {
        let frames = assignment.encode()
        #expect(throws: WireError.self) { try ControlMessage(frames: Array(frames.dropLast())) }
        #expect(throws: WireError.self) { try ControlMessage(frames: frames + [[]]) }
        var reversed = frames
        // The second expert's first dimension becomes 512, past its end.
        reversed[2][9] = 2
        #expect(throws: WireError.self) { try ControlMessage(frames: reversed) }
    }
}
