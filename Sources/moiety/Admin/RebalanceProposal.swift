import Placement
import Terminal

/// What `moiety admin rebalance` prints; the names are promised to users of `--json`.
struct RebalanceProposal: Encodable {
    struct Candidate: Encodable {
        let name: String
        let stepMicroseconds: Double
        let imbalanceMedian: Double
        let imbalanceP99: Double
        let moves: Int?
        let bytes: Int?
        let stages: Int?
        let copySeconds: Double
        let objection: String?

        enum CodingKeys: String, CodingKey {
            case name, moves, bytes, stages, objection
            case stepMicroseconds = "step_us"
            case imbalanceMedian = "imbalance_p50"
            case imbalanceP99 = "imbalance_p99"
            case copySeconds = "copy_s"
        }
    }

    struct Worker: Encodable {
        let name: String
        let speed: Double
        let bandwidthBytes: Double
        let roundTripMicroseconds: Double

        enum CodingKeys: String, CodingKey {
            case name, speed
            case bandwidthBytes = "bytes_per_s"
            case roundTripMicroseconds = "round_trip_us"
        }
    }

    let current: Candidate
    let candidates: [Candidate]
    let chosen: String?
    /// What became of the change to the chosen plan; nil where none was asked for.
    var change: ChangeOptions.Report?
    let reason: String
    let advice: String?
    let sampledSteps: Int
    let measured: Bool
    let measuredImbalance: Double?
    let workers: [Worker]
    let plan: PlanFile?

    enum CodingKeys: String, CodingKey {
        case current, candidates, chosen, change, reason, advice, measured, workers, plan
        case sampledSteps = "sampled_steps"
        case measuredImbalance = "measured_imbalance"
    }

    init(_ choice: PlanChoice, facts: ClusterFacts) {
        current = Candidate(choice.current)
        candidates = choice.verdicts.map(Candidate.init)
        chosen = choice.chosen?.name
        reason = choice.reason
        advice = choice.advice
        sampledSteps = facts.rebalance.samples.stepCount
        measured = !facts.isGuess
        measuredImbalance = facts.measuredImbalance
        workers = facts.rebalance.workers.map { worker in
            Worker(
                name: worker.name.rawValue,
                speed: worker.speed,
                bandwidthBytes: worker.bandwidth,
                roundTripMicroseconds: worker.roundTrip / .microseconds(1)
            )
        }
        plan = choice.chosen.map { PlanFile(plan: $0.plan) }
    }

    var text: String {
        var table = Table([
            ("plan", .left), ("experts' step", .right), ("imbalance p50", .right), ("p99", .right),
            ("moves", .right), ("bytes", .right), ("copying", .right), ("", .left),
        ])
        for candidate in [current] + candidates { table.add(candidate.cells(chosen: chosen)) }
        var text = workerText + "\n" + table.text + "\n" + reason + "\n"
        if let advice { text += advice + "\n" }
        return text
    }

    private var workerText: String {
        var table = Table([
            ("worker", .left), ("speed", .right), ("link", .right), ("round trip", .right),
        ])
        for worker in workers {
            table.add([
                worker.name, Format.fixed(worker.speed, digits: 2),
                Format.bytes(Int(min(worker.bandwidthBytes, 1e15))) + "/s",
                "\(Format.fixed(worker.roundTripMicroseconds, digits: 0)) us",
            ])
        }
        let note = measured ? "" : "these prices are guesses, not measured\n"
        return note + table.text
    }
}

extension RebalanceProposal.Candidate {
    fileprivate init(_ forecast: PlanChoice.Forecast) {
        name = "current"
        stepMicroseconds = forecast.stepTime / .microseconds(1)
        imbalanceMedian = forecast.medianImbalance
        imbalanceP99 = forecast.p99Imbalance
        moves = 0
        bytes = 0
        stages = 0
        copySeconds = 0
        objection = nil
    }

    fileprivate init(_ verdict: PlanChoice.Verdict) {
        name = verdict.name
        stepMicroseconds = verdict.forecast.stepTime / .microseconds(1)
        imbalanceMedian = verdict.forecast.medianImbalance
        imbalanceP99 = verdict.forecast.p99Imbalance
        moves = verdict.change?.moveCount
        bytes = verdict.change?.byteCount
        stages = verdict.change?.stages.count
        copySeconds = verdict.moveTime / .seconds(1)
        objection = verdict.objection
    }

    fileprivate func cells(chosen: String?) -> [String] {
        let isNow = name == "current"
        return [
            name, "\(Format.fixed(stepMicroseconds)) us",
            Format.fixed(imbalanceMedian, digits: 2), Format.fixed(imbalanceP99, digits: 2),
            isNow ? "-" : moves.map { "\($0)" } ?? "?",
            isNow ? "-" : bytes.map { Format.bytes($0) } ?? "?",
            isNow ? "-" : "\(Format.fixed(copySeconds)) s",
            name == chosen ? "chosen" : objection ?? "",
        ]
    }
}
