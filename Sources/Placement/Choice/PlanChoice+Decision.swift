extension PlanChoice {
    /// Replays everything and decides.
    ///
    /// - Precondition: all plans were validated for the trace's model and name the same workers as
    ///   `workers`, in that order.
    public init(_ question: Question) {
        let current = Forecast(question.replay(question.current))
        var verdicts = question.candidates.map { question.verdict($0.name, $0.plan, current) }
        verdicts.sort { one, other in
            let oneFails = one.change == nil
            let otherFails = other.change == nil
            return oneFails == otherFails
                ? one.forecast.stepTime < other.forecast.stepTime : otherFails
        }
        let chosen = verdicts.first { $0.objection == nil }
        self.init(
            verdicts: verdicts,
            current: current,
            chosen: chosen,
            reason: Self.reason(chosen, verdicts, current),
            advice: question.advice(best: (chosen?.forecast ?? current).stepTime)
        )
    }

    private static func reason(
        _ chosen: Verdict?,
        _ verdicts: [Verdict],
        _ current: Forecast
    ) -> String {
        guard let chosen else {
            guard let best = verdicts.first else { return "there are no candidates" }
            return "the current plan stays: \(best.name) \(best.objection ?? "is no better")"
        }
        let gain = 100 * (1 - chosen.forecast.stepTime / current.stepTime)
        return "\(chosen.name) takes \(Self.tenths(gain)) % off the experts' time of a step"
    }

    fileprivate static func tenths(_ value: Double) -> String {
        "\((value * 10).rounded() / 10)"
    }
}

extension PlanChoice.Question {
    fileprivate func replay(_ plan: Plan) -> Replay {
        Replay(plan, over: heldOut, workers: workers, costs: costs)
    }

    fileprivate func verdict(
        _ name: String,
        _ plan: Plan,
        _ before: PlanChoice.Forecast
    ) -> PlanChoice.Verdict {
        let forecast = PlanChoice.Forecast(replay(plan))
        var change: PlanChange?
        var objection: String?
        var moveTime = Duration.zero
        do throws(PlanChangeError) {
            let way = try PlanChange(from: current, to: plan, sizes: sizes, room: rooms)
            change = way
            moveTime = .nanoseconds(Int64(min(9e18, Double(way.byteCount) / moveBandwidth * 1e9)))
            objection = self.objection(forecast, before, moveTime, way)
        } catch {
            objection = "cannot be reached: \(error)"
        }
        return PlanChoice.Verdict(
            name: name,
            plan: plan,
            forecast: forecast,
            change: change,
            moveTime: moveTime,
            objection: objection
        )
    }

    private var rooms: [WorkerName: Int] {
        let known = workers.compactMap { worker in worker.room.map { (worker.name, $0) } }
        return Dictionary(known) { first, _ in first }
    }

    private func objection(
        _ forecast: PlanChoice.Forecast,
        _ before: PlanChoice.Forecast,
        _ moveTime: Duration,
        _ change: PlanChange
    ) -> String? {
        guard change.moveCount > 0 || !change.stages.isEmpty else {
            return "is the current plan"
        }
        guard before.stepTime > .zero else { return "cannot be compared: there are no steps" }
        let gain = 1 - forecast.stepTime / before.stepTime
        guard gain >= leastGain else {
            let percent = PlanChoice.tenths(100 * gain)
            return
                "gains \(percent) %, and less than \(PlanChoice.tenths(100 * leastGain)) % is noise"
        }
        let saved = payback * gain
        guard saved > moveTime else {
            let seconds = PlanChoice.tenths(moveTime / .seconds(1))
            let worth = PlanChoice.tenths(saved / .seconds(1))
            return "takes \(seconds) s to copy and saves \(worth) s in the time it has to pay back"
        }
        return nil
    }

    /// Whether balanced plans of fewer workers, the fastest ones, would be faster.
    fileprivate func advice(best: Duration) -> String? {
        let order = workers.indices.sorted { one, other in
            (workers[other].speed, workers[other].bandwidth, one)
                < (workers[one].speed, workers[one].bandwidth, other)
        }
        var fastest: (count: Int, time: Duration)?
        for count in (1..<max(1, workers.count)).suffix(Self.mostTried) {
            let some = order.prefix(count).sorted().map { workers[$0] }
            guard let time = time(on: some) else { continue }
            if time < fastest?.time ?? best * (1 - leastGain) { fastest = (count, time) }
        }
        guard let fastest else { return nil }
        let names = order.prefix(fastest.count).sorted().map { "\(workers[$0].name)" }
        let gain = PlanChoice.tenths(100 * (1 - fastest.time / best))
        return
            "fewer workers would be faster: with \(names.joined(separator: ", ")) alone a step's "
            + "experts take \(gain) % less time"
    }

    private static let mostTried = 16

    private func time(on some: [WorkerDescription]) -> Duration? {
        do throws(PlacementError) {
            let problem = try PlacementProblem(
                profile: Profile(heldOut),
                workers: some,
                costs: costs,
                expertByteCounts: sizes.byteCounts,
                trace: heldOut
            )
            let plan = BalancedSolver(problem: problem, copies: false).solve().plan
            let replay = Replay(plan, over: heldOut, workers: some, costs: costs)
            return .nanoseconds(Int64(replay.meanStepSeconds * 1e9))
        } catch {
            return nil
        }
    }
}
