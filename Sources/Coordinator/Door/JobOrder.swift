package import Generation
import Wire

/// A job that somebody wants, its prompt tokenised.
package struct JobOrder: Sendable {
    package var request: GenerationRequest
    /// What the job is for, as profiles tell tasks apart.
    package var task: String?
    /// Among whose jobs it counts; nil where nobody tells them apart.
    package var owner: JobOwner?

    package init(request: GenerationRequest, task: String? = nil, owner: JobOwner? = nil) {
        self.request = request
        if let owner { self.request.owner = "api/\(owner.name)" }
        self.task = task
        self.owner = owner
    }

    /// How soon the answer should come.
    var objective: ServiceObjective {
        ServiceObjective(firstToken: request.firstTokenTime, eachToken: request.eachTokenTime)
    }
}

/// Somebody whose jobs are counted: an API key, by its name.
package struct JobOwner: Hashable, Sendable {
    package let name: String
    /// Jobs under way that the owner may have; nil for any number.
    package let jobLimit: Int?

    package init(name: String, jobLimit: Int?) {
        self.name = name
        self.jobLimit = jobLimit
    }
}

/// Why a job was not taken.
package enum JobRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    case invalid(RequestError)
    case taskTooLong(byteCount: Int)
    case noPriority(Int)
    case queueFull(Int)
    case tooManyJobs(limit: Int)
    /// More is asked of the coordinator than it can look at.
    case busy
    case shuttingDown

    /// When it may be tried again; nil where that does not help.
    var retryAfter: Duration? {
        switch self {
        case .queueFull, .tooManyJobs, .busy: .seconds(1)
        case .invalid, .taskTooLong, .noPriority, .shuttingDown: nil
        }
    }

    package var description: String {
        switch self {
        case .invalid(let error): error.description
        case .taskTooLong(let count): "the task label is longer than \(count) bytes; shorten it"
        case .noPriority(let priority):
            "a priority of \(priority); it may be \(Submit.priorities.lowerBound) to "
                + "\(Submit.priorities.upperBound)"
        case .queueFull(let limit): "the queue of \(limit) jobs is full; try again later"
        case .tooManyJobs(let limit):
            "this key may have \(limit) jobs under way; wait until one has ended"
        case .busy: "the coordinator is busy; try again later"
        case .shuttingDown: "the coordinator is shutting down"
        }
    }
}
