public import Generation

/// Who meets its objective, and how long requests take, under each order of admission: at several
/// rates, and with objectives that are stricter or laxer.
public struct AdmissionBenchmark {
    /// What one order made of one queue.
    public struct Figure: Sendable {
        /// The rate as a part of the one that first come, first served just keeps up with.
        public let load: Double
        /// Requests per second.
        public let rate: Double
        /// What the tasks' objectives were multiplied by.
        public let scale: Double
        public let order: Scheduler.Admission
        /// In seconds, as `p99`.
        public let mean: Double
        public let p99: Double
        /// Which part of the requests met their objectives.
        public let attainment: Double
    }

    public static let loads = [0.5, 0.6, 0.7, 0.8, 0.9, 1]
    public static let scales = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4]
    /// The load at which objectives are varied.
    public static let scaledLoad = 0.8

    private let requestCount: Int
    private let seed: UInt64

    /// - Parameters:
    ///   - requestCount: of each queue, one at least.
    ///   - seed: of lengths and arrivals.
    public init(requestCount: Int, seed: UInt64) {
        self.requestCount = requestCount
        self.seed = seed
    }

    /// All orders, at each rate.
    public func byLoad(progress: (String) -> Void = { _ in }) -> [Figure] {
        run(Self.loads.map { (load: $0, scale: 1) }, progress)
    }

    /// All orders, with stricter and laxer objectives, at one rate.
    public func byScale(progress: (String) -> Void = { _ in }) -> [Figure] {
        run(Self.scales.map { (load: Self.scaledLoad, scale: $0) }, progress)
    }

    private func run(
        _ cases: [(load: Double, scale: Double)],
        _ progress: (String) -> Void
    ) -> [Figure] {
        // Who comes first does not ask for objectives, so their scale does not matter here.
        let most = QueueSimulation().saturatingRate(requestCount: requestCount, seed: seed)
        return cases.flatMap { load, scale in
            let simulation = QueueSimulation(
                tasks: QueueSimulation.fiveTasks.map { $0.scalingObjectives(by: scale) }
            )
            return Scheduler.Admission.allCases.map { order in
                progress("load \(load), objectives by \(scale), \(order.name)")
                let result = simulation.run(
                    order,
                    rate: load * most,
                    requestCount: requestCount,
                    seed: seed
                )
                return Figure(
                    load: load,
                    rate: load * most,
                    scale: scale,
                    order: order,
                    mean: result.mean,
                    p99: result.p99,
                    attainment: result.attainment
                )
            }
        }
    }
}

extension Scheduler.Admission {
    /// As tables and figures have it.
    public var name: String {
        switch self {
        case .arrival: "first come, first served"
        case .objectives: "objectives"
        }
    }
}

extension QueueSimulation.Task {
    fileprivate func scalingObjectives(by scale: Double) -> Self {
        Self(
            name: name,
            inputTokens: inputTokens,
            outputTokens: outputTokens,
            firstToken: firstToken * scale,
            eachToken: eachToken * scale
        )
    }
}

extension SharePlot {
    /// Requests that met their objectives, by order of admission.
    ///
    /// - Parameter x: what of a figure they are drawn against, and `axis` what that is.
    public init(
        attainment title: String,
        _ figures: [AdmissionBenchmark.Figure],
        against x: KeyPath<AdmissionBenchmark.Figure, Double>,
        axis: String
    ) {
        let lines = Scheduler.Admission.allCases.map { order in
            Line(
                name: order.name,
                points: figures.filter { $0.order == order }.map {
                    Point(x: $0[keyPath: x], share: $0.attainment)
                }
            )
        }
        self.init(title, axis: axis, lines: lines)
    }
}
