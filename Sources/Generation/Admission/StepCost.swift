/// What steps take, as measured: a time for each, and a time for each of its rows.
///
/// Steps of about so many rows are remembered apart, in classes of doubling row counts, so that the
/// many that decode do not drown what is known of prompts; a line is laid through the classes, none
/// of which counts more than another. What loads experts from disk is a part of both times. Of a
/// fixed size: no memory is asked for after it was made.
public struct StepCost: Equatable, Sendable {
    /// In seconds, beside what its rows take; 0 until something was measured, as `perRow`.
    public private(set) var perStep = 0.0
    /// In seconds: computing and sending, the paper's c (eMoE, 4.6).
    public private(set) var perRow = 0.0
    private var classes = Array(repeating: RowClass(), count: 20)

    /// Steps of about so many rows.
    private struct RowClass: Equatable, Sendable {
        var count = 0
        /// Means of what was measured lately.
        var rows = 0.0
        var seconds = 0.0
    }

    /// A step counts as one of so many.
    private static let memory = 16
    /// What takes so many times as long as usual has waited for something; more of it is not
    /// believed at once.
    private static let outlier = 4.0

    public init() {}

    /// A step of so many rows was computed.
    public mutating func add(rows: Int, time: Duration) {
        guard rows > 0, time > .zero else { return }
        let index = min(Int.bitWidth - (rows - 1).leadingZeroBitCount, classes.count - 1)
        var seconds = max(time / .seconds(1), 1e-9)
        let usual = classes[index].seconds
        if classes[index].count > 0 { seconds = min(seconds, Self.outlier * usual) }
        // Of the first ones it may have been all others that waited.
        if classes[index].count < Self.memory, usual > Self.outlier * seconds {
            classes[index].count = 0
        }
        classes[index].count = min(classes[index].count + 1, Self.memory)
        let weight = 1 / Double(classes[index].count)
        classes[index].rows += weight * (Double(rows) - classes[index].rows)
        classes[index].seconds += weight * (seconds - classes[index].seconds)
        fit()
    }

    /// Seconds that a prompt of so many rows takes, alone, in steps of at most `stepRows`.
    public func seconds(prompt rows: Int, stepRows: Int) -> Double {
        let steps = (Double(rows) / Double(max(1, stepRows))).rounded(.up)
        return perStep * steps + perRow * Double(rows)
    }

    /// Seconds that an answer of so many tokens takes, alone.
    public func seconds(answer tokens: Double) -> Double { (perStep + perRow) * tokens }

    /// Least squares of what is wrong in relation to what was measured.
    private mutating func fit() {
        var (weights, rows, seconds, squares, products) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for known in classes where known.count > 0 {
            let weight = 1 / (known.seconds * known.seconds)
            weights += weight
            rows += weight * known.rows
            seconds += weight * known.seconds
            squares += weight * known.rows * known.rows
            products += weight * known.rows * known.seconds
        }
        let spread = weights * squares - rows * rows
        // One class alone does not tell the two times apart.
        guard spread > 1e-6 * weights * squares else {
            (perStep, perRow) = (0, products / squares)
            return
        }
        perRow = (weights * products - rows * seconds) / spread
        perStep = (seconds - perRow * rows) / weights
        if perStep < 0 { (perStep, perRow) = (0, products / squares) }
        if perRow < 0 { (perStep, perRow) = (seconds / weights, 0) }
    }
}
