public import Foundation
import Kernels

/// How long models take to load, and how much memory they take then.
public enum LoadBenchmark {
    public struct Figure: Sendable {
        /// Until the first token, or until the cluster can serve.
        public let seconds: Double
        /// Bytes, by process.
        public let residentByteCounts: [(name: String, count: Int)]

        public var residentByteCount: Int { residentByteCounts.map(\.count).reduce(0, +) }
    }

    /// Starts `moiety run` and waits for the first byte of its answer.
    public static func process(
        model: String,
        threadCount: Int,
        prompt: String,
        directory: URL
    ) throws -> Figure {
        let scratch = try ScratchDirectory()
        let output = Pipe()
        let start = ContinuousClock.now
        let process = try ProgramProcess(
            "moiety run",
            program: "moiety",
            in: directory,
            // More tokens than there is time for: its memory is read while it runs.
            arguments: [
                "run", "-m", model, "-p", prompt, "-n", "4096", "--temp", "0", "-t",
                "\(threadCount)",
            ],
            processors: ProcessorSet(CurrentThread.cpus),
            output: output,
            logPath: scratch.file("log")
        )
        defer { process.stop() }
        let first = try output.fileHandleForReading.read(upToCount: 1) ?? Data()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let resident = process.residentByteCount
        if first.isEmpty { try process.requireEndOfOutput() }
        return Figure(seconds: seconds, residentByteCounts: [("moiety", resident)])
    }

    /// Starts a coordinator and workers and waits until they can serve.
    public static func cluster(
        model: String,
        layout: BenchmarkCluster.Layout,
        directory: URL
    ) throws -> Figure {
        let cluster = try BenchmarkCluster(model: model, layout: layout, directory: directory)
        defer { cluster.stop() }
        let processes = [cluster.coordinator] + cluster.workers
        return Figure(
            seconds: cluster.startSeconds,
            residentByteCounts: processes.map { ($0.name, $0.residentByteCount) }
        )
    }
}
