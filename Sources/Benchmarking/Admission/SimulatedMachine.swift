import Generation

/// The machine of a `QueueSimulation` on its way through the arrivals.
struct SimulatedMachine {
    private let simulation: QueueSimulation
    private let arrivals: [QueueSimulation.Arrival]
    private var scheduler: Scheduler
    private var lengths = AnswerLengths()
    /// Arrivals that have come so far.
    private var comeCount = 0
    /// Of each arrival.
    private var courses: [Course]

    private struct Course {
        var rowsLeft: Int
        var tokensLeft: Int
        var firstToken: Duration?
        var lastToken = Duration.zero
    }

    /// What answers have at most: forty means of the longest.
    private static let longestAnswer = 8192

    init(
        _ simulation: QueueSimulation,
        order: Scheduler.Admission,
        arrivals: [QueueSimulation.Arrival]
    ) {
        self.simulation = simulation
        self.arrivals = arrivals
        var limits = Scheduler.Limits()
        limits.admission = order
        limits.queuedSequences = arrivals.count
        scheduler = Scheduler(limits: limits)
        courses = arrivals.map { Course(rowsLeft: $0.inputTokens, tokensLeft: $0.outputTokens) }
    }

    /// When it was last busy.
    var seconds: Double { scheduler.now / .seconds(1) }

    mutating func run() {
        while comeCount < arrivals.count || !scheduler.isIdle {
            if scheduler.isIdle { scheduler.advance(to: arrivals[comeCount].time) }
            while comeCount < arrivals.count, arrivals[comeCount].time <= scheduler.now {
                come(comeCount)
                comeCount += 1
            }
            while scheduler.hasSlot, let next = scheduler.chooseNext() { scheduler.start(next) }
            step()
        }
    }

    private mutating func come(_ index: Int) {
        let arrival = arrivals[index]
        let task = simulation.tasks[arrival.task]
        scheduler.add(
            UInt64(index),
            promptTokenCount: arrival.inputTokens,
            wish: Scheduler.Wish(
                firstToken: task.firstToken,
                eachToken: task.eachToken,
                answerLength: lengths.expected(of: task.name, atMost: Self.longestAnswer)
            )
        )
    }

    private mutating func step() {
        let slices = scheduler.nextStep()
        let rows = slices.reduce(0) { $0 + $1.tokenCount }
        let time = simulation.stepTime + simulation.rowTime * rows
        scheduler.advance(to: scheduler.now + time)
        scheduler.count(rows: rows, time: time)
        for slice in slices { take(slice) }
    }

    /// What is read makes a token.
    private mutating func take(_ slice: Scheduler.Slice) {
        let index = Int(slice.sequence)
        courses[index].rowsLeft -= slice.tokenCount
        guard courses[index].rowsLeft <= 0 else { return }
        courses[index].firstToken = courses[index].firstToken ?? scheduler.now
        courses[index].lastToken = scheduler.now
        courses[index].tokensLeft -= 1
        guard courses[index].tokensLeft <= 0 else {
            return scheduler.continueSequence(slice.sequence)
        }
        scheduler.remove(slice.sequence)
        let arrival = arrivals[index]
        lengths.add(tokenCount: arrival.outputTokens, of: simulation.tasks[arrival.task].name)
    }

    var result: QueueResult {
        let latencies = zip(courses, arrivals).map { ($0.lastToken - $1.time) / .seconds(1) }
        let metCount = courses.indices.count { meetsObjectives($0) }
        return QueueResult(
            latencies: latencies,
            attainment: Double(metCount) / Double(courses.count),
            heldBackCount: scheduler.heldBackCount
        )
    }

    private func meetsObjectives(_ index: Int) -> Bool {
        let (course, arrival) = (courses[index], arrivals[index])
        let task = simulation.tasks[arrival.task]
        guard let first = course.firstToken, first - arrival.time <= task.firstToken else {
            return false
        }
        return course.lastToken - first <= task.eachToken * (arrival.outputTokens - 1)
    }
}
