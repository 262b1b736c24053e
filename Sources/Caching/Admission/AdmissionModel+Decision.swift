extension AdmissionModel {
    /// How long a running request is expected to take in all, if one with `inputTokens` comes in:
    /// `t_i = delta E + (W + n_i G_i) c + r_i`.
    ///
    /// - Parameter lasting: n_i, how many requests run until this one ends or longer, itself and
    ///   the new one included; the paper counts those that end later, and by that the last one
    ///   would end at once.
    public func expectedLatency(
        of request: RunningRequest,
        admitting inputTokens: Int,
        lasting: Int
    ) -> Duration {
        let tokens = Double(inputTokens) + Double(lasting) * request.remainingTokens
        return loading + perToken * tokens + request.elapsed
    }

    /// Who is let in now, in this order: the strictest first, as long as nobody who runs or was let
    /// in before would miss its objective by that.
    ///
    /// Who cannot meet its own objective any more comes after all who can, and is let in where it
    /// harms nobody. An idle machine lets the first one in whatever it expects. Printed slips of
    /// the paper's algorithm are mended: tokens begin at those that run, and each that is let in
    /// adds its own.
    ///
    /// - Returns: ids of waiting requests.
    public func admit(_ waiting: [WaitingRequest], beside running: [RunningRequest]) -> [Int] {
        var running = running
        var tokens = running.reduce(0) { $0 + $1.inputTokens }
        var admitted: [Int] = []
        let sorted = waiting.sorted { rank($0) < rank($1) }
        for candidate in sorted {
            let new = RunningRequest(
                id: candidate.id,
                inputTokens: candidate.inputTokens,
                expectedTokens: candidate.expectedTokens,
                objective: candidate.objective,
                elapsed: candidate.waited
            )
            let fits = tokens + candidate.inputTokens < tokenLimit
            guard running.isEmpty || (fits && !harms(running, admitting: new)) else { continue }
            running.append(new)
            tokens += candidate.inputTokens
            admitted.append(candidate.id)
        }
        return admitted
    }

    /// The order in which requests are considered.
    private struct Rank: Comparable {
        let isLost: Bool
        let slack: Duration
        let id: Int

        static func < (a: Self, b: Self) -> Bool {
            (a.isLost ? 1 : 0, a.slack, a.id) < (b.isLost ? 1 : 0, b.slack, b.id)
        }
    }

    /// By what is left of the objective; who is late in any case by how short it is.
    private func rank(_ request: WaitingRequest) -> Rank {
        let own = Double(request.inputTokens) + request.expectedTokens
        let left = request.objective - request.waited - loading - perToken * own
        guard left < .zero else { return Rank(isLost: false, slack: left, id: request.id) }
        return Rank(isLost: true, slack: perToken * own, id: request.id)
    }

    /// Whether somebody who would meet its objective misses it because of a new request.
    private func harms(_ running: [RunningRequest], admitting new: RunningRequest) -> Bool {
        running.contains { request in
            let others = running.count { $0.remainingTokens >= request.remainingTokens }
            let joins = new.remainingTokens >= request.remainingTokens ? 1 : 0
            let before = perToken * (Double(others) * request.remainingTokens) + request.elapsed
            let after = expectedLatency(
                of: request,
                admitting: new.inputTokens,
                lasting: others + joins
            )
            return before <= request.objective && after > request.objective
        }
    }
}
