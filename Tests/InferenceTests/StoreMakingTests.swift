import Caching
import ClusterTesting
import ExpertStore
import Experts
import Foundation
import Model
import Storage
import Tensors
import Testing

/// Several processes that want the same packed experts at once.
@Suite("Packed experts that another process makes")
struct StoreMakingTests {
    /// A cache of its own, and a maker for it.
    private struct Place {
        let directory: TemporaryFile
        let cache: ExpertCache
        let maker: StoreMaker

        init(_ model: WholeModel, tier: LowTier? = nil) throws {
            directory = try TemporaryFile("cache")
            cache = try ExpertCache(path: directory.path, byteLimit: 1 << 30, spareByteCount: 0)
            maker = try StoreMaker(model.file, tier: tier, cache: cache)
        }

        /// What another process holds while it packs.
        func lock() throws -> LockFile {
            try #require(try LockFile(path: cache.path + "/packed.lock"))
        }
    }

    @Test("Who comes meanwhile waits, and finds what was made")
    func found() throws {
        let model = try TinyModel(seed: 6).wholeModel()
        let (made, place) = (try Place(model), try Place(model))
        let path = try made.maker.open().path
        let lock = try place.lock()
        var (looks, shares): (Int, [Double]) = (0, [])
        let store = try place.maker.open(
            isCancelled: {
                looks += 1
                // Made, and its maker has not let go yet.
                if looks == 2 {
                    try? FileManager.default.copyItem(atPath: path, toPath: place.maker.path)
                }
                return false
            },
            progress: { shares.append($0) }
        )
        #expect(store.path == place.maker.path && looks == 2)
        #expect(shares == [0, 0], "nothing grew")
        withExtendedLifetime(lock) {}
    }

    @Test("Where the other ends without having made it, who waited makes it")
    func madeInstead() throws {
        let place = try Place(try TinyModel(seed: 6).wholeModel())
        var lock: LockFile? = try place.lock()
        var looks = 0
        let store = try place.maker.open(isCancelled: {
            looks += 1
            lock = nil
            return false
        })
        #expect(lock == nil && looks > 1)
        #expect(store.path == place.maker.path)
    }

    @Test("Who is cancelled waits no longer")
    func cancelled() throws {
        let place = try Place(try TinyModel(seed: 6).wholeModel())
        let lock = try place.lock()
        #expect {
            try place.maker.open(isCancelled: { true })
        } throws: { error in
            guard case .model(.cancelled)? = error as? StoreError else { return false }
            return true
        }
        withExtendedLifetime(lock) {}
    }

    @Test("Who makes it is told how large it becomes, and where; who finds it is told nothing")
    func told() throws {
        let place = try Place(try TinyModel(seed: 6).wholeModel())
        var told: [Int] = []
        for _ in 0..<2 {
            _ = try place.maker.open(onMaking: { byteCount, path in
                #expect(path == place.maker.path)
                told.append(byteCount)
            })
        }
        let attributes = try FileManager.default.attributesOfItem(atPath: place.maker.path)
        let size = try #require(attributes[.size] as? Int)
        #expect(told == [size])
    }

    @Test("No more experts are in memory at once while they are rounded than there is memory for")
    func atOnce() throws {
        let model = try TinyModel(seed: 6).wholeModel()
        let count = try StoreLayout(model.file.layout).expertCount
        for most in [1, 3, 0] {
            let place = try Place(model, tier: .q4)
            var done = [0]
            _ = try place.maker.open(
                mostAtOnce: most,
                progress: { done.append(Int(($0 * Double(count)).rounded())) }
            )
            #expect(done.last == count)
            for (before, after) in zip(done, done.dropFirst()) {
                #expect(after - before <= max(1, most))
            }
        }
    }

    @Test("A budget has room for that many of the low tier")
    func roundedAtOnce() throws {
        let model = try TinyModel(seed: 6).wholeModel()
        let low = try StoreLayout(model.file.layout.lowered(to: .q4))
        for mode in [LossyMode.resident, .hobbit(LoadThresholds())] {
            let options = TierOptions(mode: mode, tier: .q4)
            for room in [0, 1, 3] {
                let byteCount = 1000 + room * low.slotByteCount
                let budget = try TierBudget(byteCount, of: model.file, options, fixed: 1000)
                #expect(budget.mostLow == room)
            }
        }
    }

    @Test("Another is waited for as long as what it makes grows")
    func patience() {
        var watch = PackingWatch()
        let start = ContinuousClock.now
        let isGettingOn = [0, 10, 10, 20, 30, 30, 30, 0].enumerated().map { turn, byteCount in
            watch.isGettingOn(byteCount: byteCount, now: start + PackingWatch.patience / 2 * turn)
        }
        // At last its file was removed: somebody else begins.
        #expect(isGettingOn == [true, true, true, true, true, true, false, true])
    }
}
