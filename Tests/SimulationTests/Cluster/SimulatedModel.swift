import ClusterTesting
import Coordinator
import Experts
import Foundation
import Generation
import Inference
import Kernels
import Logging
import Messaging
import Model
import Placement
import Settings
import Tokenizer
import Wire
import Worker

/// The tiny model that all simulated clusters serve, opened once.
struct SimulatedModel: Sendable {
    let whole: WholeModel
    /// Of whole experts and of their halves.
    let weights: [ExpertSlice: FeedForwardWeights]
    let served: ServedModel
    private let identity: ModelIdentity

    private init() throws {
        let file = try TinyModel(seed: 5).writeTemporary()
        defer { withExtendedLifetime(file) {} }
        let state = try TemporaryFile("state")
        defer { withExtendedLifetime(state) {} }
        let settings = try CoordinatorSettings.load(
            commandLine: [
                "coordinator.model": file.path, "coordinator.state-directory": state.path,
                "coordinator.threads": "1",
            ],
            surroundings: .simulated
        )
        served = try ServedModel(
            settings: settings,
            state: StateDirectory(path: state.path),
            logger: Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        )
        identity = served.identity
        whole = try WholeModel(served.file)
        let parts = whole.held.all.flatMap { expert in
            [ExpertSlice(expert)] + Self.halves.map { ExpertSlice(expert, dimensions: $0) }
        }
        let loaded = try ExpertLoader(model: served.file, threadCount: 1).load(parts)
        weights = Dictionary(uniqueKeysWithValues: zip(parts, loaded))
    }

    /// How experts are cut, where they are.
    static let halves = [0..<32, 32..<64]

    /// Of all experts together.
    var expertByteCount: Int {
        whole.held.all.reduce(0) { $0 + served.file.byteCount(of: ExpertSlice($1)) }
    }

    static var shared: SimulatedModel {
        get throws { try opened.get() }
    }

    private static let opened = Result { try SimulatedModel() }

    func machine(_ name: WorkerName, memoryByteCount: UInt64) -> Machine {
        Machine(
            name: name,
            model: served.file,
            identity: identity,
            instructionSet: served.instructionSet,
            coordinator: .simulatedCoordinator,
            memoryByteCount: memoryByteCount
        )
    }
}

extension Endpoint {
    static let simulatedCoordinator: Endpoint = {
        do {
            return try Endpoint(CoordinatorHost.workerEndpoint)
        } catch {
            preconditionFailure("\(error)")
        }
    }()
}

extension Surroundings {
    /// No environment and no files of the machine that runs the tests.
    static var simulated: Surroundings {
        Surroundings(variables: ["HOME": "/nonexistent"], userIsRoot: false, hostName: "tests")
    }
}
