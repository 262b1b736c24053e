import Cluster
import Coordinator
import Generation
import Placement
import Wire

extension Inspection {
    /// All that is counted, for `/metrics`; suffixes are vLLM's where it has them.
    var metrics: String {
        var metrics = MetricsText(common: ["model_name": status.modelName])
        writeJobs(to: &metrics)
        writeAdmission(to: &metrics)
        writeCache(to: &metrics)
        writeTimes(to: &metrics)
        writeCluster(to: &metrics)
        writeWorkers(to: &metrics)
        writeSupply(to: &metrics)
        writeExpertUses(to: &metrics)
        writeTrips(to: &metrics)
        writeBalance(to: &metrics)
        writeCounts(to: &metrics)
        writeSockets(to: &metrics)
        return metrics.text
    }

    private func writeJobs(to metrics: inout MetricsText) {
        metrics.gauge("num_requests_running", status.jobsRunning, "Jobs that are computed.")
        metrics.gauge("num_requests_waiting", status.jobsQueued, "Jobs that wait.")
        metrics.counter(
            "prompt_tokens_total",
            figures.promptTokenCount,
            "Prompt tokens that were read."
        )
        metrics.counter(
            "generation_tokens_total",
            figures.generatedTokenCount,
            "Tokens that were generated."
        )
        metrics.family("request_success_total", .counter, "Jobs that ended, by how.")
        for end in JobFigures.End.allCases {
            metrics.value(
                "request_success_total",
                figures.ends[end] ?? 0,
                ["finished_reason": end.rawValue]
            )
        }
        metrics.family(
            "request_objectives_total",
            .counter,
            "Completed jobs that had an objective, by whether it was kept."
        )
        for objective in JobFigures.Objective.allCases {
            let counts = figures.objectives[objective]
            let outcomes: KeyValuePairs = [
                "kept": counts?.kept ?? 0, "missed": counts?.missed ?? 0,
            ]
            for (outcome, count) in outcomes {
                metrics.value(
                    "request_objectives_total",
                    count,
                    ["objective": objective.rawValue, "outcome": outcome]
                )
            }
        }
        metrics.counter("requests_refused_total", figures.refusedCount, "Jobs that were not taken.")
    }

    private func writeAdmission(to metrics: inout MetricsText) {
        metrics.counter(
            "requests_held_back_total",
            engine.heldBackCount,
            "Jobs that had to wait so that others keep their objectives."
        )
        metrics.counter(
            "answer_length_tokens_total",
            engine.answerTokenCount,
            "Tokens of answers that ended by themselves."
        )
        metrics.counter(
            "answer_length_error_tokens_total",
            engine.answerErrorCount,
            "By how many tokens those answers were longer or shorter than expected."
        )
        metrics.gauge(
            "step_fixed_seconds",
            engine.stepTime / .seconds(1),
            "What a step takes beside its rows, as measured lately."
        )
        metrics.gauge(
            "step_row_seconds",
            engine.rowTime / .seconds(1),
            "What each row of a step takes, as measured lately."
        )
    }

    private func writeCache(to metrics: inout MetricsText) {
        let limit = max(1, engine.pageLimit)
        metrics.gauge(
            "kv_cache_usage_perc",
            Double(engine.heldPageCount) / Double(limit),
            "Share of the pages of keys and values that are in use or kept; 1 for all."
        )
        metrics.gauge("kv_cache_pages", engine.pageLimit, "Pages of 256 positions there may be.")
        metrics.gauge(
            "prefix_cache_pages",
            engine.keptPageCount,
            "Pages kept for jobs that begin alike."
        )
        metrics.counter(
            "prefix_cache_queries_total",
            engine.soughtTokenCount,
            "Prompt tokens that were looked for among kept pages."
        )
        metrics.counter(
            "prefix_cache_hits_total",
            engine.foundTokenCount,
            "Of those, what was found."
        )
        metrics.counter(
            "num_preemptions_total",
            engine.interruptionCount,
            "Times that a job went back to wait for want of room."
        )
    }

    private func writeTimes(to metrics: inout MetricsText) {
        metrics.histogram(
            "time_to_first_token_seconds",
            figures.firstToken,
            "From a job's arrival to its first token."
        )
        metrics.histogram(
            "inter_token_latency_seconds",
            figures.nextToken,
            "From one token of a job to the next."
        )
        metrics.histogram(
            "e2e_request_latency_seconds",
            figures.whole,
            "From a job's arrival to its end, of those that were completed."
        )
        metrics.histogram(
            "request_queue_time_seconds",
            figures.queueing,
            "From a job's arrival to its first step."
        )
        metrics.histogram(
            "request_prefill_time_seconds",
            figures.prefill,
            "From a job's first step to its first token."
        )
    }

    private func writeCluster(to metrics: inout MetricsText) {
        metrics.family("build_info", .gauge, "1, and which build this is.")
        metrics.value("build_info", 1, ["version": Build.version])
        metrics.gauge("ready", status.isReady ? 1 : 0, "Whether jobs would be computed now.")
        metrics.gauge("workers_expected", status.workersExpected, "Workers of the cluster.")
        metrics.gauge("workers_ready", status.workersReady, "Workers that serve.")
        if let epoch = status.epoch {
            metrics.gauge("plan_epoch", epoch.rawValue, "The number of the plan in force.")
        }
    }

    private func writeTrips(to metrics: inout MetricsText) {
        let total = status.trips.total
        metrics.counter("trips_total", total.trips, "Trips of a layer's rows to the workers.")
        metrics.counter("trip_rows_total", total.rows, "Rows of those trips.")
        metrics.family("trip_seconds_total", .counter, "Time of those trips, by what it went into.")
        let parts: KeyValuePairs = [
            "sending": total.sending, "computing": total.computing,
            "travelling": total.travelling, "adding": total.adding,
        ]
        for (part, time) in parts {
            metrics.value("trip_seconds_total", time / .seconds(1), ["part": part])
        }
    }

    private func writeBalance(to metrics: inout MetricsText) {
        guard let balance = status.balance else { return }
        if let imbalance = balance.imbalance {
            metrics.gauge("imbalance_ratio", imbalance, "Busiest worker over the mean.")
        }
        metrics.family(
            "rebalance_searches_total",
            .counter,
            "The coordinator's searches for a better plan, by what came of them."
        )
        let searches = balance.searches
        let outcomes: KeyValuePairs = [
            "changed": searches.changedCount, "kept": searches.keptCount,
            "failed": searches.failures.reduce(0) { $0 + $1.count },
        ]
        for (outcome, count) in outcomes {
            metrics.value("rebalance_searches_total", count, ["outcome": outcome])
        }
        metrics.counter(
            "rebalance_bytes_total",
            searches.movedByteCount,
            "Bytes of experts that those changes moved."
        )
        metrics.family(
            "rebalance_seconds_total",
            .counter,
            "Time of those searches, and of the changes that followed."
        )
        metrics.value("rebalance_seconds_total", searches.time / .seconds(1))
        if let ratio = searches.stepRatio {
            metrics.gauge(
                "rebalance_predicted_step_ratio",
                ratio,
                "A step's time after the last change over that before, as was predicted."
            )
        }
        if let time = balance.sinceChange {
            metrics.gauge(
                "rebalance_last_success_age_seconds",
                time / .seconds(1),
                "Since the plan was last changed by the coordinator itself."
            )
        }
    }

    private func writeCounts(to metrics: inout MetricsText) {
        metrics.counter(
            "counts_written_total",
            counts.written,
            "Times that what routers chose was written for the coordinator's next life."
        )
    }

    private func writeSockets(to metrics: inout MetricsText) {
        metrics.family("connections", .gauge, "Open connections, by socket.")
        for socket in status.sockets {
            metrics.value("connections", socket.connectionsOpen, ["socket": socket.name])
        }
        metrics.family("connections_total", .counter, "Connections so far, by what came of them.")
        for socket in status.sockets {
            let outcomes: KeyValuePairs = [
                "accepted": socket.connectionsAccepted, "refused": socket.connectionsRefused,
                "handshake_failed":
                    socket.handshakesFailed - min(socket.keysRefused, socket.handshakesFailed),
                "key_refused": socket.keysRefused,
            ]
            for (outcome, count) in outcomes {
                metrics.value(
                    "connections_total",
                    count,
                    ["socket": socket.name, "outcome": outcome]
                )
            }
        }
        metrics.family("messages_dropped_total", .counter, "Messages not acted on, by why.")
        for socket in status.sockets {
            for (reason, count) in socket.drops.all {
                metrics.value(
                    "messages_dropped_total",
                    count,
                    ["socket": socket.name, "reason": reason.rawValue]
                )
            }
        }
    }
}
