import Cluster
import Coordinator
import Model
import Placement
import Wire

/// What is known of each worker.
extension Inspection {
    func writeWorkers(to metrics: inout MetricsText) {
        func each(
            _ name: String,
            _ kind: MetricsText.Kind,
            _ help: String,
            _ value: (NodeReport) -> Double?
        ) {
            metrics.family(name, kind, help)
            for node in nodes {
                guard let value = value(node) else { continue }
                metrics.value(name, value, ["worker": node.name.rawValue])
            }
        }
        each("worker_up", .gauge, "Whether the worker serves.") { $0.state == "ready" ? 1 : 0 }
        each("worker_silence_seconds", .gauge, "Since the worker's last sign of life.") {
            $0.silentFor.map { $0 / .seconds(1) }
        }
        each("worker_experts", .gauge, "Experts that the worker holds.") {
            Double($0.expertCount)
        }
        each("worker_resident_bytes", .gauge, "Memory that the worker's process occupies.") {
            Double($0.residentByteCount)
        }
        each("worker_memory_bytes", .gauge, "Memory of the worker's machine.") {
            Double($0.memoryByteCount)
        }
        each("worker_rows_total", .counter, "Rows of experts that the worker has computed.") {
            Double($0.rowsComputed)
        }
        writeLossy(to: &metrics)
        writeLinks(to: &metrics)
    }

    /// As measured lately.
    private func writeLinks(to metrics: inout MetricsText) {
        let measured = costs.isGuess ? [] : costs.workers
        metrics.family(
            "worker_round_trip_seconds",
            .gauge,
            "Of an empty share, as measured lately."
        )
        for worker in measured {
            metrics.value(
                "worker_round_trip_seconds",
                worker.roundTrip / .seconds(1),
                ["worker": worker.name.rawValue]
            )
        }
        metrics.family("worker_bandwidth_bytes_per_second", .gauge, "Of the link to the worker.")
        for worker in measured {
            metrics.value(
                "worker_bandwidth_bytes_per_second",
                worker.bandwidth,
                ["worker": worker.name.rawValue]
            )
        }
        metrics.family("worker_speed_ratio", .gauge, "1 computes as fast as the mean.")
        for worker in measured {
            metrics.value("worker_speed_ratio", worker.speed, ["worker": worker.name.rawValue])
        }
    }

    /// Only where workers may be lossy: everything is exact otherwise.
    func writeExpertUses(to metrics: inout MetricsText) {
        guard expertUses.all > 0 else { return }
        metrics.family(
            "expert_uses_total",
            .counter,
            "Rows' uses of experts, by whether they were as in the file, in fewer bits or left out."
        )
        let counts: KeyValuePairs = [
            "high": expertUses.high, "low": expertUses.low, "skipped": expertUses.skipped,
        ]
        for (precision, count) in counts {
            metrics.value("expert_uses_total", count, ["precision": precision])
        }
    }

    /// Where experts came from, and how often they had to be looked for elsewhere.
    func writeSupply(to metrics: inout MetricsText) {
        metrics.family("worker_experts_loaded_total", .counter, "Experts loaded, by where from.")
        for node in nodes {
            let sources: KeyValuePairs = [
                "file": node.supply.fromFile, "directory": node.supply.fromDirectory,
                "cache": node.supply.fromCache, "coordinator": node.supply.fetched,
            ]
            for (source, count) in sources {
                metrics.value(
                    "worker_experts_loaded_total",
                    count,
                    ["worker": node.name.rawValue, "source": source]
                )
            }
        }
        metrics.family(
            "fallbacks_total",
            .counter,
            "What had to be done in another way than was meant, by why."
        )
        let steps: KeyValuePairs = [
            "step_begun_anew": stepFallBacks.begunAnew,
            "share_refused": stepFallBacks.refusedShares, "step_waited": stepFallBacks.waits,
            "counts_unused": counts.unused, "counts_unwritten": counts.unwritten,
        ]
        for (reason, count) in steps {
            metrics.value("fallbacks_total", count, ["reason": reason])
        }
        for node in nodes {
            let reasons: KeyValuePairs = [
                "expert_damaged": node.supply.fallBacks, "expert_not_cached": node.supply.notKept,
                "expert_not_packed": node.supply.unpacked,
            ]
            for (reason, count) in reasons {
                metrics.value(
                    "fallbacks_total",
                    count,
                    ["worker": node.name.rawValue, "reason": reason]
                )
            }
        }
        metrics.family("worker_fetched_bytes_total", .counter, "Bytes of experts fetched.")
        for node in nodes {
            metrics.value(
                "worker_fetched_bytes_total",
                node.supply.fetchedByteCount,
                ["worker": node.name.rawValue]
            )
        }
        writeStoredExperts(to: &metrics)
    }

    /// What experts on disk cost, of workers that have some there.
    private func writeStoredExperts(to metrics: inout MetricsText) {
        let workers = nodes.filter { $0.supply.memoryBudget > 0 }
        func family(
            _ name: String,
            _ kind: MetricsText.Kind,
            _ meaning: String,
            _ value: (SupplyCounts) -> Double
        ) {
            metrics.family(name, kind, meaning)
            for node in workers {
                metrics.value(name, value(node.supply), ["worker": node.name.rawValue])
            }
        }
        family("worker_memory_budget_bytes", .gauge, "Memory that it may take.") {
            Double($0.memoryBudget)
        }
        writeTiers(of: workers, to: &metrics)
        family("worker_stored_foreseen_total", .counter, "Those whose reading had begun before.") {
            Double($0.storedForeseen)
        }
        family("worker_idle_loads_total", .counter, "Experts loaded for coming work while idle.") {
            Double($0.idleLoads)
        }
        family("worker_idle_uses_total", .counter, "Of these, those that rows then chose.") {
            Double($0.idleUses)
        }
        family("worker_stored_read_bytes_total", .counter, "Bytes read from disk.") {
            Double($0.storedByteCount)
        }
        family("worker_stall_seconds_total", .counter, "Time spent waiting for experts on disk.") {
            Double($0.stallMicroseconds) / 1_000_000
        }
        writeGuesses(of: workers, to: &metrics)
    }

    /// How often experts were in memory, by the precision in which they were to come.
    private func writeTiers(of workers: [NodeReport], to metrics: inout MetricsText) {
        let counts: [(String, String, (TierHits) -> UInt64)] = [
            ("worker_stored_uses_total", "Experts on disk that rows chose, by tier.", \.uses),
            ("worker_stored_hits_total", "Of these, those found in memory, by tier.", \.hits),
        ]
        for (name, meaning, count) in counts {
            metrics.family(name, .counter, meaning)
            for node in workers {
                for tier in node.supply.storedTiers {
                    let labels: KeyValuePairs = ["worker": node.name.rawValue, "tier": tier.tier]
                    metrics.value(name, count(tier), labels)
                }
            }
        }
    }

    /// Which workers give accuracy for speed; nothing of exact clusters.
    private func writeLossy(to metrics: inout MetricsText) {
        let lossy = nodes.filter { $0.lossy != nil }
        guard !lossy.isEmpty else { return }
        metrics.family(
            "worker_lossy",
            .gauge,
            "1 of each worker that gives accuracy for speed, with how, and in how many bits."
        )
        for node in lossy {
            metrics.value(
                "worker_lossy",
                1,
                [
                    "worker": node.name.rawValue, "mode": node.lossy?.name ?? "",
                    "low_tier": node.supply.lowTier ?? "",
                ]
            )
        }
    }

    /// What layers to come were expected to choose, and whether they did.
    private func writeGuesses(of workers: [NodeReport], to metrics: inout MetricsText) {
        metrics.family(
            "worker_guesses_total",
            .counter,
            "Experts expected of coming layers, by layers ahead and by what came of it."
        )
        for node in workers {
            let (all, right) = (node.supply.guesses, node.supply.rightGuesses)
            for distance in all.indices where all[distance] > 0 {
                let rightCount = min(right[distance], all[distance])
                let outcomes: KeyValuePairs = [
                    "right": rightCount, "wrong": all[distance] - rightCount,
                ]
                for (outcome, count) in outcomes {
                    metrics.value(
                        "worker_guesses_total",
                        count,
                        [
                            "worker": node.name.rawValue, "distance": "\(distance)",
                            "outcome": outcome,
                        ]
                    )
                }
            }
        }
    }
}
