import ArgumentParser
import Benchmarking
import Foundation
import Kernels
import Settings
import Terminal

/// How results are printed.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print one JSON object.")
    var json = false
}

/// How many threads compute, and where.
struct ThreadOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "Threads that compute; 0 takes one per core.")
    var threads = 0

    @Option(help: "CPUs to bind those threads to, one each: 0,2 or 0-3; the first cores without.")
    var cpus: String?

    func validate() throws {
        try requireRange("--threads", threads, 0...1024)
        _ = try cpuList(cpus)
    }

    /// Bound in any case: what is measured should not wander.
    func compute() throws -> ComputeThreads {
        let cores = Cores.current().physical
        let chosen = try cpuList(cpus) ?? cores
        guard threads <= chosen.count || cpus != nil else { return ComputeThreads(count: threads) }
        return try ComputeThreads(wanted: threads, cpus: chosen)
    }

    /// The arithmetic on those threads.
    ///
    /// The caller is bound when it has loaded what it computes with: threads that it starts before
    /// would stay on its CPU.
    func kernels() throws -> Kernels {
        Kernels(instructionSet: try chosenInstructionSet(), threads: try compute())
    }
}

/// Shows which share of a model's experts is in place.
func showLoading(_ share: Double) {
    Console.progress("loading experts: \(Format.fixed(share * 100, digits: 0)) %")
}

/// The CPUs that an option names; nil where it is not given.
func cpuList(_ text: String?) throws -> [Int]? {
    guard let text else { return nil }
    guard let cpus = CPUList.cpus(of: text) else {
        throw ValidationError("--cpus is \(text); it must be \(CPUList.allowed)")
    }
    return cpus
}

/// How often things are measured.
struct RepetitionOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "How often each figure is measured.")
    var repetitions = 5

    func validate() throws {
        try requireRange("--repetitions", repetitions, 1...1000)
    }

    /// As many measurements as are wanted; the progress line counts them.
    func sample(_ what: String, _ measure: () throws -> Double) rethrows -> Sample {
        var done = 0
        return try Sample(repeating: repetitions) {
            done += 1
            Console.progress("\(what): \(done) of \(repetitions)")
            return try measure()
        }
    }
}

/// What is read to find the bandwidth.
struct MemoryOptions: ParsableArguments {
    @Option(help: "Size of the memory that is read, of each kind; many times that of the caches.")
    var megabytes = ReadBandwidth.defaultByteCount >> 20

    func validate() throws {
        try requireRange("--megabytes", megabytes, 16...1 << 20)
    }

    var byteCount: Int { megabytes << 20 }
}

/// Refuses a number that is out of range, by the name of its option.
func requireRange(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws {
    guard range.contains(value) else {
        throw ValidationError(
            "\(name) is \(value); it must be \(range.lowerBound) to \(range.upperBound)"
        )
    }
}

/// What the environment's `MOIETY_ISA` says.
func chosenInstructionSet() throws -> InstructionSet {
    try .chosen(environment: ProcessInfo.processInfo.environment)
}

extension Double {
    /// Billions, as rates are printed.
    var giga: Double { self / 1e9 }
    /// With three digits, which is more than any measurement is good for.
    var rounded3: Double { (self * 1000).rounded() / 1000 }
}

extension Sample {
    /// `31.4 (30.9 to 31.8)`.
    func text(digits: Int = 1) -> String {
        let range = [minimum, maximum].map { Format.fixed($0, digits: digits) }
        return "\(Format.fixed(median, digits: digits)) (\(range[0]) to \(range[1]))"
    }
}
