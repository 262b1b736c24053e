import Messaging

/// What goes wrong in one simulation, and how much.
///
/// Swarm style: every kind of fault is left out of about half of all seeds, so that some of them
/// meet alone.
struct Faults {
    enum Kind: String, CaseIterable {
        case workerCrash, workerPowerLoss, workerFreeze, workerDrain, slowWorker, loadFailure,
            slowDisk
        case coordinatorCrash, coordinatorStop, coordinatorFreeze, planChange
        case brokenConnection, partition, loss, duplication, reordering, slowNetwork
        case clientLeaves, cancellation
    }

    var kinds: [Kind]
    /// Between two faults that come and go, in microseconds.
    var pause: ClosedRange<Int>
    var weather = SimulatedNetwork.Weather()
    var loadFailures = 0.0
    /// The longest time in microseconds that experts take to load.
    var loadTime = 3_000_000

    static let none = Faults(kinds: [], pause: 1_000_000...1_000_000)

    func has(_ kind: Kind) -> Bool { kinds.contains(kind) }

    static func random(_ chance: Chance) -> Faults {
        let kinds = Kind.allCases.filter { _ in chance.happens(0.5) }
        let longest = chance.number(1...6) * 1_000_000
        var faults = Faults(kinds: kinds, pause: 20_000...longest)
        if faults.has(.slowNetwork) {
            faults.weather.delay = 500...(chance.number(1...300) * 1000)
        }
        if faults.has(.loss) { faults.weather.losses = chance.pick([0.01, 0.1, 0.3]) ?? 0 }
        if faults.has(.duplication) {
            faults.weather.duplicates = chance.pick([0.01, 0.1, 0.5]) ?? 0
        }
        if faults.has(.reordering) {
            faults.weather.reorders = chance.pick([0.01, 0.1, 0.5]) ?? 0
        }
        if faults.has(.slowDisk) { faults.loadTime = 20_000_000 }
        if faults.has(.loadFailure) { faults.loadFailures = chance.pick([0.1, 0.5]) ?? 0 }
        return faults
    }
}
