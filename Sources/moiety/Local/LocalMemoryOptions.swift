import ArgumentParser
import Experts
import Model
import Placement
import Settings
import Terminal

/// How much memory this process may have, and what is known of the work that experts are chosen
/// for.
struct LocalMemoryOptions: ParsableArguments {
    @OptionGroup var budget: MemoryBudgetOptions

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

    /// Bytes; nil where nothing is limited.
    var memory: Int? { budget.memory }

    /// Nil for exact answers.
    var lossy: LossyName? { budget.mode.lossy }

    func validate() throws {
        guard profile.isEmpty || lossy == .emoe else {
            throw ValidationError("--profile is for --lossy \(LossyName.emoe.name)")
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
    func allowance(for work: Work = Work()) throws -> MemoryAllowance? {
        let tasks = work.profiles.map {
            ExpertUses(rows: $0.rows, counts: $0.layers.map(\.activations))
        }
        return try budget.allowance(emoe: EmoeOptions(tasks: tasks))
    }
}
