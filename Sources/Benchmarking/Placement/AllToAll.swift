import Placement

/// What the paper's cluster would send: from each row's workers in one layer straight to its
/// workers in the next, without a coordinator between.
struct AllToAll {
    private let workers: [WorkerDescription]
    private let betweenHosts: Double?
    private let rowByteCount: Double

    init(_ testCase: PlacementCase, costs: CostModel) {
        workers = testCase.workers
        betweenHosts = testCase.betweenHosts
        rowByteCount = Double(costs.rowByteCount)
    }

    /// Seconds of the busiest link, layers together, in the mean of the steps.
    func tailSeconds(_ plan: Plan, over trace: RoutingTrace) -> Double {
        let owners = plan.layers.map { $0.map { $0.workers.first ?? 0 } }
        var sum = 0.0
        for step in 0..<trace.stepCount {
            for (layer, next) in zip(trace.expertLayers, trace.expertLayers.dropFirst()) {
                sum += seconds(
                    trace.experts(step: step, layer: layer).map { owners[layer][Int($0)] },
                    trace.experts(step: step, layer: next).map { owners[next][Int($0)] },
                    topK: trace.topK
                )
            }
        }
        return sum / Double(max(1, trace.stepCount))
    }

    private func seconds(_ from: [Int], _ to: [Int], topK: Int) -> Double {
        var rows = Array(repeating: 0, count: workers.count * workers.count)
        for start in stride(from: 0, to: from.count, by: topK) {
            for sender in Set(from[start..<start + topK]) {
                for receiver in Set(to[start..<start + topK]) where receiver != sender {
                    rows[sender * workers.count + receiver] += 1
                }
            }
        }
        return rows.enumerated().map { slot, count in
            let (sender, receiver) = slot.quotientAndRemainder(dividingBy: workers.count)
            return Double(count) * rowByteCount / bandwidth(workers[sender], workers[receiver])
        }.max() ?? 0
    }

    private func bandwidth(_ one: WorkerDescription, _ other: WorkerDescription) -> Double {
        guard one.host != other.host, let betweenHosts else {
            // Within a host the coordinator's slow link to it plays no part.
            return max(one.bandwidth, other.bandwidth, betweenHosts.map { $0 * 9 } ?? 0)
        }
        return betweenHosts
    }
}
