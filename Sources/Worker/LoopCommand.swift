package import Cluster
package import Experts
package import Model
package import Placement

/// What other threads tell the loop thread.
package enum LoopCommand: Sendable {
    case progress(LoadID, ExpertLoader.Progress)
    /// Experts that are on disk can be computed from there.
    case opened(DiskExperts)
    /// The step thread has let go of what a load needs the memory of.
    case hasRoom(LoadID)
    case loaded(LoadID, [ExpertSlice], [HeldExpert])
    case loadFailed(LoadID, LoadFailureCode, String)
    /// The step thread computes with what it was given.
    case installed(LoadID)
    /// The step thread has answered everything it was sent.
    case idle
    /// Something that operators should know about, and how many others were held back before it.
    case warning(StepWarning, heldBack: Int)
    case broken(String)
    /// Finish the shares at hand, then leave.
    case drain
    /// Leave now.
    case stop

    /// Reports that may wait: one per expert loaded; warnings are a few per second.
    package static let queueLimit = 1 << 16
}

/// What the step thread counts, for the loop thread to tell; nothing wakes the loop thread for it.
package struct StepFigures: Hashable, Sendable {
    /// Rows of experts.
    var rowsComputed: UInt64 = 0
    var sharesComputed: UInt64 = 0
    /// What came and was not acted on.
    var drops = DropCounts()
    /// What experts on disk cost.
    var residency = ResidencyFigures()

    package init() {}
}

/// A worker's experts on disk.
package enum DiskExperts: Sendable {
    /// Computed as they are in the file.
    case exact(StoredExperts)
    case tiered(TieredStores)
}

/// What goes wrong on the step thread without stopping it.
package enum StepWarning: Sendable {
    case refused(ShareRefusalCode, String)
    case malformed(String)
    case unsent(String)
    /// An expert came from the model file instead of the packed ones.
    case fallback(String)
}

/// One load, so that what a cancelled one still reports is told from the next one's.
package struct LoadID: Equatable, Sendable {
    package let number: Int
    package let epoch: Epoch
}

/// What the loop thread tells the step thread.
package enum StepCommand: Sendable {
    /// Connect for shares as this life of the worker.
    case connect(WorkerLife, endpoint: String)
    /// The coordinator's model is like that; experts of another one are held no more.
    case adopt(ExpertLayout)
    /// Compute those that are held on disk from there.
    case open(DiskExperts)
    /// Leave memory for so many experts, of which some are loaded next; that is reported back.
    case makeRoom(LoadID, expertCount: Int)
    /// Compute with these experts from now on; the load that brought them is reported back.
    case install(HeldParts, LoadID?)
    /// Refuse further shares and say when nothing is left to compute.
    case drain
    case stop

    /// Commands that may wait; the loop thread gives few.
    package static let queueLimit = 1024
}
