import Cluster
import Coordinator
import Foundation
import Model
import Placement

/// Brings faults upon a cluster, one after another, as the seed has it.
final class Trouble {
    private unowned let world: SimulatedCluster
    private var chance: Chance { world.chance }

    init(_ world: SimulatedCluster) { self.world = world }

    func begin() {
        world.network.weather = world.faults.weather
        next()
    }

    private func next() {
        world.agenda.after(chance.time(world.faults.pause)) { [self] in
            guard let kind = chance.pick(world.faults.kinds) else { return }
            strike(kind)
            next()
        }
    }

    func strike(_ kind: Faults.Kind) {
        guard let worker = chance.pick(world.workers) else { return }
        switch kind {
        case .workerCrash: crash(worker, isNoticed: true)
        case .workerPowerLoss: crash(worker, isNoticed: false)
        case .workerFreeze: freeze(worker.process, longest: 9_000_000)
        case .workerDrain: drain(worker)
        case .slowWorker: slow(worker)
        case .coordinatorCrash: crashCoordinator()
        case .coordinatorStop: stopCoordinator()
        case .coordinatorFreeze: freeze(world.coordinator.process, longest: 6_000_000)
        case .planChange:
            let isForNextLife = chance.happens(0.3) && !world.isShortOfMemory
            isForNextLife ? changePlan() : changePlanLive()
        case .brokenConnection: breakConnection(of: worker)
        case .partition: partition(worker)
        // These are always there, or belong to clients.
        case .loadFailure, .slowDisk, .loss, .duplication, .reordering, .slowNetwork,
            .clientLeaves, .cancellation:
            return
        }
        world.faultCount += 1
    }

    // MARK: Processes

    private func crash(_ worker: WorkerHost, isNoticed: Bool) {
        world.note("\(worker.name) crashes\(isNoticed ? "" : " with its machine")")
        worker.crash(isNoticed: isNoticed)
        worker.restart(within: 8_000_000)
    }

    private func drain(_ worker: WorkerHost) {
        world.note("\(worker.name) is asked to leave")
        worker.drain()
    }

    private func freeze(_ process: Process, longest: Int) {
        guard process.runs else { return }
        world.note("\(process.name) freezes")
        process.isFrozen = true
        world.agenda.after(chance.scaledTime(10_000...longest)) { [world] in
            world.note("\(process.name) goes on")
            process.isFrozen = false
        }
    }

    private func slow(_ worker: WorkerHost) {
        world.note("\(worker.name) is slow")
        worker.slowness = chance.pick([10, 100, 1000]) ?? 1
        world.agenda.after(chance.scaledTime(100_000...6_000_000)) { worker.slowness = 1 }
    }

    private func crashCoordinator() {
        world.note("the coordinator crashes")
        world.coordinator.crash()
        world.coordinator.restart(within: 6_000_000)
    }

    private func stopCoordinator() {
        world.note("the coordinator is asked to stop")
        world.coordinator.stop()
    }

    /// The operator writes another plan; the coordinator's next life takes it.
    func changePlan() {
        let plan = world.randomPlan()
        world.startAgain { try world.usePlan(plan) }
        world.note("another plan is to be used")
        stopCoordinator()
    }

    /// The operator wants another plan at once, while jobs go on.
    func changePlanLive() {
        world.note("another plan is to come while jobs go on")
        world.clients.first?.wish(world.randomPlan())
    }

    // MARK: Network

    private func breakConnection(of worker: WorkerHost) {
        guard let link = chance.pick(world.network.links(of: worker.process)),
            let session = link.session
        else { return }
        world.note("the connection of \(worker.name) to \(link.endpoint) breaks")
        world.network.end(session)
    }

    /// One way or both, one socket's connection or all; later it heals or breaks.
    private func partition(_ worker: WorkerHost) {
        let all = world.network.links(of: worker.process)
        let links = chance.happens(0.5) ? all : chance.pick(all).map { [$0] } ?? []
        let way = chance.number(0...2)
        world.note("\(worker.name) is cut off, way \(way), on \(links.count) connections")
        for link in links {
            world.network.block(link, toRouter: way != 1, toDealer: way != 0)
        }
        let breaks = chance.happens(0.4)
        world.agenda.after(chance.scaledTime(10_000...9_000_000)) { [world] in
            world.note("\(worker.name) is reachable\(breaks ? ", by new connections" : "")")
            for link in links {
                if breaks, let session = link.session { world.network.end(session) }
                world.network.block(link, toRouter: false, toDealer: false)
            }
        }
    }
}
