import ClusterTesting
import Crypto
import Foundation
import Model
import Storage
import Testing

/// A cache in a directory of its own, which goes with the value.
struct CacheInDirectory {
    private let place: TemporaryFile
    let cache: ExpertCache

    init(byteLimit: Int = 1 << 20) throws {
        place = try TemporaryFile("cache")
        cache = try ExpertCache(path: place.path, byteLimit: byteLimit, spareByteCount: 0)
    }

    /// The same directory with another limit, as another worker's settings may have it.
    func opened(byteLimit: Int) throws -> ExpertCache {
        try ExpertCache(path: place.path, byteLimit: byteLimit, spareByteCount: 0)
    }

    func path(_ name: String) -> String { "\(place.path)/\(name)" }

    /// Bytes of everything that is there.
    var byteCount: Int {
        get throws { try cache.entries().reduce(0) { $0 + $1.byteCount } }
    }

    /// Hashes of what is whole.
    var whole: Set<ExpertDigest> {
        get throws {
            Set(try cache.entries().lazy.filter { $0.stage == .whole }.map(\.digest))
        }
    }
}

/// An expert of made-up bytes.
struct MadeExpert: Hashable {
    let bytes: [UInt8]
    let digest: ExpertDigest

    init(_ seed: Int, byteCount: Int = 1000) {
        var random = SeededRandom(seed: UInt64(seed))
        bytes = (0..<byteCount).map { _ in UInt8(truncatingIfNeeded: random.next() >> 8) }
        digest = ExpertDigest(bytes: Array(SHA256.hash(data: bytes)))
    }

    var wanted: WantedExpert { WantedExpert(digest: digest, byteCount: bytes.count) }

    /// Lets it arrive from where it is to its end, in pieces.
    func arrive(_ arriving: ArrivingExpert, pieces length: Int = 300) -> Bool {
        while !arriving.isWhole {
            let end = min(arriving.count + length, bytes.count)
            arriving.append(Array(bytes[arriving.count..<end]))
        }
        return arriving.verify()
    }

    /// Puts it into the cache of `user`.
    func fetch(by user: CacheUser) throws {
        let arriving = try ArrivingExpert(digest, byteCount: bytes.count, keptBy: user)
        #expect(arrive(arriving))
        #expect(arriving.trouble == nil)
    }
}
