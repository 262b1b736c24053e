import ClusterTesting
import ExpertStore
import Foundation
import Model
import Storage
import Tensors
import Testing

@Suite("A model's experts in one file")
struct StoreFileTests {
    private static func read(_ id: ExpertID, from store: PackedStore) throws -> Bytes {
        let memory = try SlotMemory(slotCount: 1, slotByteCount: store.layout.slotByteCount)
        let sum = try (0..<store.blockCount(of: id)).reduce(UInt64(0)) { sum, block in
            try sum &+ store.read(block, of: id, into: memory, slot: 0)
        }
        try store.check(sum, of: id)
        return memory[0]
    }

    @Test("What was written is read, expert by expert, and starts at a page")
    func roundTrip() throws {
        var recipe = TinyModel()
        recipe.layerCount = 3
        recipe.denseLayers = [1]
        let place = try StoreInDirectory(recipe)
        try place.write()
        let store = try place.open()
        #expect(place.layout.expertCount == 16)
        for (number, id) in place.layout.experts.enumerated() {
            let extent = try #require(place.layout.extent(of: id))
            #expect(extent.lowerBound % 4096 == 0 && extent.count % 4096 == 0)
            let found = content(of: try Self.read(id, from: store)).prefix(extent.count)
            #expect(Array(found) == content(of: place.extents[number]), "\(id)")
        }
    }

    @Test("A file that was cut anywhere is refused when it is opened", arguments: [1, 100, 5000])
    func truncated(count: Int) throws {
        let place = try StoreInDirectory()
        try place.write()
        let handle = try FileHandle(forUpdating: URL(filePath: place.path))
        try handle.truncate(atOffset: UInt64(place.layout.byteCount - count))
        try handle.close()
        #expect { try place.open() } throws: { error in
            guard case .damaged? = error as? StoreError else { return false }
            return "\(error)".contains(place.path)
        }
    }

    @Test("A flipped bit of what the file says of itself is found when it is opened")
    func flippedRecord() throws {
        let place = try StoreInDirectory()
        let end = place.layout.byteCount
        for offset in [0, 9, 20, 70, 4095, end - 1, end - 9, end - 8 * 17] {
            try place.write()
            try place.flipBit(at: offset)
            #expect(throws: StoreError.self, "byte \(offset)") { try place.open() }
        }
    }

    @Test("A flipped bit of an expert is found before the expert is used; the others are right")
    func flippedExpert() throws {
        let seed: UInt64 = 20_261_122
        print("flipped expert: seed \(seed)")
        var random = SeededRandom(seed: seed)
        let place = try StoreInDirectory()
        for _ in 0..<20 {
            try place.write()
            let id = try #require(place.layout.experts.randomElement(using: &random))
            let extent = try #require(place.layout.extent(of: id))
            try place.flipBit(at: Int.random(in: extent, using: &random))
            let store = try place.open()
            for other in place.layout.experts where other != id {
                _ = try Self.read(other, from: store)
            }
            #expect { try Self.read(id, from: store) } throws: { error in
                guard case .damagedExpert(id, _)? = error as? StoreError else { return false }
                return true
            }
        }
    }

    @Test("Another model's file is refused, and so is one of the same header that was changed")
    func otherModel() throws {
        let place = try StoreInDirectory()
        try place.write()
        let file = try TinyModel().writeTemporary()
        let first = try StoreKey(ModelFile(path: file.path))
        #expect(try first == StoreKey(ModelFile(path: file.path)))
        #expect(first != place.key)
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_000_000)],
            ofItemAtPath: file.path
        )
        let second = try StoreKey(ModelFile(path: file.path))
        #expect(first != second)
        #expect(throws: StoreError.self) {
            try PackedStore(path: place.path, key: second, layout: place.layout)
        }
    }

    @Test("A model that was changed is another one, even where its time was set back")
    func timeSetBack() throws {
        let file = try TinyModel().writeTemporary()
        func change() throws -> StoreKey {
            let handle = try FileHandle(forUpdating: URL(filePath: file.path))
            try handle.seek(toOffset: handle.seekToEnd() - 1)
            try handle.write(contentsOf: Data([7]))
            try handle.close()
            // As tools do that copy one file over another together with its times.
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1_000_000)],
                ofItemAtPath: file.path
            )
            return try StoreKey(ModelFile(path: file.path))
        }
        let first = try change()
        // The system's clock for files stands still for some milliseconds at a time.
        var second = first
        for _ in 0..<100_000 where second == first { second = try change() }
        #expect(second != first)
    }

    @Test("Who finds a file damaged takes its name away, but not that of one made anew meanwhile")
    func discarded() throws {
        let place = try StoreInDirectory()
        try place.write()
        let old = try place.open()
        old.discard()
        #expect(!FileManager.default.fileExists(atPath: place.path))
        try place.write()
        // The old one stays open, so that the new one has another number.
        old.discard()
        #expect(FileManager.default.fileExists(atPath: place.path))
        try place.open().discard()
        #expect(!FileManager.default.fileExists(atPath: place.path))
    }

    @Test("A writer that ends early leaves nothing under the name")
    func unfinished() throws {
        let place = try StoreInDirectory()
        do {
            let writer = try place.writer(count: 3)
            #expect(writer.next == place.layout.experts[3])
        }
        #expect { try place.open() } throws: { error in
            guard case .file(let cause)? = error as? StoreError else { return false }
            return cause.isMissingFile
        }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: place.cache.path + "/packed")
                .isEmpty
        )
    }

    @Test("What a killed maker left is seen until the next one removes it")
    func leftovers() throws {
        let place = try StoreInDirectory()
        let left = place.path + ".part-abc"
        #expect(FileManager.default.createFile(atPath: left, contents: Data(count: 5000)))
        #expect(try place.cache.entries().map(\.stage) == [.unfinished])
        let result = try place.cache.whileMakingPacked(
            failure: { $0 },
            { () throws(ExpertCacheError) in 7 }
        )
        #expect(result == 7)
        #expect(!FileManager.default.fileExists(atPath: left))
    }

    @Test("Packed experts count against the cache's limit, and the oldest give way")
    func room() throws {
        let place = try StoreInDirectory(byteLimit: 1 << 20)
        try place.write()
        let size = place.layout.byteCount
        #expect(try place.cache.entries().map(\.stage) == [.packed])
        let other = ExpertDigest(bytes: Array(repeating: 7, count: 32))
        #expect(try place.cache.makeRoom(forPacked: other, byteCount: (1 << 20) - size) == nil)
        #expect(try place.cache.entries().count == 1)
        #expect(try place.cache.makeRoom(forPacked: other, byteCount: 2 << 20) == 1 << 20)
        #expect(try place.cache.makeRoom(forPacked: other, byteCount: 1 << 20) == nil)
        #expect(try place.cache.entries().isEmpty)
    }

    @Test("Packed experts that somebody reads stay")
    func inUse() throws {
        let place = try StoreInDirectory(byteLimit: 1 << 20)
        try place.write()
        let store = try place.open()
        #expect(try place.cache.digestsInUse() == [place.key.digest])
        #expect(try place.cache.prune(to: 0).isEmpty)
        withExtendedLifetime(store) {}
    }
}
