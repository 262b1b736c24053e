public import ArgumentParser
public import Experts
import Placement
import Settings
import Storage

/// How much memory this process may have, and where experts are that do not fit.
struct MemoryBudgetOptions: ParsableArguments {
    @Option(
        help: """
            Memory that this process may take, like 4GiB. Experts that do not fit are read from \
            disk when they are chosen; the answer stays the same. Default: what it needs.
            """,
        transform: Self.size
    )
    var memory: Int?

    @Option(
        help: """
            Trade accuracy for speed where experts do not fit: hobbit reads those that weigh \
            little in fewer bits, or not at all; resident keeps all of them in memory in fewer \
            bits, and never waits; emoe keeps those that the task uses most, and takes no others. \
            Default: answers stay exact.
            """
    )
    var lossy: LossyOptions.ModeName?

    @Option(
        help: """
            Which experts a task uses, for emoe: a file from 'moiety admin profile dump' or \
            'moiety-bench profile'; once for each task that may come. Default: what the first \
            prompt uses.
            """
    )
    var profile: [String] = []

    @Option(help: "The task that comes: of the profiles, only this one's is used.")
    var task: String?

    @Option(help: "A file of tasks and their keywords: the prompt's words say which task it is.")
    var tasks: String?

    @Option(help: "What experts have then in fewer bits: q4, q3 or q2. Default: q3.")
    var lowTier: LossyOptions.TierName?

    @Option(
        help: """
            How much columns of their matrices matter, for rounding them to fewer bits: a file of \
            moiety-bench importance.
            """
    )
    var importance: String?

    @Option(help: "Where they lie then, instead of the directory in the worker's settings.")
    var cacheDirectory: String?

    @Option(
        help: "What that directory may take, like 200GB, instead of what the settings say.",
        transform: Self.cacheSize
    )
    var cacheSize: Int?

    func validate() throws {
        guard lossy == nil || memory != nil else {
            throw ValidationError("--lossy is for experts that do not fit; say how much --memory")
        }
        guard lowTier == nil || lossy?.hasTiers == true else {
            throw ValidationError("--low-tier is for --lossy hobbit or resident")
        }
        guard lowTier != LossyOptions.TierName.none else {
            throw ValidationError("--lossy needs a low tier; --low-tier is none")
        }
        guard importance == nil || lossy?.hasTiers == true else {
            throw ValidationError("--importance is for --lossy hobbit or resident")
        }
        guard profile.isEmpty || lossy == .emoe else {
            throw ValidationError("--profile is for --lossy emoe")
        }
        guard (task == nil && tasks == nil) || !profile.isEmpty else {
            throw ValidationError("a task chooses among profiles; give them with --profile")
        }
        guard task == nil || tasks == nil else {
            throw ValidationError("--task says what --tasks would find out; leave out one")
        }
    }

    /// What is known of the work to come.
    struct Work {
        /// That experts are chosen for; nil where they are for all that may come.
        var task: String?
        /// Of that task, or of all.
        var profiles: [Profile] = []
    }

    private func lossyOptions(_ work: Work) -> LossyOptions? {
        guard let lossy else { return nil }
        let emoe = EmoeOptions(
            tasks: work.profiles.map {
                ExpertUses(rows: $0.rows, counts: $0.layers.map(\.activations))
            }
        )
        return LossyOptions(lossy, tier: lowTier ?? .q3, importance: importance, emoe: emoe)
    }

    /// What is known of a prompt's task, where that is said or its words tell, or else of all.
    func work(of prompt: [UInt8]) throws -> Work {
        let all = try profile.map { try InputFile.profile($0) }
        let words = try tasks.flatMap {
            try TasksFile(path: $0).task(of: String(decoding: prompt, as: UTF8.self))
        }
        guard let name = task ?? words else { return Work(profiles: all) }
        let chosen = all.filter { $0.task == name }
        guard chosen.isEmpty else { return Work(task: name, profiles: chosen) }
        // Words may tell of a task that nobody has counted.
        guard task != nil else { return Work(profiles: all) }
        throw CommandFailure(
            "none of the profiles is of task '\(name)'",
            code: CommandFailure.dataError
        )
    }

    /// Nil where nothing is limited.
    func budget(for work: Work = Work()) throws -> MemoryAllowance? {
        guard let memory else { return nil }
        var given: [String: String] = [:]
        given["worker.cache-directory"] = cacheDirectory
        given["worker.cache-size"] = cacheSize.map { "\($0)" }
        let settings = try WorkerSettings.load(commandLine: given)
        return MemoryAllowance(
            byteCount: memory,
            cache: try ExpertCache(
                path: settings.cacheDirectory,
                byteLimit: settings.cacheByteCount
            ),
            lossy: lossyOptions(work)
        )
    }

    static func size(_ text: String) throws -> Int {
        guard let size = ByteCountText.byteCount(of: text), size > 0 else {
            throw ValidationError("--memory is '\(text)'; it must be like 4GiB or 500MB")
        }
        return size
    }

    private static func cacheSize(_ text: String) throws -> Int {
        guard let size = ByteCountText.byteCount(of: text) else {
            throw ValidationError("--cache-size is '\(text)'; it must be like 500MB, 200GB or 0")
        }
        return size
    }
}

extension LossyOptions.ModeName: ExpressibleByArgument {}
extension LossyOptions.TierName: ExpressibleByArgument {}
