import Foundation
import Model
import Storage
import Testing

@Suite("Room in a cache")
struct CacheRoomTests {
    @Test("What was not used for the longest time gives way, and only as much as is needed")
    func eviction() throws {
        let place = try CacheInDirectory(byteLimit: 3000)
        let experts = (0..<5).map { MadeExpert($0) }
        do {
            let user = try CacheUser(place.cache)
            #expect(try user.claim(experts[..<3].map(\.wanted)).count == 3)
            for (age, expert) in experts[..<3].enumerated() {
                try expert.fetch(by: user)
                try Self.setUse(of: expert, in: place, secondsAgo: 100 - age)
            }
        }
        // The oldest is used once more.
        _ = try place.cache.open(experts[0].digest)
        let user = try CacheUser(place.cache)
        #expect(try user.claim([experts[3].wanted]) == [experts[3].digest])
        #expect(try place.whole == [experts[0].digest, experts[2].digest])
        try experts[3].fetch(by: user)
        #expect(try place.byteCount == 3000)
    }

    @Test("What a living worker needs stays, what a dead one needed goes")
    func inUse() throws {
        let place = try CacheInDirectory(byteLimit: 2000)
        let experts = (0..<4).map { MadeExpert($0) }
        var first: CacheUser? = try CacheUser(place.cache)
        #expect(try first?.claim(experts[..<2].map(\.wanted)).count == 2)
        for expert in experts[..<2] { try expert.fetch(by: try #require(first)) }
        let second = try CacheUser(place.cache)
        #expect(try second.claim([experts[2].wanted]).isEmpty)
        #expect(try place.whole == Set(experts[..<2].map(\.digest)))
        #expect(try place.cache.digestsInUse() == Set(experts[..<3].map(\.digest)))
        #expect(try place.cache.prune(to: 0).isEmpty)

        // It was killed: nobody holds its lock, and its files are still there.
        first = nil
        let uses = "9999\n" + experts[0].digest.hexadecimal + "\n"
        try Data(uses.utf8).write(to: URL(filePath: place.path("users/dead.uses")))
        try Data().write(to: URL(filePath: place.path("users/dead.lock")))
        #expect(try second.claim([experts[2].wanted]) == [experts[2].digest])
        #expect(try place.whole.count == 1)
        #expect(!FileManager.default.fileExists(atPath: place.path("users/dead.lock")))
    }

    @Test("Room that another worker was promised is not promised again")
    func promised() throws {
        let place = try CacheInDirectory(byteLimit: 3000)
        let experts = (0..<4).map { MadeExpert($0) }
        let first = try CacheUser(place.cache)
        let second = try CacheUser(place.cache)
        #expect(try first.claim(experts[..<2].map(\.wanted)).count == 2)
        #expect(try second.claim(experts[2...].map(\.wanted)) == [experts[2].digest])
        // It is done without using its promise up.
        try first.settle([])
        #expect(try second.claim(experts[2...].map(\.wanted)).count == 2)
    }

    @Test("What is larger than the cache is not kept, and nothing is removed in vain for it")
    func tooLarge() throws {
        let place = try CacheInDirectory(byteLimit: 2500)
        let small = MadeExpert(1)
        do { try small.fetch(by: try CacheUser(place.cache)) }
        let user = try CacheUser(place.cache)
        let large = MadeExpert(2, byteCount: 2501)
        let other = MadeExpert(3, byteCount: 1500)
        #expect(try user.claim([large, other].map(\.wanted)) == [other.digest])
        #expect(try place.whole == [small.digest])
    }

    @Test("A full disk keeps nothing, whatever the cache's limit")
    func fullDisk() throws {
        let place = try CacheInDirectory()
        let cache = try ExpertCache(
            path: place.cache.path,
            byteLimit: 1 << 20,
            spareByteCount: .max / 2
        )
        let user = try CacheUser(cache)
        #expect(try user.claim([MadeExpert(1).wanted]).isEmpty)
    }

    @Test("Workers that come, fetch, die and come again never exceed the limit", arguments: 1...20)
    func property(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let limit = 10_000
        let place = try CacheInDirectory(byteLimit: limit)
        let experts = (0..<30).map { MadeExpert($0, byteCount: 200 + 73 * $0) }
        var users: [CacheUser] = []
        var needs: [[ExpertDigest]] = []
        for _ in 0..<60 {
            if users.count < 3, Bool.random(using: &random) {
                users.append(try CacheUser(place.cache))
                needs.append([])
            } else if !users.isEmpty {
                let index = Int.random(in: users.indices, using: &random)
                if Int.random(in: 0..<5, using: &random) == 0 {
                    users.remove(at: index)
                    needs.remove(at: index)
                    continue
                }
                let wanted = experts.shuffled(using: &random).prefix(8)
                let before = try place.whole
                let kept = try users[index].claim(wanted.map(\.wanted))
                needs[index] = wanted.map(\.digest)
                let after = try place.whole
                let others = needs.indices.filter { $0 != index }.flatMap { needs[$0] }
                #expect(before.intersection(others).isSubset(of: after), "seed \(seed)")
                #expect(before.intersection(needs[index]).isSubset(of: kept), "seed \(seed)")
                // Some of it comes, not always all.
                for expert in wanted
                where kept.contains(expert.digest) && !after.contains(expert.digest) {
                    guard Bool.random(using: &random) else { continue }
                    try expert.fetch(by: users[index])
                }
            }
            #expect(try place.byteCount <= limit, "seed \(seed)")
        }
    }

    static func setUse(
        of expert: MadeExpert,
        in place: CacheInDirectory,
        secondsAgo: Int
    ) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -TimeInterval(secondsAgo))],
            ofItemAtPath: place.path("experts/\(expert.digest.hexadecimal)")
        )
    }
}
