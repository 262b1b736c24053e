import ArgumentParser
import Benchmarking
import Caching
import Foundation
import Terminal

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "How well a task's experts are guessed from what it used before.",
        discussion: """
            Each trace is a task. Its first half is counted, its second half guessed, token by \
            token and layer by layer, each time as many experts as the router chooses. Then: which \
            part of the second half falls on the experts that would be kept resident. \
            docs/TIERS.md says what the columns mean.
            """
    )

    @OptionGroup var traces: TraceOptions
    @OptionGroup var output: OutputOptions

    private struct Figures: Encodable {
        let tokens: [Token]
        let resident: [Resident]
    }

    private struct Token: Encodable {
        let name: String
        let accuracy: Double
        let precision: Double
        let recall: Double
    }

    private struct Resident: Encodable {
        let share: Double
        let covered: Double
        let coveredByAllTasks: Double
        let overlap: Double

        enum CodingKeys: String, CodingKey {
            case share, covered, overlap
            case coveredByAllTasks = "covered_by_all_tasks"
        }
    }

    func run() throws {
        let benchmark = PredictionBenchmark(try traces.read().map(\.trace))
        Console.progress("guessing")
        let figures = Figures(
            tokens: benchmark.tokens().map { result in
                Token(
                    name: result.name,
                    accuracy: result.score.accuracy.rounded3,
                    precision: result.score.precision.rounded3,
                    recall: result.score.recall.rounded3
                )
            },
            resident: benchmark.coverages().map { coverage in
                Resident(
                    share: coverage.share,
                    covered: coverage.task.rounded3,
                    coveredByAllTasks: coverage.allTasks.rounded3,
                    overlap: coverage.overlap.rounded3
                )
            }
        )
        guard !output.json else { return try Console.writeJSON(figures) }
        Console.write(text(figures))
    }

    private func text(_ figures: Figures) -> String {
        var tokens = Table([
            ("guessed from", .left), ("accuracy", .right), ("precision", .right),
            ("recall", .right),
        ])
        for token in figures.tokens {
            tokens.add([token.name] + [token.accuracy, token.precision, token.recall].map(percent))
        }
        var resident = Table([
            ("resident", .right), ("uses covered", .right), ("by all tasks' frequency", .right),
            ("of the right ones", .right),
        ])
        for row in figures.resident {
            resident.add(
                [row.share, row.covered, row.coveredByAllTasks, row.overlap].map(percent)
            )
        }
        return tokens.text + "\n" + resident.text
    }

    private func percent(_ share: Double) -> String { "\(Format.fixed(share * 100)) %" }
}
