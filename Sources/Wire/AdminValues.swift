public import Placement

/// The plan in force, and how far a change of plans is.
public struct PlanInForce: Equatable, Sendable {
    /// As a plan file; empty where there is no plan yet.
    public var json: String
    /// Of a change under way, counted from 1; 0 where there is none.
    public var stage: Int
    public var stageCount: Int

    public init(json: String, stage: Int, stageCount: Int) {
        self.json = json
        self.stage = stage
        self.stageCount = stageCount
    }
}

/// Asks for another plan.
public struct ChangePlan: Equatable, Sendable {
    /// As a plan file; its epoch is not looked at.
    public var json: String
    /// Bytes that each worker may read per second for it; 0 for as fast as it can.
    public var bandwidth: UInt64
    /// Why, for the history of plans; empty where somebody just asks for it.
    public var reason: String

    public init(json: String, bandwidth: UInt64 = 0, reason: String = "") {
        self.json = json
        self.bandwidth = bandwidth
        self.reason = reason
    }
}

/// Whether a change of plans has begun.
public struct ChangeReply: Equatable, Sendable {
    public var isBegun: Bool
    /// How much is to be moved, or why nothing is.
    public var message: String
    public var stageCount: Int
    /// Copies of experts and shards that workers make.
    public var moveCount: UInt64
    /// What these weigh.
    public var byteCount: UInt64

    public init(
        isBegun: Bool,
        message: String,
        stageCount: Int = 0,
        moveCount: UInt64 = 0,
        byteCount: UInt64 = 0
    ) {
        self.isBegun = isBegun
        self.message = message
        self.stageCount = stageCount
        self.moveCount = moveCount
        self.byteCount = byteCount
    }
}

/// What became of plans so far.
public struct PlanHistory: Equatable, Sendable {
    /// One JSON object per line, the oldest first.
    public var jsonLines: String

    public init(jsonLines: String) {
        self.jsonLines = jsonLines
    }
}

/// Asks for a plan in which a worker has no experts, and that it is given none from now on.
public struct DrainNode: Equatable, Sendable {
    public var name: WorkerName
    /// Ends that: the next plans may give it experts again.
    public var isOver: Bool

    public init(name: WorkerName, isOver: Bool) {
        self.name = name
        self.isOver = isOver
    }
}
