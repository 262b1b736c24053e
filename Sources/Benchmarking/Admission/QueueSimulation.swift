public import Generation
import Model

/// A machine that answers requests of several tasks, simulated step by step, to compare orders of
/// admission.
///
/// Who is let in when, and what runs in a step, is decided by the coordinator's own scheduler, with
/// what it learns of steps and answers on the way. Nothing is computed: a step takes a time, and
/// each of its rows another.
public struct QueueSimulation: Sendable {
    /// What requests of one task are like.
    public struct Task: Hashable, Sendable {
        public let name: String
        /// Means of exponential draws.
        public let inputTokens: Double
        public let outputTokens: Double
        /// How soon the first token is wished, and each further one on the mean.
        public let firstToken: Duration
        public let eachToken: Duration

        public init(
            name: String,
            inputTokens: Double,
            outputTokens: Double,
            firstToken: Duration,
            eachToken: Duration
        ) {
            self.name = name
            self.inputTokens = inputTokens
            self.outputTokens = outputTokens
            self.firstToken = firstToken
            self.eachToken = eachToken
        }
    }

    struct Arrival: Sendable {
        let time: Duration
        let task: Int
        let inputTokens: Int
        let outputTokens: Int
    }

    public let tasks: [Task]
    /// Of a step, beside what its rows take.
    public let stepTime: Duration
    public let rowTime: Duration

    /// Five tasks as in the paper, with lengths of the kind that their data sets have.
    public static let fiveTasks = [
        Task("sum", 430, 60, .seconds(10)), Task("clsfy", 40, 3, .seconds(2)),
        Task("qa", 160, 12, .seconds(4)), Task("comp", 30, 3, .seconds(2)),
        Task("conv", 60, 180, .seconds(10)),
    ]

    public init(
        tasks: [Task] = QueueSimulation.fiveTasks,
        stepTime: Duration = .milliseconds(8),
        rowTime: Duration = .milliseconds(4)
    ) {
        precondition(!tasks.isEmpty, "no tasks")
        self.tasks = tasks
        self.stepTime = stepTime
        self.rowTime = rowTime
    }

    /// Requests per second that first come, first served just keeps up with: when all wait from the
    /// beginning, so many leave.
    public func saturatingRate(requestCount: Int, seed: UInt64) -> Double {
        let arrivals = arrivals(requestCount, rate: .infinity, seed: seed)
        var machine = SimulatedMachine(self, order: .arrival, arrivals: arrivals)
        machine.run()
        return Double(requestCount) / machine.seconds
    }

    /// Poisson arrivals, of a task drawn evenly each.
    public func run(
        _ order: Scheduler.Admission,
        rate: Double,
        requestCount: Int,
        seed: UInt64
    ) -> QueueResult {
        precondition(rate > 0 && requestCount > 0, "\(requestCount) requests at \(rate)/s")
        let arrivals = arrivals(requestCount, rate: rate, seed: seed)
        var machine = SimulatedMachine(self, order: order, arrivals: arrivals)
        machine.run()
        return machine.result
    }

    private func arrivals(_ count: Int, rate: Double, seed: UInt64) -> [Arrival] {
        var random = SeededRandom(seed: seed)
        var time = 0.0
        return (0..<count).map { _ in
            time += random.exponential(mean: 1 / rate)
            let index = Int(random.unit() * Double(tasks.count))
            let task = tasks[index]
            return Arrival(
                time: .seconds(time),
                task: index,
                inputTokens: 1 + Int(random.exponential(mean: task.inputTokens)),
                outputTokens: 1 + Int(random.exponential(mean: task.outputTokens))
            )
        }
    }
}

extension QueueSimulation.Task {
    /// One whose tokens are wished every fifth of a second: one and a half times what they take
    /// where first come, first served just keeps up.
    fileprivate init(
        _ name: String,
        _ inputTokens: Double,
        _ outputTokens: Double,
        _ firstToken: Duration
    ) {
        self.init(
            name: name,
            inputTokens: inputTokens,
            outputTokens: outputTokens,
            firstToken: firstToken,
            eachToken: .milliseconds(200)
        )
    }
}

/// How long requests took.
public struct QueueResult: Hashable, Sendable {
    /// In seconds, in order of arrival.
    public let latencies: [Double]
    /// Which part of the requests met their objectives.
    public let attainment: Double
    /// How many had to wait so that others meet theirs.
    public let heldBackCount: Int

    public var mean: Double { latencies.reduce(0, +) / Double(latencies.count) }

    public var p99: Double {
        latencies.sorted()[min(latencies.count - 1, latencies.count * 99 / 100)]
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
