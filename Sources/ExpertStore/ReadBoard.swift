import Dispatch
import Model
import Synchronization
import Tensors

/// Where reads hang until a thread takes a block of them.
final class ReadBoard: Sendable {
    /// A block that a thread has taken.
    private struct Task {
        let job: Int
        let source: any SlotSource
        let block: Int
        let expert: ExpertID
        let slot: Int
    }

    private struct Job {
        let expert: ExpertID
        let slot: Int
        /// Whether everything else comes first.
        var isAhead: Bool
        var source = 0
        var blockCount: Int
        var nextBlock = 0
        var running = 0
        /// Blocks that came, from all sources.
        var readCount = 0
        var sum: UInt64 = 0
        /// Of the source that is asked now.
        var failure: StoreError?
        /// The first failure of all.
        var trouble: StoreError?
        var isAbandoned = false

        var hasUnclaimed: Bool { !isAbandoned && nextBlock < blockCount }
        var isOver: Bool { !hasUnclaimed && running == 0 }
    }

    private struct State {
        var jobs: [Job?]
        /// Places in `jobs`, in order of arrival.
        var order: [Int] = []
        var ends: [ReadPool.End] = []
        var pace = ReadPace()
        var isClosed = false
    }

    private let memory: SlotMemory
    private let sources: [any SlotSource]
    private let state: Mutex<State>
    /// Blocks of experts that nobody waits for which are read at once.
    private let aheadLimit: Int
    private let now: @Sendable () -> ContinuousClock.Instant
    /// One for each block that was posted; more after failures.
    private let blocks = DispatchSemaphore(value: 0)
    /// One for each end that was not taken.
    private let news = DispatchSemaphore(value: 0)

    init(
        memory: SlotMemory,
        sources: [any SlotSource],
        capacity: Int,
        aheadLimit: Int,
        now: @escaping @Sendable () -> ContinuousClock.Instant
    ) {
        self.memory = memory
        self.aheadLimit = aheadLimit
        self.now = now
        self.sources = sources
        var state = State(jobs: Array(repeating: nil, count: capacity))
        state.order.reserveCapacity(capacity)
        state.ends.reserveCapacity(capacity)
        self.state = Mutex(state)
    }

    // MARK: Who posts

    var count: Int { state.withLock { $0.order.count + $0.ends.count } }

    var hasTimeToSpare: Bool { state.withLock { $0.pace.hasTimeToSpare } }

    func post(_ expert: ExpertID, slot: Int, isAhead: Bool) {
        let blockCount = max(1, sources[0].blockCount(of: expert))
        state.withLock { state in
            guard let place = state.jobs.firstIndex(where: { $0 == nil }),
                state.ends.count + state.order.count < state.jobs.count
            else { preconditionFailure("\(state.jobs.count) reads are under way already") }
            state.jobs[place] = Job(
                expert: expert,
                slot: slot,
                isAhead: isAhead,
                blockCount: blockCount
            )
            state.order.append(place)
            if !isAhead { state.pace.begin(at: now()) }
        }
        for _ in 0..<blockCount { blocks.signal() }
    }

    func hurry(_ expert: ExpertID) {
        let count = state.withLock { state in
            guard let place = place(of: expert, in: state), var job = state.jobs[place]
            else { return 0 }
            if job.isAhead { state.pace.begin(at: now()) }
            job.isAhead = false
            job.isAbandoned = false
            state.jobs[place] = job
            return job.blockCount - job.nextBlock
        }
        for _ in 0..<count { blocks.signal() }
    }

    private func place(of expert: ExpertID, in state: State) -> Int? {
        state.order.first { state.jobs[$0]?.expert == expert }
    }

    func next(waiting: Bool) -> ReadPool.End? {
        if waiting {
            news.wait()
        } else {
            guard news.wait(timeout: .now()) == .success else { return nil }
        }
        return state.withLock { $0.ends.isEmpty ? nil : $0.ends.removeFirst() }
    }

    /// - Parameter expert: nil for all.
    func abandon(_ expert: ExpertID?) {
        let count = state.withLock { state in
            // Those that end here leave the order.
            for place in state.order where expert == nil || state.jobs[place]?.expert == expert {
                state.jobs[place]?.isAbandoned = true
            }
            let before = state.ends.count
            for place in state.jobs.indices {
                guard let job = state.jobs[place], job.isAbandoned, job.isOver else { continue }
                end(place, of: &state)
            }
            return state.ends.count - before
        }
        for _ in 0..<count { news.signal() }
    }

    func close(threadCount: Int) {
        state.withLock { $0.isClosed = true }
        for _ in 0..<threadCount { blocks.signal() }
    }

    // MARK: Threads

    /// Reads blocks until the board is closed.
    func serve() {
        while let task = take() {
            do throws(StoreError) {
                let part = try task.source.read(
                    task.block,
                    of: task.expert,
                    into: memory,
                    slot: task.slot
                )
                finish(task, .success(part))
            } catch {
                finish(task, .failure(error))
            }
        }
    }

    /// Waits for a block; nil once the board is closed.
    private func take() -> Task? {
        while true {
            // Looked at before waiting, too: what was held back may be read now.
            let (task, isClosed) = state.withLock { state in
                (state.isClosed ? nil : claim(&state), state.isClosed)
            }
            guard !isClosed else { return nil }
            if let task { return task }
            blocks.wait()
        }
    }

    private func claim(_ state: inout State) -> Task? {
        if let task = claim(&state, isAhead: false) { return task }
        let running = state.order.reduce(0) { count, place in
            guard let job = state.jobs[place], job.isAhead else { return count }
            return count + job.running
        }
        return running < aheadLimit ? claim(&state, isAhead: true) : nil
    }

    private func claim(_ state: inout State, isAhead: Bool) -> Task? {
        for place in state.order {
            guard let job = state.jobs[place], job.hasUnclaimed, job.isAhead == isAhead
            else { continue }
            state.jobs[place]?.nextBlock += 1
            state.jobs[place]?.running += 1
            return Task(
                job: place,
                source: sources[job.source],
                block: job.nextBlock,
                expert: job.expert,
                slot: job.slot
            )
        }
        return nil
    }

    /// Says what became of a block.
    private func finish(_ task: Task, _ result: Result<UInt64, StoreError>) {
        let (ended, again) = state.withLock { state -> (Bool, Int) in
            guard var job = state.jobs[task.job] else { return (false, 0) }
            job.running -= 1
            switch result {
            case .success(let part):
                job.sum &+= part
                job.readCount += 1
            case .failure(let error):
                job.failure = job.failure ?? error
                job.nextBlock = job.blockCount
            }
            let again = job.isOver && !job.isAbandoned ? conclude(&job) : 0
            state.jobs[task.job] = job
            guard job.isOver else { return (false, again) }
            end(task.job, of: &state)
            return (true, 0)
        }
        if ended { news.signal() }
        for _ in 0..<again { blocks.signal() }
    }

    /// Looks at what came; where it is not right, begins anew with the next source.
    ///
    /// - Returns: blocks to be read again.
    private func conclude(_ job: inout Job) -> Int {
        if job.failure == nil {
            do throws(StoreError) {
                try sources[job.source].check(job.sum, of: job.expert)
            } catch {
                job.failure = error
            }
        }
        guard let failure = job.failure else { return 0 }
        job.trouble = job.trouble ?? failure
        guard job.source + 1 < sources.count else { return 0 }
        job.source += 1
        job.failure = nil
        job.sum = 0
        job.nextBlock = 0
        job.blockCount = max(1, sources[job.source].blockCount(of: job.expert))
        return job.blockCount
    }

    private func end(_ place: Int, of state: inout State) {
        guard let job = state.jobs[place] else { return }
        if !job.isAhead { state.pace.end(at: now()) }
        state.jobs[place] = nil
        state.order.removeAll { $0 == place }
        let came = job.failure == nil && !job.isAbandoned
        state.ends.append(
            ReadPool.End(
                expert: job.expert,
                slot: job.slot,
                source: came ? job.source : nil,
                blockCount: job.readCount,
                // It did not fail: who wants it after all is to ask again.
                trouble: job.isAbandoned ? nil : job.trouble
            )
        )
    }
}
