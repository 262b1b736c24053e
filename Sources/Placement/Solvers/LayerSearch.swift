/// One layer of a plan under change: the time of every sampled step, kept up as experts move.
///
/// The objective is the mean over the steps of the busiest worker's seconds. Moving an expert
/// touches only the steps that use it.
struct LayerSearch {
    let expertCount: Int
    private let costs: [WorkerCosts]
    private let workerCount: Int
    private let stepCount: Int
    /// Steps that use each expert: `visits[firstVisit[e]..<firstVisit[e + 1]]`.
    private var visits: [Visit] = []
    private var firstVisit: [Int] = [0]
    /// Rows of each visit, numbered through all steps.
    private var visitRows: [Int32] = []
    private(set) var owners: [Int]
    /// How many of a row's experts a worker has; `[row][worker]`.
    private var meetings: [UInt16]
    /// `[step][worker]`.
    private var rowCounts: [Int32]
    private var seconds: [Double]
    /// Of the busiest worker; `[step]`.
    private var longest: [Double]
    /// Sum over the steps of `longest`.
    private(set) var total = 0.0
    /// Roughly how many words of memory were touched: what a search is limited by.
    private(set) var work = 0

    private struct Visit {
        let step: Int32
        let firstRow: Int32
        let rowCount: Int32
    }

    /// - Parameter owners: who holds each expert at first; `[expert]`.
    init(_ trace: RoutingTrace, layer: Int, costs: [WorkerCosts], owners: [Int]) {
        expertCount = owners.count
        self.costs = costs
        self.owners = owners
        workerCount = costs.count
        stepCount = trace.stepCount
        meetings = Array(repeating: 0, count: trace.rowCount * costs.count)
        rowCounts = Array(repeating: 0, count: trace.stepCount * costs.count)
        seconds = Array(repeating: 0, count: trace.stepCount * costs.count)
        longest = Array(repeating: 0, count: trace.stepCount)
        collectVisits(trace, layer: layer)
        for expert in owners.indices {
            for index in firstVisit[expert]..<firstVisit[expert + 1] {
                place(visits[index], on: owners[expert])
            }
        }
        for step in 0..<stepCount { refresh(step) }
    }

    /// The objective: seconds, mean over the steps.
    var mean: Double { stepCount > 0 ? total / Double(stepCount) : 0 }

    private mutating func collectVisits(_ trace: RoutingTrace, layer: Int) {
        var rows = Array(repeating: [(step: Int32, row: Int32)](), count: expertCount)
        var firstRow = 0
        for step in 0..<stepCount {
            for (place, expert) in trace.experts(step: step, layer: layer).enumerated() {
                rows[Int(expert)].append((Int32(step), Int32(firstRow + place / trace.topK)))
            }
            firstRow += trace.rowCounts[step]
        }
        for places in rows {
            var start = 0
            while start < places.count {
                var end = start + 1
                while end < places.count, places[end].step == places[start].step { end += 1 }
                let visit = Visit(
                    step: places[start].step,
                    firstRow: Int32(visitRows.count),
                    rowCount: Int32(end - start)
                )
                visitRows += places[start..<end].map(\.row)
                visits.append(visit)
                start = end
            }
            firstVisit.append(visits.count)
        }
    }

    /// Gives an expert to another worker.
    ///
    /// - Returns: by how much `total` grew.
    @discardableResult
    mutating func move(_ expert: Int, to worker: Int) -> Double {
        let before = total
        let old = owners[expert]
        guard old != worker else { return 0 }
        for index in firstVisit[expert]..<firstVisit[expert + 1] {
            let visit = visits[index]
            let step = Int(visit.step)
            let wasBusiest = seconds[step * workerCount + old] >= longest[step]
            take(visit, from: old)
            place(visit, on: worker)
            let time = seconds[step * workerCount + worker]
            if time >= longest[step] {
                total += time - longest[step]
                longest[step] = time
            } else if wasBusiest {
                refresh(step)
            }
        }
        owners[expert] = worker
        work += workerCount
        return total - before
    }

    private mutating func place(_ visit: Visit, on worker: Int) {
        var fresh = 0
        for place in Int(visit.firstRow)..<Int(visit.firstRow + visit.rowCount) {
            let slot = Int(visitRows[place]) * workerCount + worker
            if meetings[slot] == 0 { fresh += 1 }
            meetings[slot] += 1
        }
        let slot = Int(visit.step) * workerCount + worker
        if rowCounts[slot] == 0 { seconds[slot] += costs[worker].fixed }
        rowCounts[slot] += Int32(fresh)
        seconds[slot] += price(visit, fresh, costs[worker])
        work += 8 + Int(visit.rowCount)
    }

    private mutating func take(_ visit: Visit, from worker: Int) {
        var stale = 0
        for place in Int(visit.firstRow)..<Int(visit.firstRow + visit.rowCount) {
            let slot = Int(visitRows[place]) * workerCount + worker
            meetings[slot] -= 1
            if meetings[slot] == 0 { stale += 1 }
        }
        let slot = Int(visit.step) * workerCount + worker
        rowCounts[slot] -= Int32(stale)
        // A worker without rows has exactly nothing to do, whatever rounding left.
        seconds[slot] =
            rowCounts[slot] == 0 ? 0 : seconds[slot] - price(visit, stale, costs[worker])
        work += 8 + Int(visit.rowCount)
    }

    private func price(_ visit: Visit, _ travelling: Int, _ cost: WorkerCosts) -> Double {
        cost.perExpert + Double(visit.rowCount) * cost.perPair + Double(travelling) * cost.perRow
    }

    private mutating func refresh(_ step: Int) {
        var most = 0.0
        for slot in step * workerCount..<(step + 1) * workerCount {
            most = max(most, seconds[slot])
        }
        total += most - longest[step]
        longest[step] = most
        work += workerCount
    }
}
