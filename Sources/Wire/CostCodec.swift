import CProtobufC
import CWire
import Cluster
import Placement

extension ClusterCosts {
    /// Bytes of an expert; larger ones are no model's.
    private static let largestExpert: UInt64 = 1 << 40

    init(_ raw: Moiety__V1__ClusterCosts, _ reader: MessageReader) throws(WireError) {
        let counts: [UInt64] = try unsafe reader.list(
            raw.expert_byte_counts,
            count: raw.n_expert_byte_counts,
            "cluster_costs.expert_byte_counts",
            limit: reader.limits.layerCount
        )
        if let bad = counts.first(where: { $0 > Self.largestExpert }) {
            throw .beyondLimit(
                field: "cluster_costs.expert_byte_counts",
                value: bad,
                limit: Int(Self.largestExpert)
            )
        }
        let imbalance = try unsafe reader.amount(raw.imbalance, "cluster_costs.imbalance")
        try unsafe self.init(
            isGuess: raw.is_guess != 0,
            expertNanoseconds: reader.amount(
                raw.expert_nanoseconds,
                "cluster_costs.expert_nanoseconds"
            ),
            pairNanoseconds: reader.amount(
                raw.pair_nanoseconds,
                "cluster_costs.pair_nanoseconds"
            ),
            rowByteCount: Int(raw.row_byte_count),
            expertByteCounts: counts.map { Int($0) },
            expertWidth: Int(raw.expert_width),
            workers: reader.parts(raw.workers, count: raw.n_workers, "cluster_costs.workers") {
                worker throws(WireError) in
                try unsafe Worker(worker, reader)
            },
            imbalance: imbalance > 0 ? imbalance : nil
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__ClusterCosts> {
        let workers = unsafe workers.map { unsafe Optional($0.raw(writer)) }
        return unsafe writer.message(moiety__v1__cluster_costs__init) { raw in
            unsafe raw.is_guess = isGuess ? 1 : 0
            unsafe raw.expert_nanoseconds = expertNanoseconds
            unsafe raw.pair_nanoseconds = pairNanoseconds
            unsafe raw.row_byte_count = UInt32(clamping: rowByteCount)
            unsafe raw.n_expert_byte_counts = expertByteCounts.count
            unsafe raw.expert_byte_counts = writer.list(
                expertByteCounts.map { UInt64(clamping: $0) }
            )
            unsafe raw.expert_width = UInt32(clamping: expertWidth)
            unsafe raw.n_workers = workers.count
            unsafe raw.workers = writer.list(workers)
            unsafe raw.imbalance = imbalance ?? 0
        }
    }
}

extension ClusterCosts.Worker {
    fileprivate init(
        _ raw: Moiety__V1__WorkerCost,
        _ reader: MessageReader
    ) throws(WireError) {
        try unsafe self.init(
            name: reader.workerName(raw.name, "worker_cost.name"),
            speed: reader.amount(raw.speed, "worker_cost.speed"),
            bandwidth: reader.amount(raw.bandwidth, "worker_cost.bandwidth"),
            roundTrip: reader.duration(
                raw.round_trip_nanoseconds,
                "worker_cost.round_trip_nanoseconds"
            ),
            memoryByteCount: raw.memory_byte_count,
            isDrained: raw.is_drained != 0
        )
    }

    fileprivate func raw(
        _ writer: MessageWriter
    ) -> UnsafeMutablePointer<Moiety__V1__WorkerCost> {
        unsafe writer.message(moiety__v1__worker_cost__init) { raw in
            unsafe raw.name = writer.text(name.rawValue)
            unsafe raw.speed = speed
            unsafe raw.bandwidth = bandwidth
            unsafe raw.round_trip_nanoseconds = roundTrip.wireNanoseconds
            unsafe raw.memory_byte_count = memoryByteCount
            unsafe raw.is_drained = isDrained ? 1 : 0
        }
    }
}

extension BalanceReport {
    fileprivate init(
        _ raw: Moiety__V1__Balance,
        _ reader: MessageReader
    ) throws(WireError) {
        var searches = RebalanceReport()
        unsafe searches.isRunning = raw.is_searching != 0
        unsafe searches.changedCount = Int(raw.changed_count)
        unsafe searches.keptCount = Int(raw.kept_count)
        unsafe searches.movedByteCount = raw.moved_byte_count
        let ratio = try unsafe reader.amount(raw.step_ratio, "balance.step_ratio")
        searches.stepRatio = ratio > 0 ? ratio : nil
        searches.time = try unsafe reader.duration(
            raw.search_nanoseconds,
            "balance.search_nanoseconds"
        )
        searches.failures = try unsafe reader.parts(
            raw.failures,
            count: raw.n_failures,
            "balance.failures"
        ) { failure throws(WireError) in
            try unsafe RebalanceReport.Failure(
                reason: reader.text(failure.reason, "search_failure.reason"),
                count: Int(failure.count)
            )
        }
        let imbalance = try unsafe reader.amount(raw.imbalance, "balance.imbalance")
        let hasChanged =
            unsafe raw.change_case == MOIETY__V1__BALANCE__CHANGE_SINCE_CHANGE_NANOSECONDS
        try unsafe self.init(
            imbalance: imbalance > 0 ? imbalance : nil,
            isAutomatic: raw.is_automatic != 0,
            searches: searches,
            sinceChange: hasChanged
                ? reader.duration(
                    raw.since_change_nanoseconds,
                    "balance.since_change_nanoseconds"
                ) : nil
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Balance> {
        let failures = unsafe searches.failures.map { failure in
            unsafe Optional(
                writer.message(moiety__v1__search_failure__init) { raw in
                    unsafe raw.reason = writer.message(failure.reason)
                    unsafe raw.count = UInt32(clamping: failure.count)
                }
            )
        }
        return unsafe writer.message(moiety__v1__balance__init) { raw in
            unsafe raw.imbalance = imbalance ?? 0
            unsafe raw.is_automatic = isAutomatic ? 1 : 0
            unsafe raw.is_searching = searches.isRunning ? 1 : 0
            unsafe raw.changed_count = UInt32(clamping: searches.changedCount)
            unsafe raw.kept_count = UInt32(clamping: searches.keptCount)
            unsafe raw.moved_byte_count = searches.movedByteCount
            unsafe raw.step_ratio = searches.stepRatio ?? 0
            unsafe raw.search_nanoseconds = searches.time.wireNanoseconds
            if let sinceChange {
                unsafe raw.change_case = MOIETY__V1__BALANCE__CHANGE_SINCE_CHANGE_NANOSECONDS
                unsafe raw.since_change_nanoseconds = sinceChange.wireNanoseconds
            }
            unsafe raw.n_failures = failures.count
            unsafe raw.failures = writer.list(failures)
        }
    }
}

extension MessageReader {
    func balance(
        _ raw: UnsafeMutablePointer<Moiety__V1__Balance>?
    ) throws(WireError) -> BalanceReport? {
        guard let raw = unsafe raw else { return nil }
        return try unsafe BalanceReport(raw.pointee, self)
    }
}
