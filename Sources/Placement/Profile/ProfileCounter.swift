public import Model

/// Counts what the routers choose, always, for each task, and forgets slowly.
///
/// A row counts half as much once `halfLife` more rows have been counted, of whatever task. Instead
/// of shrinking old counts at every step, new rows weigh more and more; a layer's tables are
/// divided once in some sixty half-lives. Memory is fixed once all tasks are known, and counting
/// allocates nothing once the largest step was seen.
public struct ProfileCounter: Sendable {
    /// What bounds a counter.
    public struct Limits: Hashable, Sendable {
        /// Tasks that are told apart; the rows of more count as `other`.
        public var tasks = 8
        /// Of all tasks' tables.
        ///
        /// 58 layers of 256 experts take 23 MB for each task; where they do not fit even once,
        /// nothing is counted.
        public var byteCount = 256 << 20
        /// Of one layer's tables, which travel in one piece: some 1600 experts.
        public var layerByteCount = 16 << 20
        /// Parts of a step under way at once, as `ExpertRunner` counts them.
        public var parts = 16

        public init() {}
    }

    /// Whose rows count together.
    public struct Label: Hashable, Sendable {
        fileprivate let index: Int

        /// Of rows that nobody has named a task for.
        public static let none = Label(index: 0)
    }

    /// What the tasks beyond the limit are called together.
    public static let other = "other"

    public let topK: Int
    /// Experts of each layer; `[layer]`.
    public let expertCounts: [Int]
    /// After how many rows a row counts half.
    public let halfLife: Double
    /// Whether the model's tables fit into the limits; if not, nothing is counted.
    public let isCounting: Bool
    private let limits: Limits
    /// Tasks that fit into the limits, with those that have no name and `other`.
    private let labelLimit: Int
    /// Of the tables of one task.
    private let labelByteCount: Int
    /// What a row of now weighs; 2^(rows / halfLife), divided as the tables are; `[layer]`.
    private var weights: [Double]
    /// `[label]`.
    private var counts: [TaskCounts] = []
    /// What each part of the step chose in its latest layer; `[part]`.
    private var latest: [Latest]

    /// What was counted for one task.
    private struct TaskCounts {
        let task: String?
        var layers: [LayerCounts]
        /// Rows counted, in weights of the tables; `[layer]`.
        var rows: [Double]
    }

    private struct Latest {
        var layer = -1
        var experts: [Int32] = []
    }

    /// - Parameters:
    ///   - expertCounts: `[layer]`, 0 for a layer without experts.
    ///   - halfLife: in rows; positive.
    public init(
        expertCounts: [Int],
        topK: Int,
        halfLife: Double,
        limits: Limits = Limits()
    ) {
        precondition(topK > 0 && halfLife > 0, "top \(topK), half-life \(halfLife)")
        self.topK = topK
        self.expertCounts = expertCounts
        self.halfLife = halfLife
        self.limits = limits
        let sizes = Self.pairs(expertCounts).map {
            LayerCounts.byteCount(experts: $0.experts, following: $0.following)
        }
        let byteCount = max(1, sizes.reduce(0, +))
        labelByteCount = byteCount
        isCounting =
            byteCount <= limits.byteCount && sizes.allSatisfy { $0 <= limits.layerByteCount }
        labelLimit = max(1, min(limits.tasks + 2, limits.byteCount / byteCount))
        weights = Array(repeating: 1, count: expertCounts.count)
        latest = Array(repeating: Latest(), count: limits.parts)
        open(nil)
    }

    /// The experts of each layer and of the one that follows.
    private static func pairs(_ expertCounts: [Int]) -> [(experts: Int, following: Int)] {
        let following = Array(expertCounts.dropFirst()) + [0]
        return zip(expertCounts, following).map { (experts: $0, following: $1) }
    }

    // MARK: Tasks

    /// The tasks that were told apart so far, in the order in which they came.
    public var tasks: [String] { counts.compactMap(\.task) }

    /// Under which label the rows of a task count: its own while there is room, else that of
    /// `other`.
    ///
    /// - Parameter task: `Profile.isTask`, or its rows count as `other`; nil for none.
    public mutating func label(of task: String?) -> Label {
        guard let task, isCounting else { return .none }
        if let index = counts.firstIndex(where: { $0.task == task }) { return Label(index: index) }
        let isOther = task == Self.other
        let isRoom = counts.count + (hasOther ? 0 : 1) < labelLimit
        guard Profile.isTask(task), isOther || isRoom else { return otherLabel() }
        return isOther ? otherLabel() : open(task)
    }

    private var hasOther: Bool { counts.contains { $0.task == Self.other } }

    private mutating func otherLabel() -> Label {
        if let index = counts.firstIndex(where: { $0.task == Self.other }) {
            return Label(index: index)
        }
        // Where the tables of two tasks do not fit, all rows count alike.
        return counts.count < labelLimit ? open(Self.other) : .none
    }

    @discardableResult
    private mutating func open(_ task: String?) -> Label {
        let layers = Self.pairs(expertCounts).map { experts, following in
            isCounting
                ? LayerCounts(experts: experts, following: following)
                : LayerCounts(experts: 0, following: 0)
        }
        let rows = Array(repeating: 0.0, count: layers.count)
        counts.append(TaskCounts(task: task, layers: layers, rows: rows))
        return Label(index: counts.count - 1)
    }

    // MARK: Counting

    /// Counts the rows of one part of a step in one layer.
    ///
    /// Layers of a part come in order, and all with the same rows; other parts may come between.
    ///
    /// - Parameters:
    ///   - chosen: `[row][topK]`, as `Routing.experts`.
    ///   - labels: of all of the step's rows; empty where nobody has named a task.
    ///   - firstRow: where the part's rows begin among the step's.
    public mutating func count(
        _ chosen: [Int32],
        layer: LayerIndex,
        part: Int = 0,
        labels: [Label] = [],
        from firstRow: Int = 0
    ) {
        let layer = layer.rawValue
        guard isCounting, expertCounts.indices.contains(layer), latest.indices.contains(part) else {
            return
        }
        let rows = chosen.count / topK
        guard rows > 0, chosen.count == rows * topK else { return }
        let isNext = layer > 0 && latest[part].layer == layer - 1
        let follows = isNext && latest[part].experts.count == chosen.count
        let isLabelled = firstRow >= 0 && firstRow <= labels.count - rows
        var start = 0
        while start < rows {
            var end = rows
            var label = Label.none
            if isLabelled {
                label = labels[firstRow + start]
                end = start + 1
                while end < rows, labels[firstRow + end] == label { end += 1 }
            }
            add(chosen, start..<end, layer: layer, to: label.index, after: follows ? part : nil)
            start = end
        }
        remember(chosen, layer: layer, part: part)
        age(layer, rows: rows)
    }

    /// - Parameter part: whose latest layer is the one before, nil where none is.
    private mutating func add(
        _ chosen: [Int32],
        _ rows: Range<Int>,
        layer: Int,
        to label: Int,
        after part: Int?
    ) {
        let places = rows.lowerBound * topK..<rows.upperBound * topK
        let weight = weights[layer]
        counts[label].layers[layer].add(chosen[places], topK: topK, weight: Float(weight))
        counts[label].rows[layer] += weight * Double(rows.count)
        guard let part else { return }
        // The earlier layer has counted these rows already, so the weight that it gave them
        // is a step old; over a half-life that is nothing.
        counts[label].layers[layer - 1].addTransitions(
            from: latest[part].experts[places],
            to: chosen[places],
            topK: topK,
            weight: Float(weights[layer - 1])
        )
    }

    private mutating func remember(_ chosen: [Int32], layer: Int, part: Int) {
        latest[part].layer = layer
        latest[part].experts.removeAll(keepingCapacity: true)
        latest[part].experts.append(contentsOf: chosen)
    }

    private mutating func age(_ layer: Int, rows: Int) {
        weights[layer] *= Self.powerOfTwo(Double(rows) / halfLife)
        guard weights[layer] > Self.heaviest else { return }
        let factor = 1 / weights[layer]
        for label in counts.indices {
            counts[label].layers[layer].scale(by: Float(factor))
            counts[label].rows[layer] *= factor
        }
        weights[layer] = 1
    }

    /// Far enough from the largest f32, 2^127, for any number of rows.
    private static let heaviest = 0x1p60

    /// 2^x for x of 0 or more, at most 2^60: a step longer than that many half-lives leaves
    /// nothing of what was before anyway.
    private static func powerOfTwo(_ x: Double) -> Double {
        let whole = min(x, 60).rounded(.down)
        let rest = (min(x, 60) - whole) * 0.693_147_180_559_945_3
        // The exponential's series; the rest is below 0.7, so 14 terms reach f64.
        var term = 1.0
        var sum = 1.0
        for index in 1...14 {
            term *= rest / Double(index)
            sum += term
        }
        return sum * Double(sign: .plus, exponent: Int(whole), significand: 1)
    }

    // MARK: What was counted

    /// Rows counted, older ones weighing less; 0 for a task that is not told apart.
    ///
    /// - Parameter task: nil for the rows of all.
    public func rows(of task: String? = nil) -> Double {
        // Layers may stand at different rows in the middle of a step.
        expertCounts.indices.map { layer in
            labels(of: task).reduce(0) { $0 + counts[$1].rows[layer] } / weights[layer]
        }.max() ?? 0
    }

    /// How often each expert was chosen by all tasks, older rows weighing less;
    /// `[layer][expert]`.
    public var activations: [[Double]] {
        expertCounts.indices.map { layer in
            guard isCounting else { return [] }
            var sums = Array(repeating: 0.0, count: expertCounts[layer])
            for task in counts {
                for (expert, count) in task.layers[layer].activations.enumerated() {
                    sums[expert] += Double(count) / weights[layer]
                }
            }
            return sums
        }
    }

    /// The labels that rows were counted under so far, the one of none first.
    public var labels: [Label] { counts.indices.map { Label(index: $0) } }

    /// Rows counted under a label, older ones weighing less.
    public func rows(under label: Label) -> Double {
        expertCounts.indices.map { counts[label.index].rows[$0] / weights[$0] }.max() ?? 0
    }

    /// How often rows under a label chose each expert, relative to the layer's others, older rows
    /// weighing less; `[layer][expert]`, all 0 where none was counted.
    ///
    /// - Parameter label: nil for the rows under all.
    public func frequencies(under label: Label?) -> [[Double]] {
        let tasks = label.map { [counts[$0.index]] } ?? counts
        return expertCounts.indices.map { layer in
            guard isCounting else { return Array(repeating: 0, count: expertCounts[layer]) }
            var sums = Array(repeating: 0.0, count: expertCounts[layer])
            for task in tasks {
                for (expert, count) in task.layers[layer].activations.enumerated() {
                    sums[expert] += Double(count)
                }
            }
            let all = sums.reduce(0, +)
            return all > 0 ? sums.map { $0 / all } : sums
        }
    }

    /// One layer's counts, older rows weighing less.
    ///
    /// - Parameter task: nil for the rows of all.
    public func counts(of task: String? = nil, layer: LayerIndex) -> LayerCounts {
        sum(of: labels(of: task), layer: layer.rawValue)
    }

    private func sum(of labels: [Int], layer: Int) -> LayerCounts {
        let factor = Float(1 / weights[layer])
        var sum = LayerCounts(
            experts: counts[0].layers[layer].experts,
            following: counts[0].layers[layer].following
        )
        for label in labels { sum.add(counts[label].layers[layer], times: factor) }
        return sum
    }

    /// What was counted, older rows weighing less.
    ///
    /// - Parameter task: nil for the rows of all.
    public func profile(of task: String? = nil) -> Profile {
        Profile(
            task: task,
            rows: rows(of: task),
            topK: topK,
            counts: expertCounts.indices.map { counts(of: task, layer: LayerIndex($0)) }
        )
    }

    private func labels(of task: String?) -> [Int] {
        counts.indices.filter { task == nil || counts[$0].task == task }
    }

    // MARK: From one life to the next

    /// Bytes of the tables of the tasks that were told apart so far.
    public var byteCount: Int { isCounting ? counts.count * labelByteCount : 0 }

    /// What rows under a label are counted as; nil for those of no task.
    public func task(of label: Label) -> String? { counts[label.index].task }

    /// Rows of one layer counted under a label, older ones weighing less.
    public func rows(under label: Label, layer: LayerIndex) -> Double {
        counts[label.index].rows[layer.rawValue] / weights[layer.rawValue]
    }

    /// One layer's counts under a label, older rows weighing less.
    public func counts(under label: Label, layer: LayerIndex) -> LayerCounts {
        sum(of: [label.index], layer: layer.rawValue)
    }

    /// Adds what a former life has counted, as if its rows had just come.
    ///
    /// Tasks for which there is no room any more count as `other`. What is of another model adds
    /// nothing.
    public mutating func add(_ kept: KeptCounts) {
        guard isCounting, kept.expertCounts == expertCounts, kept.topK == topK else { return }
        for task in kept.tasks {
            let label = label(of: task.name).index
            for layer in expertCounts.indices {
                let weight = weights[layer]
                counts[label].layers[layer].add(task.layers[layer], times: Float(weight))
                counts[label].rows[layer] += task.rows[layer] * weight
            }
        }
    }
}
