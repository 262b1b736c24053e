import Cluster
import Coordinator
import JSON
import Model
import Placement
import Wire

/// What the live page shows at one moment.
struct PageSnapshot {
    let inspection: Inspection
    /// Seconds on a clock of the server's.
    let clock: Double

    /// Ended jobs that are shown beside those under way.
    private static let endedCount = 8
    private static let jobCount = 64

    var value: JSONValue {
        let status = inspection.status
        return [
            "title": .string(status.modelName),
            "build": .string(status.build),
            "ready": .bool(status.isReady),
            "text": .string(status.text),
            "epoch": status.epoch.map { .integer(Int(clamping: $0.rawValue)) } ?? .null,
            "clock": .number(clock),
            "running": .integer(status.jobsRunning),
            "waiting": .integer(status.jobsQueued),
            "generated": .integer(Int(clamping: inspection.figures.generatedTokenCount)),
            "imbalance": status.balance?.imbalance.map(JSONValue.number) ?? .null,
            "balance": .string(balance),
            "inexact": inexactness,
            "workers": .array(inspection.nodes.map(worker)),
            "heat": .array(heat),
            "jobs": .array(jobs),
        ]
    }

    private func worker(_ node: NodeReport) -> JSONValue {
        let costs = inspection.costs
        let measured = costs.isGuess ? nil : costs.workers.first { $0.name == node.name }
        return [
            "name": .string(node.name.rawValue),
            "state": .string(node.state),
            "life": .integer(Int(clamping: node.incarnation.rawValue & 0xffff_ffff)),
            "experts": .integer(node.expertCount),
            "resident": .integer(Int(clamping: node.residentByteCount)),
            "memory": .integer(Int(clamping: node.memoryByteCount)),
            "rows": .integer(Int(clamping: node.rowsComputed)),
            "silence": node.silentFor.map { .number($0 / .seconds(1)) } ?? .null,
            "round_trip": measured.map { .number($0.roundTrip / .seconds(1)) } ?? .null,
            "loaded": .integer(Int(clamping: node.loadedByteCount)),
            "total": .integer(Int(clamping: node.totalByteCount)),
            "stored": stored(node.supply),
            "lossy": lossy(node),
        ]
    }

    /// How a worker gives accuracy for speed; null where it does not.
    private func lossy(_ node: NodeReport) -> JSONValue {
        guard let lossy = node.lossy else { return .null }
        return [
            "mode": .string(lossy.name),
            "tier": node.supply.lowTier.map(JSONValue.string) ?? .null,
        ]
    }

    /// Which part of experts' uses was; null where no worker may be lossy.
    private var inexactness: JSONValue {
        let uses = inspection.expertUses
        guard uses.all > 0 else { return .null }
        return ["low": .number(uses.lowShare), "skipped": .number(uses.skippedShare)]
    }

    /// What experts on disk cost so far; null where all are in memory.
    private func stored(_ counts: SupplyCounts) -> JSONValue {
        guard counts.memoryBudget > 0 else { return .null }
        func total(_ counts: SIMD4<UInt64>) -> JSONValue {
            .integer(Int(clamping: counts.wrappedSum()))
        }
        return [
            "budget": .integer(Int(clamping: counts.memoryBudget)),
            "uses": .integer(Int(clamping: counts.storedUses)),
            "hits": .integer(Int(clamping: counts.storedHits)),
            "tiers": .array(
                counts.storedTiers.map {
                    [
                        "tier": .string($0.tier), "uses": .integer(Int(clamping: $0.uses)),
                        "hits": .integer(Int(clamping: $0.hits)),
                    ]
                }
            ),
            "read": .integer(Int(clamping: counts.storedByteCount)),
            "stalled": .number(Double(counts.stallMicroseconds) / 1_000_000),
            "guesses": total(counts.guesses),
            "right": total(counts.rightGuesses),
        ]
    }

    private var jobs: [JSONValue] {
        let all = inspection.jobs
        let under = all.filter { $0.state == .queued || $0.state == .running }
        let ended = all.filter { $0.state != .queued && $0.state != .running }
        let shown = under.prefix(Self.jobCount) + ended.suffix(Self.endedCount).reversed()
        return shown.map { job in
            [
                "id": .string(job.id), "state": .string("\(job.state)"),
                "task": job.task.map(JSONValue.string) ?? .null,
                "prompt": .integer(job.promptTokenCount),
                "generated": .integer(job.generatedTokenCount),
            ]
        }
    }

    /// What became of searches for better plans, in a sentence.
    private var balance: String {
        guard let balance = inspection.status.balance else { return "" }
        let searches = balance.searches
        if searches.isRunning { return "A better plan is being searched for." }
        guard let since = balance.sinceChange else {
            return balance.isAutomatic
                ? "The plan is watched, and was not changed yet."
                : "The plan is changed only when asked (moiety admin rebalance)."
        }
        let minutes = Int(since / .seconds(60))
        let prediction = searches.stepRatio.map {
            ", and predicted to make steps \(Int(((1 - $0) * 100).rounded())) % shorter"
        }
        return "Last changed \(minutes) min ago\(prediction ?? ""); "
            + "\(searches.changedCount) changes moved \(searches.movedByteCount >> 20) MiB."
    }
}

// MARK: - The heat map

extension PageSnapshot {
    /// One line for each worker: for each layer how many experts it holds, how many of them are
    /// copies and shards, and how much of the layer's rows are its.
    private var heat: [JSONValue] {
        guard let plan = inspection.plan else { return [] }
        let layers = plan.layers.indices.filter { !plan.layers[$0].isEmpty }
        var cells = Array(
            repeating: Array(repeating: HeatCell(), count: layers.count),
            count: plan.workers.count
        )
        for (column, layer) in layers.enumerated() {
            for (expert, entry) in plan.layers[layer].enumerated() {
                let load = inspection.load(layer: layer, expert: expert)
                for worker in entry.workers where cells.indices.contains(worker) {
                    cells[worker][column].add(entry, load: load)
                }
            }
        }
        return zip(plan.workers, cells).map { name, cells in
            ["worker": .string(name.rawValue), "cells": .array(cells.map(\.value))]
        }
    }

    private struct HeatCell {
        var expertCount = 0
        var copyCount = 0
        var shardCount = 0
        var load = 0.0

        /// Copies and shards share their expert's rows evenly, as far as the picture tells.
        mutating func add(_ entry: ExpertEntry, load: Double) {
            expertCount += 1
            switch entry {
            case .worker: break
            case .replicas: copyCount += 1
            case .shards: shardCount += 1
            }
            self.load += load / Double(max(1, entry.workers.count))
        }

        var value: JSONValue {
            [
                .integer(expertCount), .integer(copyCount), .integer(shardCount),
                .number((load * 10).rounded() / 10),
            ]
        }
    }
}

extension Inspection {
    /// Rows of an expert, as counted lately; 0 where nothing was.
    fileprivate func load(layer: Int, expert: Int) -> Double {
        guard loads.indices.contains(layer), loads[layer].indices.contains(expert) else { return 0 }
        return loads[layer][expert]
    }
}
