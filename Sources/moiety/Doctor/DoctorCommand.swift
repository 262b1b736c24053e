import ArgumentParser
import Diagnosis
import Messaging
import Placement
import Settings
import Terminal
import Wire

/// Looks at what a daemon needs, and says what to do about what is missing.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks for what keeps a daemon of this machine from serving well.",
        discussion: """
            Clock, processor, memory, disk, model, keys, ports, versions, who gives accuracy for \
            speed, and the links between machines where a coordinator answers. Nothing is changed. \
            Best run as the daemon's user or as root, with the daemon's variables:

              env $(systemctl show -P Environment moiety-coordinator) moiety doctor coordinator

            Exits with 1 where something must be mended before the daemon can serve.
            """
    )

    @Argument(help: "Whose needs; a coordinator's where a model is named for one, else a worker's.")
    var daemon: ConfigCommand.Daemon?

    @Option(help: "The daemon's settings file, instead of the user's or the system's.")
    var config: String?

    @OptionGroup var coordinator: CoordinatorOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Report: Encodable {
        let daemon: String
        let state: Finding.State
        let findings: [Finding]
    }

    func run() async throws {
        try await CommandFailure.report {
            let daemon = try daemon ?? likeliest()
            let findings =
                switch daemon {
                case .coordinator: try coordinatorFindings()
                case .worker: WorkerExamination(try WorkerSettings.load(file: config)).findings
                }
            if json {
                let report = Report(
                    daemon: daemon.rawValue,
                    state: findings.state,
                    findings: findings
                )
                try Console.writeJSON(report)
            } else {
                Console.write(Self.text(findings))
            }
            guard findings.state < .fail else { throw ExitCode(1) }
        }
    }

    private func likeliest() throws -> ConfigCommand.Daemon {
        guard self.config == nil else {
            throw ValidationError("--config needs to know whose: coordinator or worker")
        }
        return try CoordinatorSettings.load().modelPath == nil ? .worker : .coordinator
    }

    private func coordinatorFindings() throws -> [Finding] {
        let settings = try CoordinatorSettings.load(file: config)
        let answer = try answer(settings)
        return CoordinatorExamination(settings, answer: answer).findings(build: Build.name)
    }

    /// What the coordinator of these settings says; nil where none answers.
    private func answer(_ settings: CoordinatorSettings) throws -> AnswerFacts? {
        var options = coordinator
        options.coordinator = options.named ?? Self.near(settings.clientEndpoint.rawValue)
        do {
            return try options.connect().answerFacts()
        } catch let failure as CommandFailure where failure.code == CommandFailure.unreachable {
            return nil
        }
    }

    /// Where what listens at all interfaces is reached from this machine.
    private static func near(_ address: String) -> String {
        do {
            return "\(try Endpoint(address).reached(through: .thisMachine))"
        } catch {
            return address
        }
    }

    private static func text(_ findings: [Finding]) -> String {
        var table = Table([("", .left), ("", .left), ("", .left)])
        for finding in findings {
            table.add([finding.state.rawValue, finding.topic, finding.text])
            if let advice = finding.advice { table.add(["", "", "-> " + advice]) }
        }
        return table.text
    }
}

extension ClusterClient {
    /// The coordinator's status, its workers, and what their links were measured at.
    fileprivate func answerFacts() throws -> AnswerFacts {
        guard case .status(let status) = try ask(.getStatus),
            case .nodes(let nodes) = try ask(.listNodes),
            case .clusterCosts(let costs) = try ask(.getCosts)
        else { throw CommandFailure("the coordinator at \(endpoint) answered something else") }
        let links = costs.isGuess ? [] : costs.workers
        return AnswerFacts(
            endpoint: "\(endpoint)",
            build: status.build,
            isReady: status.isReady,
            status: status.text,
            workers: nodes.map { node in
                let measured = links.first { $0.name == node.name }
                return AnswerFacts.Worker(
                    name: node.name.rawValue,
                    isReady: node.state == "ready",
                    state: node.state,
                    message: node.message,
                    memoryByteCount: node.memoryByteCount,
                    link: measured.map {
                        AnswerFacts.Link(roundTrip: $0.roundTrip, bandwidth: $0.bandwidth)
                    },
                    lossy: node.lossyWords
                )
            }
        )
    }
}
