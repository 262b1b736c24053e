import Cluster
import Coordinator
import Foundation
import Ledger
import Logging
import Messaging
import Model
import Placement
import Settings

/// The machine with the coordinator: the daemon's own loops on simulated threads and sockets.
///
/// Its state directory is a real one and outlives its processes.
final class CoordinatorHost {
    private unowned let world: SimulatedCluster
    private(set) var process = Process("coordinator")
    private(set) var life: UInt32 = 0
    private(set) var control: Coordinator.ControlLoop?
    private var stepLoop: Coordinator.StepLoop?
    private var inbox: Mailbox<Coordinator.LoopCommand>?
    private var steps: Mailbox<Coordinator.StepCommand>?
    private var data: SimulatedSocket?
    /// Nil where nothing is recorded.
    private(set) lazy var ledger = world.makeLedger()
    /// When its disk has written all that it was given.
    private var diskFree = Instant(nanoseconds: 0)
    /// A plan that the operator wants from the next life on.
    var planPath: String?

    static let workerEndpoint = "inproc://workers"
    static let clientEndpoint = "inproc://clients"
    static let dataEndpoint = "inproc://shares"

    init(in world: SimulatedCluster) {
        self.world = world
        process.end()
    }

    var isAlive: Bool { process.isAlive }

    // MARK: Its life

    func start() throws {
        guard !process.isAlive else { return }
        let process = Process("coordinator")
        self.process = process
        let settings = try world.settings(planPath: planPath)
        let state = try StateDirectory(path: settings.stateDirectory)
        life = try state.beginLife()
        let inbox = try Mailbox<Coordinator.LoopCommand>(limit: Coordinator.LoopCommand.queueLimit)
        let steps = try Mailbox<Coordinator.StepCommand>(limit: Coordinator.StepCommand.queueLimit)
        self.inbox = inbox
        self.steps = steps
        try startLoop(settings, state, process, inbox: inbox, steps: steps)
        try startSteps(settings, process, inbox: inbox, steps: steps)
    }

    private func startLoop(
        _ settings: CoordinatorSettings,
        _ state: StateDirectory,
        _ process: Process,
        inbox: Mailbox<Coordinator.LoopCommand>,
        steps: Mailbox<Coordinator.StepCommand>
    ) throws {
        let workers = world.network.listen(try Endpoint(Self.workerEndpoint), by: process)
        let clients = world.network.listen(try Endpoint(Self.clientEndpoint), by: process)
        let control = Coordinator.ControlLoop(
            served: world.model.served,
            settings: settings,
            sockets: .init(workers: workers, clients: clients),
            dataEndpoint: try Endpoint(Self.dataEndpoint),
            steps: steps,
            save: { [unowned self] in self.save($0, in: state, for: process, telling: inbox) },
            ledger: try ledger?.start(by: process) { _ = inbox.post(.ledger($0)) },
            start: try StartingPlan(
                model: world.model.served.description,
                settings: settings,
                state: state
            ),
            life: life,
            clock: world.agenda.time.clock,
            inbox: inbox,
            logger: world.story.logger("coordinator", time: world.agenda.time)
        )
        self.control = control
        world.add(
            Loop(process) { [unowned self] in
                world.hasMail(in: inbox) || workers.hasArrivals || clients.hasArrivals
            } turn: { [unowned self] in
                self.turn(control, process)
            }
        )
    }

    /// The disk: it takes its time, a change after the other, and what a crash precedes is lost.
    private func save(
        _ change: StateChange,
        in state: StateDirectory,
        for process: Process,
        telling inbox: Mailbox<Coordinator.LoopCommand>
    ) {
        let isSlow = world.faults.has(.slowDisk) && world.chance.happens(0.1)
        let time = world.chance.time(isSlow ? 100_000...2_000_000 : 20...5_000)
        diskFree = max(diskFree, world.agenda.now) + time
        world.agenda.after(diskFree - world.agenda.now) { [unowned self] in
            guard process.isAlive else { return }
            do throws(CoordinatorError) {
                try state.save(change)
            } catch {
                self.world.fail("the state cannot be saved: \(error)")
            }
            _ = inbox.post(.saved(change, nil))
        }
    }

    private func startSteps(
        _ settings: CoordinatorSettings,
        _ process: Process,
        inbox: Mailbox<Coordinator.LoopCommand>,
        steps: Mailbox<Coordinator.StepCommand>
    ) throws {
        let data = world.network.listen(try Endpoint(Self.dataEndpoint), by: process)
        self.data = data
        stepLoop = Coordinator.StepLoop(
            served: world.model.served,
            settings: settings,
            socket: data,
            inbox: steps,
            life: life,
            clock: world.agenda.time.clock,
            sleep: { [unowned self] timeout throws(MessagingError) in
                try self.sleep(timeout, of: process)
            },
            report: { [unowned self] report in
                guard process.isAlive else { return }
                if case .broken(let reason) = report { self.world.fail("broken: \(reason)") }
                // Shares go only to who holds what they need, by the plan that both know.
                if case .runner(.refused(let worker, .notHeld, let reason)) = report {
                    self.world.fail("\(worker) was sent a share of what it has not: \(reason)")
                }
                if !inbox.post(.report(report)) {
                    self.world.fail("the coordinator's loop mailbox is full")
                }
            }
        )
    }

    private func turn(_ control: Coordinator.ControlLoop, _ process: Process) -> Instant? {
        do {
            try control.turn()
        } catch {
            world.fail("the coordinator ended: \(error)")
        }
        if control.hasStopped {
            // The ledger's thread writes what it was told before the process ends.
            ledger?.loop?.turn()
            exit(process)
        }
        return control.nextDeadline ?? .distantFuture
    }

    func crash() {
        guard process.isAlive else { return }
        end(process)
        world.network.remove(process, isNoticed: true)
    }

    /// Asks it to end in good order, as SIGTERM does.
    func stop() { _ = inbox?.post(.stop) }

    /// The process ends by itself, after its last words have left.
    private func exit(_ process: Process) {
        guard self.process === process, process.isAlive else { return }
        world.network.retire(process)
        end(process)
        restart(within: 6_000_000)
    }

    /// Its supervisor starts it again, sooner or later.
    func restart(within microseconds: Int) {
        world.agenda.after(world.chance.scaledTime(10_000...microseconds)) { [unowned self] in
            guard !process.isAlive else { return }
            world.note("the coordinator starts")
            world.startAgain { try start() }
        }
    }

    private func end(_ process: Process) {
        process.end()
        control = nil
        inbox = nil
        steps = nil
        data = nil
    }

    // MARK: Its step thread

    /// Runs the step thread's life on the caller's stack; everything else happens while it sleeps.
    func runStepThread() -> Bool {
        guard process.isAlive, let loop = stepLoop else { return false }
        loop.run()
        if stepLoop === loop { stepLoop = nil }
        return true
    }

    /// The step thread's sleep: the rest of the world goes on until something wakes it.
    private func sleep(_ timeout: Duration?, of process: Process) throws(MessagingError) {
        let deadline = timeout.map { world.agenda.now + $0 } ?? .distantFuture
        while true {
            guard process.isAlive, !world.isOver else {
                throw .failed(operation: "sleeping", reason: "the process was killed")
            }
            if process.runs {
                if let steps, let data, world.hasMail(in: steps) || data.hasArrivals {
                    return world.run(for: world.chance.time(1...200))
                }
                guard world.agenda.now < deadline else { return }
            }
            world.advance(to: process.runs ? deadline : .distantFuture)
        }
    }
}
