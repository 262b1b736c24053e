import Cluster
import ClusterTesting
import Coordinator
import Foundation
import Model
import Placement
import Testing
import Wire

@Suite("When counts are written")
struct KeepingPaceTests {
    private static let start = Instant(nanoseconds: 0)
    private static let pause = Duration.seconds(60)

    @Test("An interval after the first rows that no file has, and not before")
    func interval() {
        var pace = KeepingPace(interval: Self.pause)
        #expect(pace.deadline == nil && !pace.isDue(now: .distantFuture) && !pace.isBehind)
        pace.onRows(byteCount: 1000, now: Self.start)
        pace.onRows(byteCount: 1000, now: Self.start + .seconds(59))
        #expect(pace.isBehind && !pace.isDue(now: Self.start + .seconds(59)))
        let due = Self.start + Self.pause
        #expect(pace.deadline == due && pace.isDue(now: due))
        pace.onHandedOver(isTaken: true, now: due)
        #expect(!pace.isBehind && !pace.isDue(now: .distantFuture))
        pace.onRows(byteCount: 1000, now: due)
        #expect(pace.deadline == due + Self.pause)
    }

    @Test("Again an interval later where whoever writes was busy")
    func busy() {
        var pace = KeepingPace(interval: Self.pause)
        pace.onRows(byteCount: 1000, now: Self.start)
        let due = Self.start + Self.pause
        pace.onHandedOver(isTaken: false, now: due)
        #expect(pace.isBehind && pace.deadline == due + Self.pause)
    }

    @Test("Less often where tables are large, so that a disk gets so many bytes at most")
    func large() {
        func deadline(_ byteCount: Int) -> Instant? {
            var pace = KeepingPace(interval: Self.pause)
            pace.onRows(byteCount: byteCount, now: Self.start)
            return pace.deadline
        }
        let one = KeepingPace.byteCount
        #expect(deadline(0) == Self.start + Self.pause)
        #expect(deadline(one) == Self.start + Self.pause)
        #expect(deadline(one + 1) == Self.start + Self.pause * 2)
        #expect(deadline(16 * one) == Self.start + Self.pause * 16)
    }

    @Test("The log has the first write that fails, and the first that works again")
    func story() {
        var story = WritingStory()
        #expect(story.onWrite(failure: nil) == nil)
        #expect(story.onWrite(failure: "full") == .fails("full"))
        #expect(story.onWrite(failure: "full") == nil)
        #expect(story.onWrite(failure: "read-only") == nil)
        #expect(story.onWrite(failure: nil) == .works)
        #expect(story.onWrite(failure: nil) == nil)
    }
}

/// Its form is tested with `KeptCounts`.
@Suite("A coordinator's next life knows what routers chose", .serialized, .timeLimit(.minutes(10)))
struct CountsKeepingTests {
    private static func job(_ task: String?, count: Int) -> Submit {
        var job = Demo.greedyJob(count)
        job.task = task
        return job
    }

    /// Where a stopped coordinator of a cluster has left its counts.
    private static func file(of cluster: InProcessCluster) -> URL {
        URL(filePath: "\(cluster.stateDirectory)/\(CountsFile.name)")
    }

    /// One life in which a job of task `code` runs; what was counted at its end.
    private static func firstLife(
        of cluster: InProcessCluster
    ) async throws -> ProfileOverview {
        let daemons = [try cluster.coordinator(), try cluster.worker(.init("alpha"))]
        return try await cluster.running(daemons) {
            _ = try await cluster.client.run(job("code", count: 12))
            return try await cluster.client.overview()
        }
    }

    @Test("After it was stopped, to the row and to the step")
    func stopped() async throws {
        try await InProcessCluster.prepare(.demo(["alpha"])) { cluster in
            let before = try await Self.firstLife(of: cluster)
            #expect(before.rowCount > 12 && before.sampleCount >= 12)
            // Nobody works in the next life, which knows it all the same.
            let after = try await cluster.running([cluster.coordinator()]) {
                try await cluster.client.overview()
            }
            #expect(after.tasks.map(\.name) == ["code"])
            #expect(abs(after.rowCount - before.rowCount) < 1e-6)
            #expect(abs(after.tasks[0].rowCount - before.tasks[0].rowCount) < 1e-6)
            #expect(after.sampleCount == before.sampleCount)
            // It goes on from there, and hands on what it adds.
            let third = try await Self.firstLife(of: cluster)
            #expect(third.tasks.map(\.name) == ["code"])
            #expect(abs(third.rowCount - 2 * before.rowCount) < 0.1)
            #expect(third.sampleCount == 2 * before.sampleCount)
        }
    }

    @Test("Workers that come after it load what was used before it, before anybody asks")
    func idleLoads() async throws {
        var worker = InProcessCluster.Worker("alpha")
        worker.settings = ["worker.memory": "1TB"]
        var setup = InProcessCluster.Setup.demo(["alpha"])
        setup.workers = [worker]
        try await InProcessCluster.prepare(setup) { [worker] cluster in
            for life in 1...2 {
                try await cluster.running([cluster.coordinator(), cluster.worker(worker)]) {
                    let client = cluster.client
                    if life == 1 {
                        _ = try await client.generate(Demo.prompt, maximumTokens: 24)
                    } else {
                        try await client.nodes { $0.contains { $0.supply.idleLoads > 0 } }
                    }
                }
            }
        }
    }

    @Test("Nothing, where its file is damaged, cut off or no file; then counting begins anew")
    func damaged() async throws {
        try await InProcessCluster.prepare(.demo(["alpha"])) { cluster in
            let before = try await Self.firstLife(of: cluster)
            let file = Self.file(of: cluster)
            let bytes = try Data(contentsOf: file)
            var changed = bytes
            changed[bytes.count / 2] ^= 1
            for other in [changed, bytes.prefix(bytes.count / 3), Data(), Data("{}".utf8)] {
                try other.write(to: file)
                let life = try await Self.firstLife(of: cluster)
                #expect(abs(life.rowCount - before.rowCount) < 1e-6)
                #expect(try Data(contentsOf: file).count == bytes.count)
            }
            try FileManager.default.removeItem(at: file)
            try FileManager.default.createDirectory(at: file, withIntermediateDirectories: true)
            // It serves, though it can neither read nor write.
            let life = try await Self.firstLife(of: cluster)
            #expect(abs(life.rowCount - before.rowCount) < 1e-6)
        }
    }

    @Test("Nothing, where none are to be kept")
    func off() async throws {
        var setup = InProcessCluster.Setup.demo(["alpha"])
        setup.settings = ["coordinator.profile-save-interval": "0s"]
        try await InProcessCluster.prepare(setup) { cluster in
            _ = try await Self.firstLife(of: cluster)
            #expect(!FileManager.default.fileExists(atPath: Self.file(of: cluster).path))
        }
    }

    @Test("The file is of one model, and what killed writers have left is removed")
    func file() async throws {
        try await InProcessCluster.prepare(.demo(["alpha"])) { cluster in
            _ = try await Self.firstLife(of: cluster)
            let state = try StateDirectory(path: cluster.stateDirectory)
            let model = try WholeModel.demo
            func found(of identity: ModelIdentity) -> CountsFile.Found {
                CountsFile(in: state, of: identity, model.description).read()
            }
            let identity = try model.file.identity()
            guard case .counts(let kept) = found(of: identity) else {
                return #expect(Bool(false), "\(found(of: identity))")
            }
            #expect(kept.rows > 12 && kept.tasks.map(\.name) == [nil, "code"])
            let other = ModelIdentity(
                fileByteCount: identity.fileByteCount + 1,
                headerDigest: identity.headerDigest
            )
            guard case .foreign(let reason) = found(of: other) else {
                return #expect(Bool(false), "\(found(of: other))")
            }
            #expect(reason.contains("another model"), "\(reason)")

            let remains = "\(cluster.stateDirectory)/\(CountsFile.name).part-1f"
            try Data("rest".utf8).write(to: URL(filePath: remains))
            let file = CountsFile(in: state, of: identity, model.description)
            try file.removeRemains()
            #expect(!FileManager.default.fileExists(atPath: remains))
            try FileManager.default.removeItem(atPath: Self.file(of: cluster).path)
            guard case .nothing = file.read() else {
                return #expect(Bool(false), "\(file.read())")
            }
        }
    }
}

extension TestClient {
    /// What was counted so far.
    fileprivate func overview() async throws -> ProfileOverview {
        let replies = try await exchange(.getProfile(GetProfile())) { _ in false }
        let overview: ProfileOverview? =
            if case .profileOverview(let overview) = replies.last { overview } else { nil }
        return try #require(overview, "\(replies)")
    }
}
