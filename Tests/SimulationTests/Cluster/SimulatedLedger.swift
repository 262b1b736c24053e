import Cluster
import Ledger
import Messaging

/// The coordinator's job ledger: what was committed outlives its processes, all else does not.
///
/// The real one, in memory. Its disk takes its time, in which more may come together.
final class SimulatedLedger {
    let store: LedgerStore
    private unowned let world: SimulatedCluster
    /// Apart from the world's, so that what else a seed draws stays as it is.
    private let chance: Chance
    private(set) var loop: LedgerLoop?

    init(in world: SimulatedCluster) throws {
        self.world = world
        chance = Chance(seed: world.seed &* 31 &+ 7)
        store = try LedgerStore(path: nil) { 0 }
    }

    /// The ledger's thread in one life of the coordinator.
    func start(
        by process: Process,
        report: @escaping (LedgerReport) -> Void
    ) throws -> Mailbox<LedgerCommand> {
        let inbox = try Mailbox<LedgerCommand>(limit: LedgerCommand.queueLimit)
        let store = store
        var hasBegun = false
        let loop = LedgerLoop(inbox: inbox) { () throws(LedgerError) in
            store
        } report: { answer in
            guard process.isAlive else { return }
            report(answer)
        }
        self.loop = loop
        world.add(
            Loop(process, lasting: { [chance] in chance.time(20...200_000) }) { [unowned world] in
                !hasBegun || world.hasMail(in: inbox)
            } turn: {
                hasBegun = true
                loop.turn()
                return .distantFuture
            }
        )
        return inbox
    }

    /// What is on disk of a job; nil for none of that name.
    func entry(_ name: String) -> LedgerEntry? {
        do throws(LedgerError) {
            guard let id = JobID(name) else { return nil }
            return try store.entry(id)
        } catch {
            world.fail("the ledger cannot be read: \(error)")
            return nil
        }
    }

    /// Every job that was recorded, oldest first.
    func all() -> [LedgerEntry] {
        do throws(LedgerError) {
            return try store.latest(10_000)
        } catch {
            world.fail("the ledger cannot be read: \(error)")
            return []
        }
    }
}
