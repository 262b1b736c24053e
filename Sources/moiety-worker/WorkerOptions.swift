import ArgumentParser
import Model

/// The worker's settings as options, named like in the settings file.
///
/// Values are texts here; `WorkerSettings` reads and checks them like those of other places.
struct WorkerOptions: ParsableArguments {
    @Option(help: "What plans call this worker.")
    var name: String?

    @Option(name: [.short, .long], help: "The GGUF file on this machine, or its first part.")
    var model: String?

    @Option(help: "Where to look for the coordinator's model file where none is named.")
    var modelDirectory: String?

    @Option(help: "Where experts are kept that came from the coordinator.")
    var cacheDirectory: String?

    @Option(help: "Bytes that they may take there, 20GB say; 0 keeps none.")
    var cacheSize: String?

    @Option(help: "The coordinator's endpoint for workers.")
    var coordinator: String?

    @Option(help: "The worker's secret key.")
    var keyFile: String?

    @Option(help: "The file with the coordinator's public key.")
    var coordinatorKey: String?

    @Option(help: "Where verified digests are kept.")
    var stateDirectory: String?

    @Option(name: [.short, .long], help: "Threads for mathematics; 0 means one per core.")
    var threads: String?

    @Option(help: "CPUs to bind those threads to, one each: 0,2 or 0-3.")
    var cpus: String?

    @Option(help: "Threads that read and verify experts; 0 means one per core.")
    var loadThreads: String?

    @Option(help: "How much memory experts may fill, in millions of bytes.")
    var memoryMegabytes: String?

    @Option(
        help: """
            Memory that this process may take, like 4GiB. Experts of its model file stay on disk \
            then, and are read when they are chosen; answers stay the same.
            """
    )
    var memory: String?

    @Option(
        help: """
            With --memory: \(LossyKind.names) gives accuracy for speed; the coordinator must be \
            told to take such workers, and jobs say how inexact they are.
            """
    )
    var lossy: String?

    @Option(help: "With --lossy: in how many bits experts are held then: \(LowTierChoice.names).")
    var lowTier: String?

    @Option(help: "How long to look for shares before sleeping, in microseconds.")
    var spinMicroseconds: String?

    @Option(help: "Whether the system must not swap this process out: true or false.")
    var lockMemory: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?

    /// Values that were given, by whole key.
    var given: [String: String] {
        let values = [
            "name": name, "model": model, "model-directory": modelDirectory,
            "cache-directory": cacheDirectory, "cache-size": cacheSize, "coordinator": coordinator,
            "key-file": keyFile, "coordinator-key": coordinatorKey,
            "state-directory": stateDirectory, "threads": threads, "cpus": cpus,
            "load-threads": loadThreads, "memory-megabytes": memoryMegabytes,
            "memory": memory, "lossy": lossy, "low-tier": lowTier,
            "spin-microseconds": spinMicroseconds, "lock-memory": lockMemory,
            "log-level": logLevel,
        ]
        let pairs = values.compactMap { name, value in value.map { ("worker.\(name)", $0) } }
        return Dictionary(uniqueKeysWithValues: pairs)
    }
}
