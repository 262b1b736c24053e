/// Outputs cut into tasks of about equal size.
///
/// Each but the last is a multiple of 32 outputs: whole registers of every table, and whole blocks
/// where the outputs are rounded next.
struct Slices {
    let outputs: Int
    let length: Int

    var count: Int { (outputs + length - 1) / length }

    /// Multiply-adds below which a task costs more to hand over than to do.
    private static let smallestTask = 1 << 15
    /// More tasks than threads, so that a thread that lost time is helped out.
    private static let tasksPerThread = 4

    init(outputs: Int, operations: Int, threadCount: Int) {
        let tasks = Self.taskLimit(operations: operations, threadCount: threadCount)
        self.init(outputs: outputs, count: tasks)
    }

    /// At most `count` slices.
    init(outputs: Int, count: Int) {
        self.outputs = outputs
        let fair = (outputs + count - 1) / count
        length = max(32, (fair + 31) / 32 * 32)
    }

    /// Tasks that so many multiply-adds are worth.
    static func taskLimit(operations: Int, threadCount: Int) -> Int {
        let most = threadCount == 1 ? 1 : threadCount * tasksPerThread
        return max(1, min(most, operations / smallestTask))
    }

    subscript(index: Int) -> Range<Int> {
        let start = min(index * length, outputs)
        return start..<min(start + length, outputs)
    }
}
