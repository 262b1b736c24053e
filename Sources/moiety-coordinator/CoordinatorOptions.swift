import ArgumentParser

/// The coordinator's settings as options, named like in the settings file.
///
/// Values are texts here; `CoordinatorSettings` reads and checks them like those of other places.
struct CoordinatorOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "The GGUF file, or its first part.")
    var model: String?

    @Option(help: "Where workers connect.")
    var workerEndpoint: String?

    @Option(help: "Where activations and partial results travel.")
    var dataEndpoint: String?

    @Option(help: "Where workers ask for experts that they have no file with.")
    var chunkEndpoint: String?

    @Option(help: "Bytes of such experts that may leave in a second, 100MB say; 0: no bound.")
    var chunkBandwidth: String?

    @Option(help: "Where clients connect.")
    var clientEndpoint: String?

    @Option(help: "The coordinator's secret key, where other machines connect.")
    var keyFile: String?

    @Option(help: "The list of keys that may connect; see 'moiety keys'.")
    var allowedKeys: String?

    @Option(help: "Where HTTP is served; none for nowhere.")
    var httpEndpoint: String?

    @Option(help: "A file with the keys of those who may use HTTP.")
    var apiKeys: String?

    @Option(help: "The HTTP server's certificate (PEM), for TLS.")
    var tlsCertificate: String?

    @Option(help: "The secret key that belongs to it.")
    var tlsKey: String?

    @Option(help: "A file with a chat template instead of the model's own.")
    var chatTemplate: String?

    @Option(help: "Jobs under way that each of those keys may have; 0 for no limit.")
    var apiKeyJobs: String?

    @Option(help: "HTTP connections at once.")
    var httpConnections: String?

    @Option(help: "Most bytes of an HTTP request's body.")
    var httpBody: String?

    @Option(help: "Where the plan and its number are kept.")
    var stateDirectory: String?

    @Option(help: "A plan file: which worker holds which expert.")
    var plan: String?

    @Option(help: "Workers to wait for before serving: how many, or their names with commas.")
    var workers: String?

    @Option(help: "Whether workers may be lossy, true or false; answers are exact otherwise.")
    var lossy: String?

    @Option(help: "Whether workers load from disk what is expected, while idle: true or false.")
    var idleLoading: String?

    @Option(name: [.short, .long], help: "Threads for mathematics; 0 means one per core.")
    var threads: String?

    @Option(help: "CPUs to bind those threads to, one each: 0,2 or 0-3.")
    var cpus: String?

    @Option(help: "Longest job in tokens, prompt and answer together.")
    var contextLength: String?

    @Option(help: "How keys and values are kept: f16, or q8_0 in little more than half the memory.")
    var kvType: String?

    @Option(help: "Bytes of them that running jobs may have, 4GB say; 0: what they can need.")
    var kvMemory: String?

    @Option(help: "Whose jobs begin with what was computed before: key, all or off.")
    var prefixCache: String?

    @Option(help: "Bytes kept for that; 0: what running jobs leave.")
    var prefixCacheMemory: String?

    @Option(help: "Jobs that are computed together.")
    var runningJobs: String?

    @Option(help: "Jobs that may wait.")
    var queuedJobs: String?

    @Option(help: "Which of them come in first: by objectives, or by arrival.")
    var admission: String?

    @Option(help: "Prompt tokens computed in one step.")
    var prefillRows: String?

    @Option(help: "Parts of a step that are under way at once.")
    var microBatches: String?

    @Option(help: "Rows after which a counted row counts half; 0 counts nothing.")
    var profileHalfLife: String?

    @Option(help: "Tasks whose rows are counted apart.")
    var profileTasks: String?

    @Option(help: "How long after rows were counted the counts are saved; 0s keeps none.")
    var profileSaveInterval: String?

    @Option(help: "Megabytes that a trace of all steps may take.")
    var traceMegabytes: String?

    @Option(help: "Percent above the mean at which the busiest worker is relieved; 0 for never.")
    var rebalanceImbalance: String?

    @Option(help: "How long to leave the plan alone after a search for a better one.")
    var rebalancePause: String?

    @Option(help: "Jobs that have ended and can still be asked for.")
    var ledgerJobs: String?

    @Option(help: "How long each can be asked for.")
    var ledgerAge: String?

    @Option(help: "Megabytes that the file with all jobs may have.")
    var ledgerMegabytes: String?

    @Option(help: "How long to look for answers before sleeping, in microseconds.")
    var spinMicroseconds: String?

    @Option(help: "How often each worker says that it lives.")
    var heartbeatInterval: String?

    @Option(help: "A worker silent for this long counts as lost.")
    var silenceLimit: String?

    @Option(help: "Longest time a worker may take over one share.")
    var shareTime: String?

    @Option(help: "How long a job waits for missing workers.")
    var workerWait: String?

    @Option(help: "How long a lost worker is waited for before others load its experts.")
    var recoveryWait: String?

    @Option(help: "How long all must be back before others let go of those experts.")
    var recoveryHold: String?

    @Option(help: "Whether the system must not swap this process out: true or false.")
    var lockMemory: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?

    /// Values that were given, by whole key.
    var given: [String: String] {
        let values = [
            "model": model, "worker-endpoint": workerEndpoint, "data-endpoint": dataEndpoint,
            "chunk-endpoint": chunkEndpoint, "chunk-bandwidth": chunkBandwidth,
            "client-endpoint": clientEndpoint,
            "key-file": keyFile, "allowed-keys": allowedKeys,
            "http-endpoint": httpEndpoint, "api-keys": apiKeys, "api-key-jobs": apiKeyJobs,
            "tls-certificate": tlsCertificate, "tls-key": tlsKey, "chat-template": chatTemplate,
            "http-connections": httpConnections, "http-body": httpBody,
            "state-directory": stateDirectory, "plan": plan,
            "workers": workers, "lossy": lossy, "idle-loading": idleLoading,
            "threads": threads, "cpus": cpus,
            "context-length": contextLength,
            "kv-type": kvType, "kv-memory": kvMemory, "prefix-cache": prefixCache,
            "prefix-cache-memory": prefixCacheMemory, "running-jobs": runningJobs,
            "queued-jobs": queuedJobs, "admission": admission, "prefill-rows": prefillRows,
            "micro-batches": microBatches,
            "profile-half-life": profileHalfLife, "profile-tasks": profileTasks,
            "profile-save-interval": profileSaveInterval,
            "trace-megabytes": traceMegabytes,
            "rebalance-imbalance": rebalanceImbalance, "rebalance-pause": rebalancePause,
            "ledger-jobs": ledgerJobs, "ledger-age": ledgerAge,
            "ledger-megabytes": ledgerMegabytes,
            "spin-microseconds": spinMicroseconds, "lock-memory": lockMemory,
            "heartbeat-interval": heartbeatInterval,
            "silence-limit": silenceLimit, "share-time": shareTime, "worker-wait": workerWait,
            "recovery-wait": recoveryWait, "recovery-hold": recoveryHold, "log-level": logLevel,
        ]
        let pairs = values.compactMap { name, value in value.map { ("coordinator.\(name)", $0) } }
        return Dictionary(uniqueKeysWithValues: pairs)
    }
}
