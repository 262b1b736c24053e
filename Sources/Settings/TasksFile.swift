import Placement

/// Tasks as a file tells them by the words of their prompts (eMoE, arXiv 2503.06823, 4.1).
///
/// `Config/tasks.yaml` shows one. Nothing of it comes from the environment.
public struct TasksFile: Sendable {
    /// Sorted by name.
    private let tasks: [Task]

    private struct Task {
        let name: String
        let keywords: Set<String>
    }

    /// - Throws: `SettingsError` at the first thing that is wrong.
    public init(path: String) throws(SettingsError) {
        guard let file = try SettingsFile(path: path) else {
            throw .unreadableFile(path: path, reason: "there is no such file")
        }
        let sources = try SettingsSources(
            daemon: "tasks",
            commandLine: [:],
            file: path,
            surroundings: Surroundings(variables: [:], userIsRoot: false, hostName: "")
        )
        var known: [String] = []
        var tasks: [Task] = []
        for name in file.names(in: "tasks") {
            guard Profile.isTask(name) else {
                throw .malformedFile(path: path, reason: "\"\(name)\" cannot name a task")
            }
            var reader = SettingsReader(section: "tasks.\(name)", sources: sources)
            let keywords = try reader.value("keywords", .words, default: [])
            tasks.append(Task(name: name, keywords: keywords))
            known += reader.described.map(\.key)
        }
        guard !tasks.isEmpty else {
            throw .malformedFile(path: path, reason: "it describes no tasks")
        }
        try file.refuseOthers(than: known)
        self.tasks = tasks
    }

    public var names: [String] { tasks.map(\.name) }

    /// The task whose keywords a prompt uses most often, the first by name of equal ones; nil where
    /// it uses none.
    public func task(of prompt: String) -> String? {
        let words = Self.words(of: prompt)
        var best: (name: String, count: Int)?
        for task in tasks {
            let count = words.count { task.keywords.contains($0) }
            if count > best?.count ?? 0 { best = (task.name, count) }
        }
        return best?.name
    }

    fileprivate static func words(of text: String) -> [String] {
        text.lowercased().split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init)
    }
}

extension SettingKind<Set<String>> {
    /// Words with spaces or commas between them.
    fileprivate static var words: SettingKind {
        SettingKind(
            allowed: "words with spaces between them, one at least",
            parse: { text in
                let words = Set(TasksFile.words(of: text))
                return words.isEmpty ? nil : words
            },
            text: { $0.sorted().joined(separator: " ") }
        )
    }
}
