import Messaging
import Testing

@Suite("Who is at the other end of a socket")
struct PeerTests {
    @Test("A routing id stays what it is, short or long", arguments: [1, 5, 7, 8, 9, 255])
    func bytes(count: Int) {
        for byte in [UInt8.min, 0x41, .max] {
            let id = Array(repeating: byte, count: count)
            #expect(Peer(id).bytes == id)
            var other = id
            other[count - 1] ^= 1
            #expect(Peer(id) != Peer(other))
            #expect(Peer(id) == Peer(id) && Peer(id).hashValue == Peer(id).hashValue)
        }
    }

    @Test("Ids of nothing but zeros differ by their length")
    func zeros() {
        let peers = Set((1...20).map { Peer(Array(repeating: 0, count: $0)) })
        #expect(peers.count == 20)
    }
}
