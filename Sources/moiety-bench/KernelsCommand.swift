import ArgumentParser
import Benchmarking
import Kernels
import Tensors
import Terminal

struct KernelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels",
        abstract: "Products with every type of weights, instruction set and number of rows.",
        discussion: """
            Each is compared, bit by bit, with the scalar table; exits with 1 where one differs. \
            The limit is the time to read the weights once or to multiply, whichever is longer; \
            bandwidth is measured beside each product.
            """
    )

    @Option(help: "Types of weights with commas between them; all without.")
    var types: String?

    @Option(help: "Instruction sets with commas between them; all that this processor has without.")
    var isa: String?

    @Option(help: "Numbers of rows with commas between them.")
    var rows = ProductBenchmark.rowCounts.map(String.init).joined(separator: ",")

    @OptionGroup var memory: MemoryOptions
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var repetition: RepetitionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        _ = try chosenTypes()
        _ = try chosenSets()
        _ = try chosenRowCounts()
    }

    func run() throws {
        let types = try chosenTypes()
        let threads = try threads.compute()
        let pool = ThreadPool(threads)
        pool.bindCaller()
        let bandwidth = try ReadBandwidth(byteCount: memory.byteCount)
        let limits = MachineLimits.measure(bandwidth, pool: pool) {
            Console.progress("limits of the machine: \(Format.fixed($0 * 100, digits: 0)) %")
        }
        let benchmark = ProductBenchmark(threads, repetitions: repetition.repetitions) {
            bandwidth.pass(limits.readMethod, pool: pool)
        }
        var figures: [ProductFigure] = []
        for type in types {
            benchmark.measure(type, try chosenSets(), rowCounts: try chosenRowCounts()) {
                figures.append(ProductFigure($0, limits))
                Console.progress("\(type.name), \($0.instructionSet.name), \($0.rowCount) rows")
            }
        }
        if output.json {
            try Console.writeJSON(ProductFigures(limits, figures, threadCount: threads.count))
        } else {
            Console.write(Self.table(figures).text)
        }
        guard figures.allSatisfy(\.exact) else { throw ExitCode.failure }
    }

    private func chosenTypes() throws -> [ElementType] {
        try Self.chosen(types, from: ProductBenchmark.types, option: "--types") { $0.name }
    }

    private func chosenSets() throws -> [InstructionSet] {
        try Self.chosen(isa, from: InstructionSet.supported, option: "--isa") { $0.name }
    }

    private func chosenRowCounts() throws -> [Int] {
        try rows.split(separator: ",").map { text in
            guard let count = Int(text), (1...4096).contains(count) else {
                throw ValidationError("'\(text)' in --rows is not 1 to 4096")
            }
            return count
        }
    }

    /// Those that a list names, or all.
    private static func chosen<Value>(
        _ list: String?,
        from all: [Value],
        option: String,
        name: (Value) -> String
    ) throws -> [Value] {
        guard let list else { return all }
        return try list.split(separator: ",").map { text in
            guard let value = all.first(where: { name($0).lowercased() == text.lowercased() })
            else {
                let known = all.map(name).joined(separator: ", ")
                throw ValidationError("'\(text)' in \(option) is not one of \(known)")
            }
            return value
        }
    }

    private static func table(_ figures: [ProductFigure]) -> Table {
        var table = Table([
            ("type", .left), ("isa", .left), ("rows", .right), ("GB/s", .right),
            ("GOP/s", .right), ("of limit", .right), ("bits", .left),
        ])
        for figure in figures {
            table.add([
                figure.type, figure.isa, "\(figure.rows)", Format.fixed(figure.readGBPerSecond),
                Format.fixed(figure.gigaOperationsPerSecond),
                figure.share.map { Format.fixed($0 * 100, digits: 0) + " %" } ?? "",
                figure.exact ? "equal" : "DIFFERENT",
            ])
        }
        return table
    }
}

/// One line of `kernels --json`.
private struct ProductFigure: Encodable {
    let type: String
    let isa: String
    let rows: Int
    let readGBPerSecond: Double
    let gigaOperationsPerSecond: Double
    /// Of the limit; nil for the scalar table.
    let share: Double?
    let exact: Bool

    enum CodingKeys: String, CodingKey {
        case type, isa, rows, exact
        case readGBPerSecond = "read_gb_s"
        case gigaOperationsPerSecond = "gop_s"
        case share = "limit_share"
    }

    init(_ figure: ProductBenchmark.Figure, _ limits: MachineLimits) {
        type = figure.type.name
        isa = figure.instructionSet.name
        rows = figure.rowCount
        readGBPerSecond = figure.bytesPerSecond.median.giga.rounded3
        gigaOperationsPerSecond = figure.operationsPerSecond.median.giga.rounded3
        share = figure.shares(of: limits)?.median.rounded3
        exact = figure.isExact
    }
}

/// What `kernels --json` prints.
private struct ProductFigures: Encodable {
    let threads: Int
    let readGBPerSecond: Double
    let int8GOPPerSecond: [String: Double]
    let floatGOPPerSecond: [String: Double]
    let products: [ProductFigure]

    enum CodingKeys: String, CodingKey {
        case threads, products
        case readGBPerSecond = "read_gb_s"
        case int8GOPPerSecond = "int8_gop_s"
        case floatGOPPerSecond = "float_gop_s"
    }

    init(_ limits: MachineLimits, _ products: [ProductFigure], threadCount: Int) {
        threads = threadCount
        readGBPerSecond = limits.readRate.giga.rounded3
        int8GOPPerSecond = Self.named(limits.int8Rates)
        floatGOPPerSecond = Self.named(limits.floatRates)
        self.products = products
    }

    private static func named(_ rates: [InstructionSet: Double]) -> [String: Double] {
        Dictionary(uniqueKeysWithValues: rates.map { ($0.key.name, $0.value.giga.rounded3) })
    }
}
