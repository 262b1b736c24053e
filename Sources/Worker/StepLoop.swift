package import Cluster
import Kernels
package import Messaging
package import Model
import Placement
import Tensors
import Wire

/// A worker's step thread: owns the data socket, computes shares as they come.
///
/// Never waits: its owner calls `turn` until nothing is left to do, and again after each event.
package final class StepLoop {
    private let machine: Machine
    private let dial: Dial
    private let inbox: Mailbox<StepCommand>
    private let clock: LoopClock
    /// Where the loop thread looks for what was computed and what was not acted on.
    private let figures: Latest<StepFigures>
    private var counted = StepFigures()
    private var ownDrops = DropCounts()
    /// Of sockets that were given up.
    private var formerOversize = 0
    private var warnings = ReportLimiter()
    private let report: (LoopCommand) -> Void
    private let arithmetic: ShareArithmetic
    private let wireLimits = WireLimits()
    /// The message that was received last, and the one that is written.
    private let arrival = FrameList()
    private let outgoing = FrameList()
    /// The connection for shares, once there is one.
    package private(set) var socket: (any MessageSocket)?
    /// Of the model whose experts are held.
    private var layout: ExpertLayout
    private var held: HeldParts
    private var ledger = ShareLedger()
    private var life: WorkerLife?
    private var endpoint = ""
    private var isDraining = false
    /// What coming work is expected to use, as it was said last.
    private var outlook = Outlook([])
    /// Whether it was told to stop.
    package private(set) var isStopped = false

    /// The last answer of a worker that leaves may take this long to do so.
    private static let farewellTime = Duration.milliseconds(200)

    /// Short, because a coordinator that came back sends shares at once.
    private static let reconnectPause = Duration.milliseconds(200)

    package init(
        machine: Machine,
        inbox: Mailbox<StepCommand>,
        clock: LoopClock = LoopClock(),
        figures: Latest<StepFigures> = Latest(StepFigures()),
        dial: @escaping Dial,
        report: @escaping (LoopCommand) -> Void
    ) {
        self.machine = machine
        self.clock = clock
        self.figures = figures
        self.inbox = inbox
        self.dial = dial
        self.report = report
        layout = machine.model?.layout ?? .none
        held = HeldParts(expertCounts: layout.expertCounts)
        // Before this thread is bound to one of them.
        let readCPUs = CurrentThread.cpus
        let kernels = Kernels(instructionSet: machine.instructionSet, threads: machine.threads)
        kernels.pool.bindCaller()
        arithmetic = ShareArithmetic(
            kernels: kernels,
            readCPUs: readCPUs,
            isLossy: machine.lossy != nil
        )
    }

    /// What it computes with, by layer, then index.
    package var heldSlices: [ExpertSlice] { held.slices }

    /// Obeys what the loop thread said, then computes one share, if one has arrived.
    ///
    /// - Returns: Whether there was a share: another may wait.
    package func turn() throws(MessagingError) -> Bool {
        for command in inbox.takeAll() { perform(command) }
        guard !isStopped else { return false }
        let hadShare = try computeNext()
        tellFigures()
        if isDraining, !hadShare { report(.idle) }
        return hadShare
    }

    /// Loads what coming work is expected to use, when no share is expected soon.
    ///
    /// - Returns: whether it is to be called again soon.
    package func prepare() -> Bool {
        guard !isDraining, arithmetic.prepare() else {
            tellFigures()
            return false
        }
        return true
    }

    /// Lets go of what its largest shares needed, when none have come for a while.
    package func releaseMemory() {
        arrival.removeAll()
        outgoing.removeAll()
        arithmetic.releaseMemory()
    }

    private func perform(_ command: StepCommand) {
        switch command {
        case .connect(let life, let endpoint): connect(as: life, to: endpoint)
        case .adopt(let layout):
            self.layout = layout
            outlook = Outlook([])
            held = HeldParts(expertCounts: layout.expertCounts)
        case .open(let experts):
            arithmetic.open(experts) { [unowned self] in self.warn(.fallback($0)) }
            arithmetic.want(outlook, held.experts)
        case .makeRoom(let load, let count):
            arithmetic.makeRoom(expertCount: count)
            report(.hasRoom(load))
        case .install(let held, let load):
            self.held = held
            // What was let go of makes room.
            arithmetic.makeRoom(expertCount: held.count)
            arithmetic.want(outlook, held.experts)
            if let load { report(.installed(load)) }
        case .drain: isDraining = true
        case .stop: isStopped = true
        }
    }

    /// Connects for shares, or keeps a connection that is the same.
    ///
    /// After a restart of the coordinator it comes back by itself, and a share may be on it.
    private func connect(as life: WorkerLife, to endpoint: String) {
        // A coordinator in a new life numbers its shares anew.
        ledger.removeAll()
        guard socket == nil || life != self.life || endpoint != self.endpoint else { return }
        self.life = life
        self.endpoint = endpoint
        formerOversize += socket?.droppedMessageCount ?? 0
        socket = nil
        var options = SocketOptions()
        options.routingID = Peer(life.routingID)
        options.linger = Self.farewellTime
        options.longestReconnectPause = Self.reconnectPause
        do throws(MessagingError) {
            socket = try dial(Endpoint(endpoint), options)
        } catch {
            // Said by a coordinator, so not our own error: it is told and tried again on welcome.
            warn(.malformed("\(error)"))
        }
    }

    // MARK: What goes wrong

    private func drop(_ reason: DropCounts.Reason, _ text: String) {
        ownDrops.count(reason)
        warn(.malformed(text))
    }

    /// Tells the loop thread, a few times per second: a flood must not fill its mailbox.
    private func warn(_ warning: StepWarning) {
        guard let heldBack = warnings.admit(now: clock.now) else { return }
        report(.warning(warning, heldBack: heldBack))
    }

    private func tellFigures() {
        var now = counted
        now.drops = ownDrops
        now.drops.add(UInt64(formerOversize + (socket?.droppedMessageCount ?? 0)), to: .oversize)
        if let figures = arithmetic.figures { now.residency = figures }
        if now != figures.value { figures.replace(by: now) }
    }

    // MARK: Shares

    /// Computes one share, if one has arrived, or takes a hint or an outlook.
    private func computeNext() throws(MessagingError) -> Bool {
        guard let socket, try socket.receive(into: arrival) else { return false }
        let start = ContinuousClock.now
        do throws(WireError) {
            switch try DataHeader(frames: arrival, limits: wireLimits) {
            case .share(let header): answer(header, arrival: start)
            case .hint(let hint): foresee(hint)
            case .outlook(let outlook):
                self.outlook = outlook
                arithmetic.want(outlook, held.experts)
            case .partialRows, .shareRefused: drop(.unexpected, "an answer sent to a worker")
            }
        } catch {
            drop(.malformed, "\(error)")
        }
        return true
    }

    private func answer(_ share: ShareHeader, arrival start: ContinuousClock.Instant) {
        switch ledger.admit(share.id, attempt: share.attempt) {
        case .compute: break
        case .duplicate: return ownDrops.count(.duplicate)
        case .late: return ownDrops.count(.late)
        }
        guard !isDraining else { return refuse(share, .draining, "the worker is leaving") }
        if let fault = fault(of: share) { return refuse(share, .malformed, fault) }
        compute(Share(share, frames: arrival), arrival: start)
    }

    private func compute(_ share: Share, arrival start: ContinuousClock.Instant) {
        let header = share.header
        // Said by the network, so it is looked at as a whole and fast.
        guard !share.activations.quants.reduce(false, { $0 || $1 == .min }) else {
            let fault = "rounded activations reach from -127 to 127, not to -128"
            return refuse(header, .malformed, fault)
        }
        guard let held = held.meant(by: share.pairExperts, of: header.layer, in: header.epoch)
        else {
            return refuse(header, .notHeld, "its shards are those of another plan")
        }
        let hidden = layout.hiddenSize
        if let fault = arithmetic.run(share, held, hiddenSize: hidden) {
            return refuse(header, .notHeld, fault)
        }
        let answer = PartialRowsHeader(
            id: header.id,
            attempt: header.attempt,
            epoch: header.epoch,
            layer: header.layer,
            rowCount: header.rowCount,
            width: hidden,
            computeTime: ContinuousClock.now - start,
            hasUses: !arithmetic.uses.isEmpty
        )
        answer.write(arithmetic.sums, uses: arithmetic.uses, into: outgoing)
        send()
        counted.rowsComputed += UInt64(share.pairRows.count)
        counted.sharesComputed += 1
    }

    /// Begins to read what a layer that has not come is likely to ask for.
    private func foresee(_ hint: Hint) {
        guard layout.layers.indices.contains(hint.layer.rawValue) else {
            return drop(.malformed, "a hint for layer \(hint.layer.rawValue), which there is not")
        }
        guard !isDraining else { return }
        arithmetic.foresee(hint, held.experts)
    }

    /// What the model says against a share whose form is sound.
    private func fault(of share: ShareHeader) -> String? {
        guard layout.layers.indices.contains(share.layer.rawValue) else {
            return "the model has no layer \(share.layer.rawValue)"
        }
        // Before anything of that size is allocated, and computed in vain.
        let answerByteCount = share.rowCount.multipliedReportingOverflow(
            by: MemoryLayout<Double>.size * layout.hiddenSize
        )
        let limit = MessagingLimits().frameByteCount
        guard !answerByteCount.overflow, answerByteCount.partialValue <= limit else {
            return "the answer to \(share.rowCount) rows would exceed \(limit) bytes"
        }
        guard let layer = layout.layers[share.layer.rawValue] else {
            return "layer \(share.layer.rawValue) has no experts"
        }
        guard share.width == layout.hiddenSize else {
            return "rows of \(share.width) values; the model has \(layout.hiddenSize)"
        }
        guard !layer.needsValues || share.form == .values else {
            return "these experts need unrounded activations"
        }
        guard !layer.needsQuants || layer.needsValues || share.form == .quants else {
            return "these experts need rounded activations"
        }
        guard share.pairCount <= share.rowCount * layout.expertsPerToken else {
            return "\(share.pairCount) pairs; each row visits \(layout.expertsPerToken) experts"
        }
        return nil
    }

    private func refuse(_ share: ShareHeader, _ code: ShareRefusalCode, _ text: String) {
        if code == .malformed { ownDrops.count(.malformed) }
        warn(.refused(code, text))
        let refusal = ShareRefused(id: share.id, attempt: share.attempt, code: code, text: text)
        DataMessage.shareRefused(refusal).write(into: outgoing)
        send()
    }

    /// Sends what was written.
    private func send() {
        do throws(MessagingError) {
            try socket?.send(outgoing, to: nil)
        } catch {
            // The coordinator is gone or does not read; it asks again, or gives up by itself.
            ownDrops.count(.unanswered)
            warn(.unsent("\(error)"))
        }
    }
}
