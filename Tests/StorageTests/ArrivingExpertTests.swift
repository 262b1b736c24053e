import Foundation
import Model
import Storage
import Tensors
import Testing

@Suite("Experts that arrive")
struct ArrivingExpertTests {
    private let place: CacheInDirectory
    private let expert = MadeExpert(1)

    init() throws { place = try CacheInDirectory() }

    @Test("What arrived whole is in the cache under its hash, with its bytes")
    func kept() throws {
        let user = try CacheUser(place.cache)
        try expert.fetch(by: user)
        let file = try #require(try place.cache.open(expert.digest))
        var bytes = [UInt8](repeating: 0, count: file.byteCount)
        try file.read(at: 0, into: &bytes)
        #expect(bytes == expert.bytes)
        #expect(try place.cache.verify(expert.digest) == true)
        #expect(try place.cache.entries().map(\.stage) == [.whole])
    }

    @Test("Another life goes on where the last one ended, after any number of bytes")
    func resumed() throws {
        let user = try CacheUser(place.cache)
        for count in [0, 1, 299, 999, 1000] {
            do {
                let first = try ArrivingExpert(expert.digest, byteCount: 1000, keptBy: user)
                if first.count < count { first.append(Array(expert.bytes[first.count..<count])) }
            }
            let next = try ArrivingExpert(expert.digest, byteCount: 1000, keptBy: user)
            #expect(next.count == count)
        }
        let last = try ArrivingExpert(expert.digest, byteCount: 1000, keptBy: user)
        #expect(last.isWhole)
        #expect(last.verify())
        #expect(try place.whole == [expert.digest])
    }

    @Test("What an earlier life left is not trusted: too long, or whole and wrong, it begins anew")
    func distrusted() throws {
        let user = try CacheUser(place.cache)
        for left in [[UInt8](repeating: 7, count: 1001), [UInt8](repeating: 7, count: 1000)] {
            let path = place.path("partial/\(expert.digest.hexadecimal)")
            try Data(left).write(to: URL(filePath: path))
            let arriving = try ArrivingExpert(expert.digest, byteCount: 1000, keptBy: user)
            #expect(arriving.count == 0)
            #expect(expert.arrive(arriving))
            #expect(try place.cache.verify(expert.digest) == true)
            try place.cache.remove(expert.digest)
        }
        // One damaged byte in what was left shows at the end, and is fetched once more.
        var damaged = Array(expert.bytes.prefix(500))
        damaged[250] ^= 1
        let path = place.path("partial/\(expert.digest.hexadecimal)")
        try Data(damaged).write(to: URL(filePath: path))
        let arriving = try ArrivingExpert(expert.digest, byteCount: 1000, keptBy: user)
        #expect(arriving.count == 500)
        #expect(!expert.arrive(arriving))
        #expect(arriving.count == 0)
        #expect(expert.arrive(arriving))
        #expect(try place.cache.verify(expert.digest) == true)
    }

    @Test("Bytes of another hash are never put under the name, and can be fetched again")
    func wrong() throws {
        let user = try CacheUser(place.cache)
        let arriving = try ArrivingExpert(expert.digest, byteCount: 1000, keptBy: user)
        arriving.append([UInt8](repeating: 1, count: 1000))
        #expect(!arriving.verify())
        #expect(try place.whole.isEmpty)
        #expect(expert.arrive(arriving))
        #expect(try place.whole == [expert.digest])
    }

    @Test("One that another worker has kept meanwhile is taken from there, unless it is damaged")
    func copied() throws {
        try expert.fetch(by: CacheUser(place.cache))
        let user = try CacheUser(place.cache)
        let arriving = try ArrivingExpert(expert.digest, byteCount: 1000, keptBy: user)
        #expect(arriving.isWhole && arriving.verify())
        let path = place.path("experts/\(expert.digest.hexadecimal)")
        try Data([UInt8](repeating: 0, count: 1000)).write(to: URL(filePath: path))
        let again = try ArrivingExpert(expert.digest, byteCount: 1000, keptBy: user)
        #expect(again.count == 0)
        #expect(expert.arrive(again))
        #expect(try place.cache.verify(expert.digest) == true)
    }

    @Test("While one process fetches an expert, another does so without keeping it")
    func twoWriters() throws {
        let first = try CacheUser(place.cache)
        let second = try CacheUser(place.cache)
        let arriving = try ArrivingExpert(expert.digest, byteCount: 1000, keptBy: first)
        arriving.append(Array(expert.bytes[..<400]))
        let other = try ArrivingExpert(expert.digest, byteCount: 1000, keptBy: second)
        #expect(other.count == 0)
        #expect(expert.arrive(other))
        #expect(try place.whole.isEmpty)
        #expect(expert.arrive(arriving))
        #expect(try place.whole == [expert.digest])
        #expect(try place.byteCount == 1000)
    }

    @Test("A disk that takes nothing stops nothing: links, directories or no directory in the way")
    func trouble() throws {
        let user = try CacheUser(place.cache)
        let path = place.path("partial/\(expert.digest.hexadecimal)")
        let victim = place.path("victim")
        try Data([1, 2, 3]).write(to: URL(filePath: victim))
        let obstacles: [() throws -> Void] = [
            {
                try FileManager.default.createSymbolicLink(
                    atPath: path,
                    withDestinationPath: victim
                )
            },
            {
                try FileManager.default.createDirectory(
                    atPath: path,
                    withIntermediateDirectories: false
                )
            },
            { try FileManager.default.removeItem(atPath: place.path("partial")) },
        ]
        for obstacle in obstacles {
            try? FileManager.default.removeItem(atPath: path)
            try obstacle()
            let arriving = try ArrivingExpert(expert.digest, byteCount: 1000, keptBy: user)
            #expect(expert.arrive(arriving))
            #expect(arriving.trouble != nil)
            let kept = place.path("experts/\(expert.digest.hexadecimal)")
            #expect(!FileManager.default.fileExists(atPath: kept))
        }
        #expect(try Array(Data(contentsOf: URL(filePath: victim))) == [1, 2, 3])
    }
}
