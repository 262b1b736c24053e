import CAllocations
import Cluster
import ClusterTesting
import Messaging
import Model
import Placement
import Tensors
import Testing
import Wire

/// A share's way to a worker and back, over real sockets, in one thread.
@Suite("Allocations per share", .serialized)
struct ShareAllocationTests {
    /// Lists of a share that its worker keeps: quants, scales, and three of pairs.
    private static let keptLists = 5
    /// Frames of more than a few bytes, which the library allocates where they are made: five of
    /// a share, two headers, and the rows of an answer.
    private static let frames = 8
    /// What a router's message is from, and what it is sent to.
    private static let routingIDs = 2

    @Test("are no more than it has frames and lists, however many its rows are")
    func fixedNumber() throws {
        let way = try ShareWay()
        for rowCount in [64, 1] { for _ in 0..<200 { try way.travel(rowCount: rowCount) } }
        var counts: [Int] = []
        for rowCount in [1, 64, 1, 64] {
            let before = moiety_allocation_count()
            guard before >= 0 else { return }
            try way.travel(rowCount: rowCount)
            counts.append(moiety_allocation_count() - before)
        }
        print("allocations per share, there and back: \(counts)")
        let most = Self.keptLists + Self.frames + Self.routingIDs
        #expect(counts.allSatisfy { $0 <= most }, "\(counts) exceed \(most)")
        #expect(counts.prefix(2) == counts.suffix(2), "\(counts)")
    }
}

/// Values per row.
private let width = 64

/// Both ends of a connection, and what each keeps from share to share.
private final class ShareWay {
    private let router: Socket
    private let dealer: Socket
    private let written = FrameList()
    private let atWorker = FrameList()
    private let answer = FrameList()
    private let atCoordinator = FrameList()
    private let peer = Peer("w1")
    private let activations = Activations(
        quants: Array(repeating: 1, count: 64 * width),
        scales: Array(repeating: 1, count: 64 * width / 32),
        width: width
    )
    private let values = Array(repeating: 0.5, count: 64 * width)
    private var sums = Array(repeating: 0.0, count: 64 * width)
    private let lists = (0..<65).map { count in
        (
            rows: (0..<count).map { UInt32($0) },
            weights: Array(repeating: Float(1), count: count)
        )
    }
    private let answers = (0..<65).map { Array(repeating: 0.5, count: $0 * width) }

    init() throws {
        let context = try MessagingContext()
        router = try Socket(.router, in: context)
        let endpoint = try router.bind(Endpoint("inproc://share-allocations"))
        var options = SocketOptions()
        options.routingID = peer
        dealer = try Socket(.dealer, in: context, options: options)
        try dealer.connect(endpoint)
        _ = try dealer.waitUntilSendable(timeout: .seconds(30))
    }

    func travel(rowCount: Int) throws {
        let id = ShareID(rawValue: 1 << 32)
        let list = lists[rowCount]
        ShareHeader(
            id: id,
            attempt: 1,
            epoch: Epoch(rawValue: 1),
            layer: LayerIndex(1),
            rowCount: rowCount,
            width: width,
            form: .quants,
            pairCount: rowCount
        ).write(
            rows: list.rows,
            of: activations,
            pairRows: list.rows,
            pairExperts: list.rows,
            pairWeights: list.weights,
            into: written
        )
        try router.send(written, to: peer)
        try receive(from: dealer, into: atWorker)
        guard case .share(let header) = try DataHeader(frames: atWorker) else { throw NoShare() }
        let share = Share(header, frames: atWorker)
        PartialRowsHeader(
            id: share.header.id,
            attempt: share.header.attempt,
            epoch: share.header.epoch,
            layer: share.header.layer,
            rowCount: header.rowCount,
            width: width,
            computeTime: .microseconds(100)
        ).write(answers[rowCount], into: answer)
        try dealer.send(answer, to: nil)
        try receive(from: router, into: atCoordinator)
        guard case .partialRows(let rows) = try DataHeader(frames: atCoordinator) else {
            throw NoShare()
        }
        for row in 0..<rows.rowCount {
            rows.add(row: row, of: atCoordinator, to: &sums, from: row * width)
        }
    }

    private struct NoShare: Error {}

    /// Within one process a message is there as soon as it was sent.
    private func receive(from socket: Socket, into frames: FrameList) throws {
        while try !socket.receive(into: frames) {}
    }
}
