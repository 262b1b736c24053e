/// The name of a job: unique over all lives of a coordinator.
package struct JobID: Hashable, Sendable, CustomStringConvertible {
    let life: UInt32
    /// Counts from 1 within a life.
    let number: UInt64

    package var description: String { "job-\(life)-\(number)" }
}
