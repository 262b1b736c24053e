import Model

/// A machine that answers requests of several tasks, simulated step by step, to compare orders of
/// admission.
///
/// A step reads the prompts that came in and makes one token of each running answer; it takes a
/// fixed time and more for each token. Where a task comes in of which nobody runs, its experts are
/// loaded first.
public struct QueueSimulation: Sendable {
    /// Who is let in when.
    public enum Order: Hashable, Sendable, CaseIterable {
        case firstComeFirstServed, objectives
    }

    /// What requests of one task are like.
    public struct Task: Hashable, Sendable {
        public let name: String
        /// Means of exponential draws.
        public let inputTokens: Double
        public let outputTokens: Double
        public let objective: Duration

        public init(name: String, inputTokens: Double, outputTokens: Double, objective: Duration) {
            self.name = name
            self.inputTokens = inputTokens
            self.outputTokens = outputTokens
            self.objective = objective
        }
    }

    struct Arrival: Sendable {
        let time: Double
        let task: Int
        let inputTokens: Int
        let outputTokens: Int
    }

    public let tasks: [Task]
    public let model: AdmissionModel
    /// Of a step, beside what its tokens take.
    public let stepTime: Duration

    /// Five tasks as in the paper, with lengths of the kind that their data sets have.
    public static let fiveTasks = [
        Task(name: "sum", inputTokens: 430, outputTokens: 60, objective: .seconds(12)),
        Task(name: "clsfy", inputTokens: 40, outputTokens: 3, objective: .seconds(2)),
        Task(name: "qa", inputTokens: 160, outputTokens: 12, objective: .seconds(4)),
        Task(name: "comp", inputTokens: 30, outputTokens: 3, objective: .seconds(2)),
        Task(name: "conv", inputTokens: 60, outputTokens: 180, objective: .seconds(20)),
    ]

    public init(
        tasks: [Task] = QueueSimulation.fiveTasks,
        model: AdmissionModel = AdmissionModel(
            loading: .milliseconds(150),
            perToken: .milliseconds(4),
            tokenLimit: 1024
        ),
        stepTime: Duration = .milliseconds(8)
    ) {
        precondition(!tasks.isEmpty, "no tasks")
        self.tasks = tasks
        self.model = model
        self.stepTime = stepTime
    }

    /// Requests per second that first come, first served just keeps up with: when all wait from the
    /// beginning, so many leave.
    public func saturatingRate(requestCount: Int, seed: UInt64) -> Double {
        let arrivals = arrivals(requestCount, rate: .infinity, seed: seed)
        var machine = SimulatedMachine(self, order: .firstComeFirstServed, arrivals: arrivals)
        machine.run()
        return Double(requestCount) / machine.now
    }

    /// Poisson arrivals, of a task drawn evenly each.
    public func run(
        _ order: Order,
        rate: Double,
        requestCount: Int,
        seed: UInt64
    ) -> QueueResult {
        precondition(rate > 0 && requestCount > 0, "\(requestCount) requests at \(rate)/s")
        let arrivals = arrivals(requestCount, rate: rate, seed: seed)
        var machine = SimulatedMachine(self, order: order, arrivals: arrivals)
        machine.run()
        let objectives = arrivals.map { tasks[$0.task].objective / .seconds(1) }
        return QueueResult(latencies: machine.latencies, objectives: objectives)
    }

    private func arrivals(_ count: Int, rate: Double, seed: UInt64) -> [Arrival] {
        var random = SeededRandom(seed: seed)
        var time = 0.0
        return (0..<count).map { _ in
            time += random.exponential(mean: 1 / rate)
            let index = Int(random.unit() * Double(tasks.count))
            let task = tasks[index]
            return Arrival(
                time: time,
                task: index,
                inputTokens: 1 + Int(random.exponential(mean: task.inputTokens)),
                outputTokens: 1 + Int(random.exponential(mean: task.outputTokens))
            )
        }
    }
}

/// How long requests took.
public struct QueueResult: Hashable, Sendable {
    /// In seconds, in order of arrival.
    public let latencies: [Double]
    private let objectives: [Double]

    init(latencies: [Double], objectives: [Double]) {
        self.latencies = latencies
        self.objectives = objectives
    }

    public var mean: Double { latencies.reduce(0, +) / Double(latencies.count) }

    public var p99: Double {
        latencies.sorted()[min(latencies.count - 1, latencies.count * 99 / 100)]
    }

    /// Which part of the requests met their objectives.
    public var attainment: Double {
        Double(zip(latencies, objectives).count { $0 <= $1 }) / Double(latencies.count)
    }
}

extension SeededRandom {
    /// An exponential draw, at most 40 means.
    ///
    /// Without a logarithm, which would bring Foundation here: by comparing uniform draws, as von
    /// Neumann found.
    fileprivate mutating func exponential(mean: Double) -> Double {
        guard mean > 0 else { return 0 }
        for whole in 0..<40 {
            let first = unit()
            var last = first
            var isOdd = true
            while true {
                let next = unit()
                guard next < last else { break }
                last = next
                isOdd.toggle()
            }
            if isOdd { return mean * (Double(whole) + first) }
        }
        return mean * 40
    }
}
