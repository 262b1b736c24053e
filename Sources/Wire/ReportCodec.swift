import CProtobufC
import CWire
import Cluster
import Model
import Placement

extension MessageReader {
    func jobs(_ raw: Moiety__V1__Jobs) throws(WireError) -> [JobReport] {
        try unsafe parts(raw.jobs, count: raw.n_jobs, "jobs.jobs") { part throws(WireError) in
            try unsafe JobReport(part, self)
        }
    }

    func nodes(_ raw: Moiety__V1__Nodes) throws(WireError) -> [NodeReport] {
        try unsafe parts(raw.nodes, count: raw.n_nodes, "nodes.nodes") { part throws(WireError) in
            try unsafe NodeReport(part, self)
        }
    }
}

extension MessageWriter {
    func jobs(_ jobs: [JobReport]) -> UnsafeMutablePointer<Moiety__V1__Jobs> {
        unsafe message(moiety__v1__jobs__init) { raw in
            unsafe raw.n_jobs = jobs.count
            unsafe raw.jobs = list(jobs.map { unsafe $0.raw(self) })
        }
    }

    func nodes(_ nodes: [NodeReport]) -> UnsafeMutablePointer<Moiety__V1__Nodes> {
        unsafe message(moiety__v1__nodes__init) { raw in
            unsafe raw.n_nodes = nodes.count
            unsafe raw.nodes = list(nodes.map { unsafe $0.raw(self) })
        }
    }
}

extension JobReport {
    init(_ raw: Moiety__V1__Job, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            id: reader.text(raw.id, "job.id"),
            state: reader.choice(raw.state.rawValue, "job.state"),
            task: reader.optionalText(raw.task, "job.task"),
            promptTokenCount: Int(raw.prompt_token_count),
            generatedTokenCount: Int(raw.generated_token_count),
            submittedAt: raw.submitted_at,
            message: reader.text(raw.message, "job.message")
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Job>? {
        unsafe writer.message(moiety__v1__job__init) { raw in
            unsafe raw.id = writer.text(id)
            unsafe raw.state = Moiety__V1__JobState(state.rawValue)
            unsafe raw.task = writer.text(task ?? "")
            unsafe raw.prompt_token_count = UInt32(clamping: promptTokenCount)
            unsafe raw.generated_token_count = UInt32(clamping: generatedTokenCount)
            unsafe raw.submitted_at = submittedAt
            unsafe raw.message = writer.message(message)
        }
    }
}

extension Cancel {
    init(_ raw: Moiety__V1__Cancel, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(job: reader.text(raw.job, "cancel.job"))
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Cancel> {
        unsafe writer.message(moiety__v1__cancel__init) { raw in
            unsafe raw.job = writer.text(job)
        }
    }
}

extension CancelReply {
    init(_ raw: Moiety__V1__CancelReply, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            job: reader.text(raw.job, "cancel_reply.job"),
            isCancelled: raw.is_cancelled != 0,
            message: reader.text(raw.message, "cancel_reply.message")
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__CancelReply> {
        unsafe writer.message(moiety__v1__cancel_reply__init) { raw in
            unsafe raw.job = writer.text(job)
            unsafe raw.is_cancelled = isCancelled ? 1 : 0
            unsafe raw.message = writer.message(message)
        }
    }
}

extension NodeReport {
    fileprivate init(_ raw: Moiety__V1__Node, _ reader: MessageReader) throws(WireError) {
        let spoke = unsafe raw.silence_case == MOIETY__V1__NODE__SILENCE_SILENT_NANOSECONDS
        try unsafe self.init(
            name: reader.workerName(raw.name, "node.name"),
            state: reader.text(raw.state, "node.state"),
            incarnation: Incarnation(rawValue: raw.incarnation),
            epoch: reader.epoch(raw.epoch),
            expertCount: reader.count(
                raw.expert_count,
                "node.expert_count",
                limit: reader.limits.expertCount
            ),
            residentByteCount: raw.resident_byte_count,
            rowsComputed: raw.rows_computed,
            silentFor: spoke
                ? reader.duration(raw.silent_nanoseconds, "node.silent_nanoseconds") : nil,
            instructionSet: reader.text(raw.instruction_set, "node.instruction_set"),
            coreCount: Int(raw.core_count),
            memoryByteCount: raw.memory_byte_count,
            loadedByteCount: raw.loaded_byte_count,
            totalByteCount: raw.total_byte_count,
            message: reader.text(raw.message, "node.message"),
            drops: reader.drops(raw.drops, count: raw.n_drops, "node.drops"),
            supply: SupplyCounts(raw.supply),
            lossy: reader.lossy(raw.lossy, "node.lossy")
        )
    }

    fileprivate func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Node>? {
        unsafe writer.message(moiety__v1__node__init) { raw in
            unsafe raw.name = writer.text(name.rawValue)
            unsafe raw.state = writer.text(state)
            unsafe raw.incarnation = incarnation.rawValue
            unsafe raw.epoch = epoch?.rawValue ?? 0
            unsafe raw.expert_count = UInt32(clamping: expertCount)
            unsafe raw.resident_byte_count = residentByteCount
            unsafe raw.rows_computed = rowsComputed
            if let silentFor {
                unsafe raw.silence_case = MOIETY__V1__NODE__SILENCE_SILENT_NANOSECONDS
                unsafe raw.silent_nanoseconds = silentFor.wireNanoseconds
            }
            unsafe raw.instruction_set = writer.text(instructionSet)
            unsafe raw.core_count = UInt32(clamping: coreCount)
            unsafe raw.memory_byte_count = memoryByteCount
            unsafe raw.loaded_byte_count = loadedByteCount
            unsafe raw.total_byte_count = totalByteCount
            unsafe raw.message = writer.message(message)
            unsafe raw.n_drops = drops.all.count
            unsafe raw.drops = writer.drops(drops)
            unsafe raw.supply = supply.raw(writer)
            unsafe raw.lossy = Moiety__V1__Lossy(lossy?.rawValue ?? 0)
        }
    }
}

extension StatusReport {
    init(_ raw: Moiety__V1__Status, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            isReady: raw.is_ready != 0,
            text: reader.text(raw.text, "status.text"),
            modelName: reader.text(raw.model_name, "status.model_name"),
            epoch: reader.epoch(raw.epoch),
            workersExpected: Int(raw.workers_expected),
            workersReady: Int(raw.workers_ready),
            jobsQueued: Int(raw.jobs_queued),
            jobsRunning: Int(raw.jobs_running),
            protocolVersion: raw.protocol_version,
            build: reader.text(raw.build, "status.build"),
            sockets: reader.sockets(raw),
            trips: reader.trips(raw),
            balance: reader.balance(raw.balance),
            ledgerTrouble: reader.text(raw.ledger_trouble, "status.ledger_trouble")
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Status> {
        unsafe writer.message(moiety__v1__status__init) { raw in
            unsafe raw.is_ready = isReady ? 1 : 0
            unsafe raw.text = writer.message(text)
            unsafe raw.model_name = writer.text(modelName)
            unsafe raw.epoch = epoch?.rawValue ?? 0
            unsafe raw.workers_expected = UInt32(clamping: workersExpected)
            unsafe raw.workers_ready = UInt32(clamping: workersReady)
            unsafe raw.jobs_queued = UInt32(clamping: jobsQueued)
            unsafe raw.jobs_running = UInt32(clamping: jobsRunning)
            unsafe raw.protocol_version = protocolVersion
            unsafe raw.build = writer.text(build)
            unsafe raw.n_sockets = sockets.count
            unsafe raw.sockets = writer.list(sockets.map { unsafe $0.raw(writer) })
            let parts = unsafe writer.trips(trips)
            unsafe raw.n_trips = parts.count
            unsafe raw.trips = writer.list(parts)
            if let balance { unsafe raw.balance = balance.raw(writer) }
            unsafe raw.ledger_trouble = writer.message(ledgerTrouble)
        }
    }
}

extension MessageReader {
    /// An epoch where 0 stands for none.
    fileprivate func epoch(_ value: UInt64) -> Epoch? {
        value == 0 ? nil : Epoch(rawValue: value)
    }
}
