import ArgumentParser
import Foundation
import Placement
import Solving
import Terminal
import Wire

struct RebalanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebalance",
        abstract: "Proposes a better plan from what was counted, and changes to it with --yes.",
        discussion: """
            Plans of several kinds are made here, in this command's process, from the \
            coordinator's counts and the older half of the steps that it sampled. Each is replayed \
            on the newer half, at the prices that workers and their links were measured at. The \
            best is proposed, unless the gain does not pay for the copies.
            """
    )

    @OptionGroup var coordinator: CoordinatorOptions
    @OptionGroup var change: ChangeOptions

    @Flag(help: "Propose only, as without --yes.")
    var dryRun = false

    @Flag(help: "Change to the proposed plan.")
    var yes = false

    @Flag(help: "Consider cutting experts into shards, too: answers then differ by rounding.")
    var shards = false

    @Flag(help: "Judge by usual prices instead of those that were measured.")
    var unmeasured = false

    @Option(help: "Seconds to search for plans, roughly.")
    var timeLimit = 10.0

    @Option(help: "Seconds of steady work in which the change has to pay for its copies.")
    var payback = 600.0

    @Option(help: "Also write the proposed plan to this file.")
    var plan: String?

    /// Bytes per second that a worker is expected to read where nobody limits it.
    private static let usualBandwidth = 200e6

    func validate() throws {
        guard !(dryRun && yes) else {
            throw ValidationError("--dry-run and --yes exclude each other")
        }
        guard (0...86_400).contains(timeLimit) else {
            throw ValidationError("--time-limit is \(timeLimit); it must be 0 to 86400")
        }
        guard (1...1e8).contains(payback) else {
            throw ValidationError("--payback is \(payback); it must be 1 to 100000000")
        }
    }

    func run() async throws {
        try await CommandFailure.report {
            let client = try coordinator.connect()
            var facts = try client.clusterFacts(
                workerBandwidth: workerBandwidth,
                isMeasured: !unmeasured
            )
            if shards { facts.rebalance.mayCut = true }
            let choice = try choose(facts.rebalance)
            var proposal = RebalanceProposal(choice, facts: facts)
            if let plan, let chosen = choice.chosen { try write(chosen.plan, to: plan) }
            if !change.json { Console.write(proposal.text) }
            if yes, let chosen = choice.chosen {
                let wish = ChangePlan(
                    json: String(decoding: chosen.plan.json(), as: UTF8.self),
                    bandwidth: change.bandwidth?.bytesPerSecond ?? 0,
                    reason: "rebalance: \(choice.reason)"
                )
                proposal.change = try await change.perform(.changePlan(wish), at: client)
            } else if choice.chosen != nil, !change.json {
                Console.note("'moiety admin rebalance --yes' changes to it")
            }
            if change.json { try Console.writeJSON(proposal) }
            try proposal.change?.requireDone()
        }
    }

    private var workerBandwidth: Double {
        change.bandwidth.map { Double($0.bytesPerSecond) } ?? Self.usualBandwidth
    }

    private func choose(_ facts: Rebalance.Facts) throws -> PlanChoice {
        let rebalance: Rebalance
        do throws(RebalanceError) {
            rebalance = try Rebalance(facts)
        } catch {
            throw CommandFailure("no plan can be proposed: \(error)")
        }
        if !change.json { Console.progress("searching for plans") }
        defer { Console.endProgress() }
        let candidates = rebalance.candidates(seconds: timeLimit, programs: SolverProcess())
        let time = Duration.milliseconds(Int64(payback * 1000))
        return rebalance.choose(among: candidates, payback: time)
    }

    private func write(_ plan: Plan, to path: String) throws {
        do {
            try Data(plan.json()).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw CommandFailure("\(path) cannot be written: \(error.localizedDescription)")
        }
    }
}
