import ArgumentParser
import Placement
import Terminal
import Wire

struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Moves a worker's experts to others, while jobs go on, and gives it no more.",
        discussion: """
            Once it holds nothing, its machine may be taken away. Refused where the others have no \
            memory for what it holds.
            """
    )

    @OptionGroup var coordinator: CoordinatorOptions
    @OptionGroup var change: ChangeOptions

    @Argument(help: "A worker, as 'moiety nodes' lists it.")
    var node: String

    func run() async throws {
        try await CommandFailure.report {
            let wish = DrainNode(name: try WorkerName.named(node), isOver: false)
            try await change.carryOut(.drainNode(wish), at: coordinator.connect())
        }
    }
}

struct UndrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undrain",
        abstract: "Lets plans give a worker experts again; none move by that."
    )

    @OptionGroup var coordinator: CoordinatorOptions

    @Argument(help: "A worker, as 'moiety nodes' lists it.")
    var node: String

    func run() async throws {
        try await CommandFailure.report {
            let client = try coordinator.connect()
            let wish = DrainNode(name: try WorkerName.named(node), isOver: true)
            let reply = try client.ask(.drainNode(wish))
            guard case .changeReply(let change) = reply else { throw client.unexpected(reply) }
            guard change.isBegun else { throw CommandFailure(change.message) }
        }
    }
}

extension WorkerName {
    /// The name of a worker as somebody typed it.
    fileprivate static func named(_ text: String) throws -> WorkerName {
        guard let name = WorkerName(rawValue: text) else {
            throw CommandFailure(
                "'\(text)' cannot be the name of a worker: 1 to \(WorkerName.longest) letters, "
                    + "digits, dots, dashes or underscores",
                code: CommandFailure.wrongArguments
            )
        }
        return name
    }
}
