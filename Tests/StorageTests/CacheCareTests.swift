import Foundation
import Model
import Storage
import Tensors
import Testing

@Suite("A cache in the care of people")
struct CacheCareTests {
    private let place: CacheInDirectory
    private let experts = (0..<4).map { MadeExpert($0) }

    init() throws {
        place = try CacheInDirectory()
        let user = try CacheUser(place.cache)
        for (age, expert) in experts.enumerated() {
            try expert.fetch(by: user)
            try CacheRoomTests.setUse(of: expert, in: place, secondsAgo: 100 - age)
        }
    }

    @Test("Pruning removes the least recently used first, and no more than it must")
    func prunes() throws {
        #expect(try place.cache.prune(to: 4000).isEmpty)
        #expect(try place.cache.prune(to: 2500).map(\.digest) == experts[..<2].map(\.digest))
        #expect(try place.whole == Set(experts[2...].map(\.digest)))
        #expect(try place.cache.prune(to: 0).count == 2)
        #expect(try place.byteCount == 0)
    }

    @Test("Packed experts that nobody ended are listed, and pruned unless somebody is at it")
    func leftovers() throws {
        let key = experts[0].digest
        let path = place.path("packed/\(key.hexadecimal).part-1f")
        let before = try place.byteCount
        try Data(count: 5000).write(to: URL(filePath: path))
        #expect(try place.cache.entries().count { $0.stage == .unfinished } == 1)
        #expect(try place.byteCount == before + 5000)
        var lock = try LockFile(path: place.path("packed.lock"))
        #expect(lock != nil)
        _ = try place.cache.prune(to: 0)
        #expect(try place.cache.digestsInUse() == [key])
        #expect(FileManager.default.fileExists(atPath: path))
        lock = nil
        #expect(try place.cache.prune(to: 0).map(\.stage).contains(.unfinished))
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("Verifying finds one flipped bit, a cut and a growth, and removes only these")
    func verifies() throws {
        for (place, expert) in experts.enumerated() {
            #expect(try verify(expert) == true, "\(place)")
        }
        let changes: [([UInt8]) -> [UInt8]] = [
            { bytes in
                var bytes = bytes
                bytes[500] ^= 16
                return bytes
            },
            { Array($0.dropLast()) },
            { $0 + [0] },
        ]
        for (expert, change) in zip(experts, changes) {
            let path = place.path("experts/\(expert.digest.hexadecimal)")
            try Data(change(expert.bytes)).write(to: URL(filePath: path))
            #expect(try verify(expert) == false)
            #expect(try verify(expert) == nil)
        }
        #expect(try place.whole == [experts[3].digest])
    }

    private func verify(_ expert: MadeExpert) throws -> Bool? {
        try place.cache.verify(expert.digest)
    }

    @Test("Names that are none of the cache's are left alone, wherever they lead")
    func strangers() throws {
        let outside = try TemporaryDirectoryOutside()
        let names = [
            "README", "../escape", String(repeating: "0", count: 63),
            String(repeating: "G", count: 64), experts[0].digest.hexadecimal.uppercased(),
        ].filter { !$0.contains("/") }
        for name in names {
            try Data([1]).write(to: URL(filePath: place.path("experts/\(name)")))
        }
        // A link and a directory with good names.
        let link = String(repeating: "a", count: 64)
        let folder = String(repeating: "b", count: 64)
        try FileManager.default.createSymbolicLink(
            atPath: place.path("experts/\(link)"),
            withDestinationPath: outside.file
        )
        try FileManager.default.createDirectory(
            atPath: place.path("experts/\(folder)"),
            withIntermediateDirectories: false
        )
        #expect(try place.cache.entries().count == experts.count)
        #expect(try place.cache.prune(to: 0).count == experts.count)
        let left = try FileManager.default.contentsOfDirectory(atPath: place.path("experts"))
        #expect(Set(left) == Set(names + [link, folder]))
        #expect(FileManager.default.fileExists(atPath: outside.file))
    }

    @Test("A list of uses that makes no sense protects nothing and stops nothing")
    func damagedUses() throws {
        for text in ["", "\n\n\n", "x", "-5\nzz", "99999999999999999999\n", "\u{0}\u{ff}"] {
            let name = "users/odd.uses"
            try Data(text.utf8).write(to: URL(filePath: place.path(name)))
            // Somebody holds the lock.
            let user = try CacheUser(place.cache)
            #expect(try user.claim([MadeExpert(9).wanted]).count == 1, "\(text.debugDescription)")
        }
    }

    @Test("A directory that cannot be made is named, and where there is no cache none is made")
    func nowhere() throws {
        let path = place.path("experts/\(experts[0].digest.hexadecimal)/cache")
        #expect(!ExpertCache.exists(at: path))
        #expect {
            _ = try ExpertCache(path: path, byteLimit: 1)
        } throws: { error in
            "\(error)".contains(path) && "\(error)".contains("--cache-directory")
        }
    }
}

/// A file that nothing here may touch.
private final class TemporaryDirectoryOutside {
    let file: String

    init() throws {
        file = NSTemporaryDirectory() + "moiety-outside-\(UUID().uuidString)"
        try Data([1, 2, 3]).write(to: URL(filePath: file))
    }

    deinit { try? FileManager.default.removeItem(atPath: file) }
}
