import Cluster
import Generation
import Ledger
import Messaging
import Wire

/// Who hears of a job.
enum JobClient {
    /// A client elsewhere, and its own number for the job.
    case remote(Peer, tag: UInt64)
    /// A client in this process, and which of its jobs this is.
    case local(LocalClient, choice: Int)
}

/// The jobs of this life: those under way, and the last ones that ended.
struct JobTable {
    struct Job {
        let id: JobID
        /// Nil where nobody hears of it any more.
        var client: JobClient?
        let task: String?
        let owner: JobOwner?
        let promptTokenCount: Int
        /// Seconds since 1970.
        let submittedAt: UInt64
        var times: JobFigures.Times
        var state = JobState.queued
        var generatedTokenCount = 0
        var message = ""
        /// Whether the step thread was told; telling it once is enough.
        var isCancelling = false

        var isOver: Bool {
            switch state {
            case .queued, .running: false
            case .completed, .cancelled, .failed: true
            }
        }
    }

    private let life: UInt32
    private var lastNumber: UInt64 = 0
    private var jobs: [JobID: Job] = [:]
    /// Ended jobs, oldest first.
    private var ended: [JobID] = []

    /// Ended jobs that can still be listed.
    private static let endedLimit = 1000

    init(life: UInt32) {
        self.life = life
        // All at once, for good: tables that grow leave holes in memory.
        jobs.reserveCapacity(Self.endedLimit + Self.usualCount)
        ended.reserveCapacity(Self.endedLimit + 1)
    }

    /// Of jobs under way.
    private static let usualCount = 500

    subscript(id: JobID) -> Job? {
        get { jobs[id] }
        set { jobs[id] = newValue }
    }

    /// By the name that `moiety jobs` shows.
    func job(named name: String) -> Job? { JobID(name).flatMap { jobs[$0] } }

    var queuedCount: Int { jobs.values.count { $0.state == .queued } }
    var runningCount: Int { jobs.values.count { $0.state == .running } }

    /// In order of submission.
    var all: [Job] { jobs.values.sorted { $0.id < $1.id } }

    var underWay: [JobID] { all.filter { !$0.isOver }.map(\.id) }

    /// Jobs under way of one owner.
    func count(of owner: JobOwner) -> Int {
        jobs.values.count { $0.owner == owner && !$0.isOver }
    }

    /// Jobs under way of a client in this process.
    func jobs(of client: LocalClient) -> [JobID] {
        underWay.filter { id in
            guard case .local(let other, _) = jobs[id]?.client else { return false }
            return other === client
        }
    }

    /// - Parameters:
    ///   - id: nil for a new job.
    ///   - client: nil for one whose clients the ledger's desk knows.
    ///   - objective: none for jobs of a former life: nobody knows how long they waited.
    mutating func add(
        id: JobID? = nil,
        client: JobClient?,
        task: String?,
        owner: JobOwner? = nil,
        promptTokenCount: Int,
        submittedAt: UInt64,
        objective: ServiceObjective = ServiceObjective(),
        now: Instant
    ) -> Job {
        if id == nil { lastNumber += 1 }
        let job = Job(
            id: id ?? JobID(life: life, number: lastNumber),
            client: client,
            task: task,
            owner: owner,
            promptTokenCount: promptTokenCount,
            submittedAt: submittedAt,
            times: JobFigures.Times(arrival: now, objective: objective, isResumed: id != nil)
        )
        jobs[job.id] = job
        return job
    }

    /// As if it had never been taken in.
    mutating func forget(_ id: JobID) { jobs[id] = nil }

    /// Notes how a job ended, and forgets the oldest ended one when there are many.
    mutating func end(_ id: JobID, _ result: GenerationResult) {
        guard var job = jobs[id], !job.isOver else { return }
        job.client = nil
        job.generatedTokenCount = result.tokens.count
        switch result.reason {
        case .stop, .length: job.state = .completed
        case .cancelled: job.state = .cancelled
        case .failed(let message):
            job.state = .failed
            job.message = message
        }
        jobs[id] = job
        ended.append(id)
        guard ended.count > Self.endedLimit else { return }
        jobs[ended.removeFirst()] = nil
    }
}
