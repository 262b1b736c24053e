/// The machine of a `QueueSimulation` on its way through the arrivals.
struct SimulatedMachine {
    private let simulation: QueueSimulation
    private let order: QueueSimulation.Order
    private let arrivals: [QueueSimulation.Arrival]
    private(set) var now = 0.0
    /// Of each arrival, in seconds.
    private(set) var latencies: [Double]
    /// Arrivals that have come so far.
    private var comeCount = 0
    private var waiting: [Int] = []
    private var running: [Answer] = []

    private struct Answer {
        var request: RunningRequest
        let task: Int
        var tokensLeft: Int
    }

    init(
        _ simulation: QueueSimulation,
        order: QueueSimulation.Order,
        arrivals: [QueueSimulation.Arrival]
    ) {
        self.simulation = simulation
        self.order = order
        self.arrivals = arrivals
        latencies = Array(repeating: 0, count: arrivals.count)
    }

    mutating func run() {
        while comeCount < arrivals.count || !waiting.isEmpty || !running.isEmpty {
            if waiting.isEmpty, running.isEmpty { now = max(now, arrivals[comeCount].time) }
            while comeCount < arrivals.count, arrivals[comeCount].time <= now {
                waiting.append(comeCount)
                comeCount += 1
            }
            step(admitting: admitted())
        }
    }

    private func admitted() -> [Int] {
        guard !waiting.isEmpty else { return [] }
        switch order {
        case .firstComeFirstServed:
            var tokens = running.reduce(0) { $0 + $1.request.inputTokens }
            var isFirst = running.isEmpty
            return Array(
                waiting.prefix { id in
                    tokens += arrivals[id].inputTokens
                    defer { isFirst = false }
                    return isFirst || tokens < simulation.model.tokenLimit
                }
            )
        case .objectives:
            let requests = waiting.map { id in
                let arrival = arrivals[id]
                let task = simulation.tasks[arrival.task]
                return WaitingRequest(
                    id: id,
                    inputTokens: arrival.inputTokens,
                    expectedTokens: task.outputTokens,
                    objective: task.objective,
                    waited: .seconds(now - arrival.time)
                )
            }
            return simulation.model.admit(requests, beside: running.map(\.request))
        }
    }

    private mutating func step(admitting ids: [Int]) {
        var seconds = simulation.stepTime / .seconds(1)
        var tokens = 0
        for id in ids {
            let arrival = arrivals[id]
            let task = simulation.tasks[arrival.task]
            if !running.contains(where: { $0.task == arrival.task }) {
                seconds += simulation.model.loading / .seconds(1)
            }
            tokens += arrival.inputTokens
            let request = RunningRequest(
                id: id,
                inputTokens: arrival.inputTokens,
                expectedTokens: task.outputTokens,
                objective: task.objective,
                elapsed: .seconds(now - arrival.time)
            )
            running.append(
                Answer(request: request, task: arrival.task, tokensLeft: arrival.outputTokens)
            )
        }
        waiting.removeAll { ids.contains($0) }
        tokens += running.count
        seconds += Double(tokens) * (simulation.model.perToken / .seconds(1))
        now += seconds
        for index in running.indices {
            running[index].request.elapsed += .seconds(seconds)
            running[index].request.step()
            running[index].tokensLeft -= 1
            guard running[index].tokensLeft <= 0 else { continue }
            let id = running[index].request.id
            latencies[id] = now - arrivals[id].time
        }
        running.removeAll { $0.tokensLeft <= 0 }
    }
}
