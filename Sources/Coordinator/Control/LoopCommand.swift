/// What other threads tell the loop thread.
package enum LoopCommand: Sendable {
    case report(StepReport)
    case stop

    /// Reports that may wait: a token for each of many sequences over a slow second.
    package static let queueLimit = 1 << 16
}
