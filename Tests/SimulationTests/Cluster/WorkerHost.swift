import Cluster
import ClusterTesting
import Coordinator
import Experts
import Logging
import Messaging
import Model
import Placement
import Wire
import Worker

/// A machine with a worker that a supervisor starts again whenever it ended.
///
/// What runs on it are the daemon's own loops; only its threads, sockets and disk are simulated.
final class WorkerHost {
    let name: WorkerName
    private unowned let world: SimulatedCluster
    private(set) var process: Process
    private(set) var step: Worker.StepLoop?
    private var control: Worker.ControlLoop?
    private var inbox: Mailbox<Worker.LoopCommand>?
    /// How much longer everything takes here than on a quick machine.
    var slowness = 1
    /// How often its process was started.
    private(set) var lifeCount = 0

    init(_ name: WorkerName, in world: SimulatedCluster) {
        self.name = name
        self.world = world
        process = Process("\(name)")
        process.end()
    }

    // MARK: Its life

    func start() throws {
        guard !process.isAlive else { return }
        lifeCount += 1
        let process = Process("\(name)")
        self.process = process
        let inbox = try Mailbox<Worker.LoopCommand>(limit: Worker.LoopCommand.queueLimit)
        let steps = try Mailbox<Worker.StepCommand>(limit: Worker.StepCommand.queueLimit)
        let machine = world.model.machine(name, memoryByteCount: world.memoryByteCount)
        let dial = dialer(for: process)
        let figures = Latest(Worker.StepFigures())
        let step = Worker.StepLoop(
            machine: machine,
            inbox: steps,
            clock: world.agenda.time.clock,
            figures: figures,
            dial: dial
        ) { [unowned self] in
            if !inbox.post($0) { world.fail("\(name)'s loop mailbox is full") }
        }
        let control = Worker.ControlLoop(
            machine: machine,
            surroundings: .init(
                clock: world.agenda.time.clock,
                seed: world.chance.number(),
                dial: dial,
                startLoad: { [unowned self] in
                    self.startLoad($0.experts, $0.id, $0.pace, reports: inbox)
                },
                availableMemory: { nil },
                residentMemory: { 0 }
            ),
            steps: steps,
            inbox: inbox,
            figures: figures,
            logger: world.story.logger("\(name)", time: world.agenda.time)
        )
        self.inbox = inbox
        self.step = step
        self.control = control
        world.add(loop(control, inbox, process))
        world.add(loop(step, steps, process))
    }

    func crash(isNoticed: Bool) {
        guard process.isAlive else { return }
        process.end()
        world.network.remove(process, isNoticed: isNoticed)
        forget()
    }

    /// Asks it to finish what it computes and leave, as SIGTERM does.
    func drain() { _ = inbox?.post(.drain) }

    private func forget() {
        step = nil
        control = nil
        inbox = nil
    }

    // MARK: Its threads

    private func loop(
        _ control: Worker.ControlLoop,
        _ inbox: Mailbox<Worker.LoopCommand>,
        _ process: Process
    ) -> Loop {
        Loop(process) { [unowned self] in
            // The first turn needs no reason.
            world.hasMail(in: inbox) || (control.socket as? SimulatedSocket)?.hasArrivals == true
                || control.nextDeadline == nil
        } turn: { [unowned self] in
            do {
                try control.turn()
            } catch {
                world.fail("worker \(name) ended: \(error)")
            }
            if control.isOver { exit(process) }
            return control.nextDeadline
        }
    }

    private func loop(
        _ step: Worker.StepLoop,
        _ steps: Mailbox<Worker.StepCommand>,
        _ process: Process
    ) -> Loop {
        Loop(process) { [unowned self] in
            world.chance.time(50...2000) * slowness
        } hasInput: { [unowned self] in
            world.hasMail(in: steps) || (step.socket as? SimulatedSocket)?.hasArrivals == true
        } turn: { [unowned self] in
            do {
                // As a thread that has rested, only sooner.
                if try !step.turn() { step.releaseMemory() }
            } catch {
                world.fail("worker \(name)'s step thread ended: \(error)")
            }
            return nil
        }
    }

    /// The process ends by itself; its last words still leave.
    private func exit(_ process: Process) {
        guard self.process === process else { return }
        process.end()
        forget()
        restart(within: 8_000_000)
    }

    /// Its supervisor starts it again, sooner or later.
    func restart(within microseconds: Int) {
        world.agenda.after(world.chance.scaledTime(10_000...microseconds)) { [unowned self] in
            guard !process.isAlive else { return }
            world.note("\(name) starts")
            world.startAgain { try start() }
        }
    }

    private func dialer(for process: Process) -> Dial {
        { [unowned world] (endpoint, options) throws(MessagingError) in
            world.network.dial(endpoint, options: options, by: process, isHarsh: true)
        }
    }

    // MARK: Its disk

    private final class Load: ExpertLoad {
        let id: LoadID
        private(set) var isCancelled = false

        init(_ id: LoadID) { self.id = id }

        func cancel() { isCancelled = true }
    }

    private func startLoad(
        _ experts: [WorkerSession.AssignedExpert],
        _ id: LoadID,
        _ pace: Pace,
        reports: Mailbox<Worker.LoopCommand>
    ) -> any ExpertLoad {
        let load = Load(id)
        let process = process
        let parts = experts.map(\.part)
        let fails = world.chance.happens(world.faults.loadFailures)
        let time = world.chance.scaledTime(1000...world.faults.loadTime)
        let bytes = parts.reduce(0) { $0 + world.model.served.file.byteCount(of: $1) }
        world.agenda.after(max(time, pace.time(of: bytes))) { [unowned world] in
            guard process.isAlive, !load.isCancelled else { return }
            if fails {
                _ = reports.post(.loadFailed(id, .unreadable, "the simulated disk failed"))
            } else {
                let experts = parts.compactMap { world.model.weights[$0] }
                _ = reports.post(.loaded(id, parts, experts.map { .weights($0) }))
            }
        }
        return load
    }
}
