import Cluster
import ClusterTesting
import Foundation
import Model
import Placement
import Tensors
import Testing
import Wire
import Worker

@Suite("A worker and its memory", .timeLimit(.minutes(10)))
struct MemoryTests {
    @Test("Further experts that do not fit are refused, and what is held stays and computes")
    func refused() async throws {
        let model = try WholeModel.demo.file
        let experts = (0..<8).map { ExpertID(layer: LayerIndex(0), index: $0) }
        let byteCount = model.expertByteCount(LayerIndex(0))
        // Two fit, all eight do not.
        let megabytes = (3 * byteCount + 999_999) / 1_000_000
        try #require(8 * byteCount > megabytes * 1_000_000)
        let settings = ["worker.memory-megabytes": "\(megabytes)"]
        try await besideWorker(WholeModel.demoPath, settings: settings) { coordinator in
            try coordinator.assign(Array(experts.prefix(2)), of: model)
            let answer = try coordinator.reassign(experts, epoch: 2, of: model)
            guard case .loadFailed(let failure) = answer else {
                Issue.record("it loaded them")
                return
            }
            #expect(failure.code == .outOfMemory && failure.epoch.rawValue == 2)
            #expect(failure.text.contains("6 further experts need"), "\(failure.text)")
            let again = try coordinator.reassign(Array(experts.prefix(2)), epoch: 1, of: model)
            guard case .loaded = again else {
                Issue.record("it does not hold what it held")
                return
            }
        }
    }

    @Test("Heartbeats of a lossy worker say in how many bits it has experts", arguments: [2, 4])
    func lowTier(bitCount: Int) async throws {
        let model = try WholeModel.demo.file
        let cache = try TemporaryFile("cache")
        let settings = [
            "worker.memory": "1TB", "worker.cache-directory": cache.path,
            "worker.lossy": "hobbit", "worker.low-tier": "q\(bitCount)",
        ]
        try await besideWorker(WholeModel.demoPath, settings: settings) { coordinator in
            try coordinator.assign([ExpertID(layer: LayerIndex(0), index: 0)], of: model)
            try coordinator.heartbeat { $0.supply.lowBitCount == UInt32(bitCount) }
        }
    }

    @Test("Within a budget experts stay on disk, and heartbeats say so")
    func budget() async throws {
        let model = try WholeModel.demo.file
        let cache = try TemporaryFile("cache")
        let settings = ["worker.memory": "1TB", "worker.cache-directory": cache.path]
        try await besideWorker(WholeModel.demoPath, settings: settings) { coordinator in
            let experts = (0..<8).map { ExpertID(layer: LayerIndex(0), index: $0) }
            try coordinator.assign(experts, of: model)
            try coordinator.heartbeat {
                $0.supply.memoryBudget == 1_000_000_000_000 && $0.supply.fromFile == 8
                    && $0.supply.lowBitCount == 0
            }
        }
        let packed = try FileManager.default.contentsOfDirectory(atPath: cache.path + "/packed")
        #expect(packed.count == 1)
    }

    @Test("What a hint names is on its way before a share asks for it; one that lies is dropped")
    func hints() async throws {
        let model = try WholeModel.demo.file
        let cache = try TemporaryFile("cache")
        let settings = ["worker.memory": "1TB", "worker.cache-directory": cache.path]
        try await besideWorker(WholeModel.demoPath, settings: settings) { coordinator in
            let experts = (0..<8).map { ExpertID(layer: LayerIndex(0), index: $0) }
            try coordinator.assign(experts, of: model)
            func hint(_ layer: Int, _ experts: [UInt32], distance: Int = 1) throws {
                let hint = Hint(layer: LayerIndex(layer), distance: distance, experts: experts)
                try coordinator.send(DataMessage.hint(hint).encode())
            }
            try hint(200, [0])
            // Of what it does not hold, does not exist, or is too far ahead it makes nothing.
            try hint(1, [5])
            try hint(0, [.max, 99])
            try hint(0, [6], distance: 900)
            try hint(0, [])
            try hint(0, [5, .max, 5])
            let width = try WholeModel.demo.description.hiddenSize
            let share = Share(
                id: coordinator.nextShareID(),
                attempt: 1,
                epoch: Epoch(rawValue: 1),
                layer: LayerIndex(0),
                activations: Activations(
                    quants: Array(repeating: 1, count: width),
                    scales: Array(repeating: 1, count: width / Activations.blockLength),
                    width: width
                ),
                pairRows: [0, 0],
                pairExperts: [5, 6],
                pairWeights: [0.5, 0.5]
            )
            try coordinator.send(DataMessage.share(share).encode())
            guard case .partialRows = try coordinator.answer() else {
                Issue.record("the share was not computed")
                return
            }
            try coordinator.heartbeat {
                $0.supply.storedUses == 2 && $0.supply.storedForeseen == 1
                    && $0.supply.storedHits == 0 && $0.drops[.malformed] == 1
                    && $0.supply.guesses == SIMD4(0, 1, 0, 0)
                    && $0.supply.rightGuesses == SIMD4(0, 1, 0, 0)
            }
        }
    }

    @Test("What an outlook names is in memory before a share asks for it; nonsense is not")
    func outlook() async throws {
        let model = try WholeModel.demo.file
        let cache = try TemporaryFile("cache")
        let settings = ["worker.memory": "1TB", "worker.cache-directory": cache.path]
        try await besideWorker(WholeModel.demoPath, settings: settings) { coordinator in
            func expert(_ layer: Int, _ index: Int) -> ExpertID {
                ExpertID(layer: LayerIndex(layer), index: index)
            }
            try coordinator.assign((0..<8).map { expert(0, $0) }, of: model)
            // It does not hold 1/5, and others there are none.
            let named = [
                expert(.max, 0), expert(0, 5), expert(0, 99), expert(0, .max), expert(1, 5),
                expert(0, 6), expert(0, 5),
            ]
            try coordinator.send(DataMessage.outlook(Outlook(named)).encode())
            try coordinator.heartbeat { $0.supply.idleLoads == 2 && $0.supply.idleUses == 0 }
            let width = try WholeModel.demo.description.hiddenSize
            let share = Share(
                id: coordinator.nextShareID(),
                attempt: 1,
                epoch: Epoch(rawValue: 1),
                layer: LayerIndex(0),
                activations: Activations(
                    quants: Array(repeating: 1, count: 2 * width),
                    scales: Array(repeating: 1, count: 2 * width / Activations.blockLength),
                    width: width
                ),
                pairRows: [0, 0, 1],
                pairExperts: [5, 6, 7],
                pairWeights: [0.5, 0.5, 0.5]
            )
            try coordinator.send(DataMessage.share(share).encode())
            guard case .partialRows = try coordinator.answer() else {
                Issue.record("the share was not computed")
                return
            }
            try coordinator.heartbeat {
                // Those that the share has overtaken were on their way.
                $0.supply.storedUses == 3
                    && $0.supply.storedHits + $0.supply.storedForeseen == 2
                    && $0.supply.idleLoads == 2 && $0.supply.idleUses == 2
                    && $0.drops[.malformed] == 0
            }
        }
    }

    @Test("A pace says how long reading takes at least")
    func pace() {
        #expect(Pace(bytesPerSecond: 0).time(of: .max) == .zero)
        #expect(Pace(bytesPerSecond: 1000).time(of: 500) == .milliseconds(500))
        #expect(Pace(bytesPerSecond: 1000).time(of: -1) == .zero)
    }
}
