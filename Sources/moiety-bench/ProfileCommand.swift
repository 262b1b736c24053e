import ArgumentParser
import Benchmarking
import Foundation
import Kernels
import Model
import Placement
import Terminal

struct ProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "Counts which experts texts use, for moiety run --lossy emoe.",
        discussion: """
            Each text is a task. For each a profile file is written, TASK.json, as 'moiety admin \
            profile dump' writes them, but without pairs of experts.
            """
    )

    @Option(name: [.short, .long], help: "The model: a GGUF file, or its first part.")
    var model: String

    @OptionGroup var texts: TextOptions

    @Option(help: "The directory for the profiles, made where there is none.")
    var directory = "."

    @OptionGroup var threads: ThreadOptions

    func validate() throws {
        for path in texts.text {
            let task = TextOptions.task(of: path)
            guard Profile.isTask(task) else {
                throw ValidationError("'\(task)' cannot name a task: give the file a plain name")
            }
        }
    }

    func run() throws {
        let file = try ModelFile(path: model)
        let kernels = try threads.kernels()
        let texts = try texts.read(file)
        let directory = URL(filePath: directory)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let counting = try UseCounting(file, kernels: kernels, progress: showLoading)
        kernels.pool.bindCaller()
        for (task, windows) in texts {
            Console.progress("\(task): counting")
            let profile = try counting.profile(of: task, windows)
            let url = directory.appending(path: task + ".json")
            try Data(profile.json()).write(to: url, options: .atomic)
            Console.write("\(url.path): \(Format.count(Int(profile.rows), "token"))\n")
        }
    }
}
