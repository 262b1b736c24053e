package import Cluster
import Experts
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
    /// Where the loop thread looks for what was not acted on.
    private let drops: Latest<DropCounts>
    private var ownDrops = DropCounts()
    /// Of sockets that were given up.
    private var formerOversize = 0
    private var warnings = ReportLimiter()
    private let report: (LoopCommand) -> Void
    private let arithmetic: ExpertArithmetic
    private let wireLimits = WireLimits()
    /// The connection for shares, once there is one.
    package private(set) var socket: (any MessageSocket)?
    private var held: HeldExperts
    private var ledger = ShareLedger()
    private var life: WorkerLife?
    private var endpoint = ""
    private var isDraining = false
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
        drops: Latest<DropCounts> = Latest(DropCounts()),
        dial: @escaping Dial,
        report: @escaping (LoopCommand) -> Void
    ) {
        self.machine = machine
        self.clock = clock
        self.drops = drops
        self.inbox = inbox
        self.dial = dial
        self.report = report
        held = HeldExperts(expertCounts: machine.model.description.expertCounts)
        let kernels = Kernels(instructionSet: machine.instructionSet, threads: machine.threads)
        kernels.pool.bindCaller()
        arithmetic = ExpertArithmetic(kernels: kernels)
    }

    /// What it computes with, by layer, then index.
    package var heldExperts: [ExpertID] { held.all }

    /// Obeys what the loop thread said, then computes one share, if one has arrived.
    ///
    /// - Returns: Whether there was a share: another may wait.
    package func turn() throws(MessagingError) -> Bool {
        for command in inbox.takeAll() { perform(command) }
        guard !isStopped else { return false }
        let hadShare = try computeNext()
        tellDrops()
        if isDraining, !hadShare { report(.idle) }
        return hadShare
    }

    private func perform(_ command: StepCommand) {
        switch command {
        case .connect(let life, let endpoint): connect(as: life, to: endpoint)
        case .install(let held, let load):
            self.held = held
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

    private func tellDrops() {
        var all = ownDrops
        all.add(UInt64(formerOversize + (socket?.droppedMessageCount ?? 0)), to: .oversize)
        if all != drops.value { drops.replace(by: all) }
    }

    // MARK: Shares

    /// Computes one share, if one has arrived.
    private func computeNext() throws(MessagingError) -> Bool {
        guard let received = try socket?.receive() else { return false }
        let arrival = ContinuousClock.now
        do throws(WireError) {
            guard
                case .share(let share) = try DataMessage(
                    frames: received.frames,
                    limits: wireLimits
                )
            else {
                drop(.unexpected, "an answer sent to a worker")
                return true
            }
            answer(share, arrival: arrival)
        } catch {
            drop(.malformed, "\(error)")
        }
        return true
    }

    private func answer(_ share: Share, arrival: ContinuousClock.Instant) {
        switch ledger.admit(share.id, attempt: share.attempt) {
        case .compute: break
        case .duplicate: return ownDrops.count(.duplicate)
        case .late: return ownDrops.count(.late)
        }
        guard !isDraining else { return refuse(share, .draining, "the worker is leaving") }
        if let fault = fault(of: share) { return refuse(share, .malformed, fault) }
        let hidden = machine.model.description.hiddenSize
        var sums = [Double](repeating: 0, count: share.activations.rowCount * hidden)
        let pairs = share.pairRows.indices.lazy.map { index in
            ExpertArithmetic.Pair(
                row: Int32(share.pairRows[index]),
                expert: Int(share.pairExperts[index]),
                gateWeight: share.pairWeights[index]
            )
        }
        do throws(MissingExpert) {
            try arithmetic.run(
                layer: share.layer,
                pairs: pairs,
                held: held,
                activations: share.activations,
                into: &sums
            )
        } catch {
            return refuse(share, .notHeld, "\(error)")
        }
        report(.computed(rowCount: share.pairRows.count))
        send(
            .partialRows(
                PartialRows(
                    id: share.id,
                    attempt: share.attempt,
                    epoch: share.epoch,
                    layer: share.layer,
                    width: hidden,
                    values: sums,
                    computeTime: ContinuousClock.now - arrival
                )
            )
        )
    }

    /// What the model says against a share whose form is sound.
    private func fault(of share: Share) -> String? {
        let model = machine.model.description
        guard model.layers.indices.contains(share.layer.rawValue) else {
            return "the model has no layer \(share.layer.rawValue)"
        }
        // Before anything of that size is allocated, and computed in vain.
        let answerByteCount = share.activations.rowCount.multipliedReportingOverflow(
            by: MemoryLayout<Double>.size * model.hiddenSize
        )
        let limit = MessagingLimits().frameByteCount
        guard !answerByteCount.overflow, answerByteCount.partialValue <= limit else {
            return "the answer to \(share.activations.rowCount) rows would exceed \(limit) bytes"
        }
        let layer = model.layers[share.layer.rawValue]
        guard layer.hasExperts else { return "layer \(share.layer.rawValue) has no experts" }
        guard share.activations.width == model.hiddenSize else {
            return "rows of \(share.activations.width) values; the model has \(model.hiddenSize)"
        }
        guard !layer.needsValues || share.activations.hasValues else {
            return "these experts need unrounded activations"
        }
        guard !layer.needsQuants || layer.needsValues || share.activations.hasQuants else {
            return "these experts need rounded activations"
        }
        let pairLimit = share.activations.rowCount * model.expertsPerToken
        guard share.pairRows.count <= pairLimit else {
            return "\(share.pairRows.count) pairs; each row visits \(model.expertsPerToken) experts"
        }
        guard !share.activations.quants.contains(.min) else {
            return "rounded activations reach from -127 to 127, not to -128"
        }
        return nil
    }

    private func refuse(_ share: Share, _ code: ShareRefusalCode, _ text: String) {
        if code == .malformed { ownDrops.count(.malformed) }
        warn(.refused(code, text))
        send(
            .shareRefused(
                ShareRefused(id: share.id, attempt: share.attempt, code: code, text: text)
            )
        )
    }

    private func send(_ message: DataMessage) {
        do throws(MessagingError) {
            try socket?.send(message.encode())
        } catch {
            // The coordinator is gone or does not read; it asks again, or gives up by itself.
            ownDrops.count(.unanswered)
            warn(.unsent("\(error)"))
        }
    }
}
