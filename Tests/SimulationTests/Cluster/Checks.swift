import Cluster
import Coordinator
import Messaging
import Model
import Placement
import Wire
import Worker

/// Watches what is sent: no worker computes a share twice, no step goes back to an earlier plan,
/// and no two processes live under one number.
struct ShareCheck {
    private struct Answer: Hashable {
        let worker: String
        let share: ShareID
        let attempt: UInt32
    }

    private var answers: Set<Answer> = []
    /// A worker may forget what it computed when it is welcomed anew.
    private var lastWelcomes: [String: Instant] = [:]
    /// Which process was given a number for its life; no other may have it.
    private var lives: [Incarnation: Process] = [:]
    /// What a worker was told to hold under an epoch: always the same, over all lives of the
    /// coordinator.
    private var assignments: [Epoch: [WorkerName: [ExpertSlice]]] = [:]
    /// Of the last share that a life of the coordinator sent.
    private var lastEpochs: [UInt32: Epoch] = [:]
    private(set) var shareCount = 0
    private(set) var answerCount = 0

    mutating func see(
        _ frames: [[UInt8]],
        at endpoint: Endpoint,
        by process: Process,
        to receiver: Process,
        in world: SimulatedCluster
    ) {
        guard endpoint == .simulatedShares else {
            if endpoint == .simulatedCoordinator { seeControl(frames, to: receiver, in: world) }
            return
        }
        let message: DataMessage
        do {
            message = try DataMessage(frames: frames)
        } catch {
            return world.fail("\(process.name) sent what nobody can read: \(error)")
        }
        switch message {
        case .share(let share):
            shareCount += 1
            seeEpoch(of: share.header, in: world)
        case .partialRows(let rows):
            answerCount += 1
            let id = rows.header.id
            let answer = Answer(worker: process.name, share: id, attempt: rows.header.attempt)
            let isNew = answers.insert(answer).inserted
            let welcome = lastWelcomes[process.name] ?? Instant(nanoseconds: .min)
            if !isNew, world.agenda.now - welcome > Self.welcomeTime {
                world.fail("\(process.name) computed share \(id) twice")
            }
        // One that is awaited is a fault, see the coordinator's host; a late copy may be refused.
        case .shareRefused: break
        case .hint, .outlook: break
        }
    }

    /// A welcome is under way no longer than this.
    private static let welcomeTime = Duration.seconds(15)

    /// Steps follow one plan after the other, never an earlier one again.
    private mutating func seeEpoch(of share: ShareHeader, in world: SimulatedCluster) {
        let life = UInt32(truncatingIfNeeded: share.id.rawValue >> 32)
        let last = lastEpochs[life] ?? share.epoch
        lastEpochs[life] = max(last, share.epoch)
        if share.epoch < last {
            world.fail("share \(share.id) is of epoch \(share.epoch) after one of \(last)")
        }
    }

    private mutating func seeControl(
        _ frames: [[UInt8]],
        to worker: Process,
        in world: SimulatedCluster
    ) {
        do {
            switch try ControlMessage(frames: frames) {
            case .welcome(let welcome): seeWelcome(welcome, to: worker, in: world)
            case .assignment(let assignment): seeAssignment(assignment, to: worker, in: world)
            default: return
            }
        } catch {
            world.fail("a control message to \(worker.name) cannot be read: \(error)")
        }
    }

    private mutating func seeWelcome(
        _ welcome: Welcome,
        to worker: Process,
        in world: SimulatedCluster
    ) {
        lastWelcomes[worker.name] = world.agenda.now
        let process = lives[welcome.incarnation, default: worker]
        lives[welcome.incarnation] = worker
        if process !== worker {
            world.fail("\(worker.name) has a number that another life had")
        }
    }

    /// Nobody is told to hold more than it can, or under one epoch two different things.
    private mutating func seeAssignment(
        _ assignment: Assignment,
        to worker: Process,
        in world: SimulatedCluster
    ) {
        let byteCount = assignment.experts.reduce(0) {
            $0 + world.model.served.file.byteCount(of: $1)
        }
        if byteCount > world.memoryByteCount {
            world.fail("\(worker.name) is to hold \(byteCount) of \(world.memoryByteCount) bytes")
        }
        guard let name = WorkerName(rawValue: worker.name) else { return }
        let known = assignments[assignment.epoch, default: [:]]
        assignments[assignment.epoch, default: [:]][name] = assignment.experts
        if let former = known[name], former != assignment.experts {
            world.fail("epoch \(assignment.epoch) means two things to \(worker.name)")
        }
    }
}

/// Checks that the workers hold what the plan on disk gives them, and nothing else.
enum ResidencyCheck {
    static func run(_ world: SimulatedCluster) {
        do {
            let state = try StateDirectory(path: world.directoryPath)
            guard let plan = try state.plan() else { return world.fail("there is no plan") }
            for worker in world.workers {
                let planned = plan.index(of: worker.name).map { plan.slices(of: $0) } ?? []
                let held = worker.step?.heldSlices ?? []
                if held != planned {
                    world.fail("\(worker.name) holds \(held), the plan gives it \(planned)")
                }
            }
        } catch {
            world.fail("the plan cannot be read: \(error)")
        }
    }
}

extension Endpoint {
    static let simulatedShares: Endpoint = {
        do {
            return try Endpoint(CoordinatorHost.dataEndpoint)
        } catch {
            preconditionFailure("\(error)")
        }
    }()
}
