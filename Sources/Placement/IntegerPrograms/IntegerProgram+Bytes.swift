extension IntegerProgram {
    /// The program as words for the child process that solves it: counts, columns, rows.
    public func bytes() -> [UInt8] {
        var writer = WordWriter()
        writer.append(UInt64(columns.count))
        writer.append(UInt64(rows.count))
        for column in columns {
            for value in [column.cost, column.lower, column.upper, column.start] {
                writer.append(value.bitPattern)
            }
            writer.append(column.isWhole ? 1 : 0)
        }
        for row in rows {
            writer.append(row.lower.bitPattern)
            writer.append(row.upper.bitPattern)
            writer.append(UInt64(row.terms.count))
            for term in row.terms {
                writer.append(UInt64(term.column))
                writer.append(term.factor.bitPattern)
            }
        }
        return writer.bytes
    }

    /// Nil where the bytes are no program.
    public init?(bytes: [UInt8]) {
        var reader = WordReader(bytes)
        guard let columnCount = reader.count(), let rowCount = reader.count() else { return nil }
        self.init(columns: [], rows: [])
        for _ in 0..<columnCount {
            guard let cost = reader.number(), let lower = reader.number(),
                let upper = reader.number(), let start = reader.number(), let whole = reader.word()
            else { return nil }
            columns.append(
                Column(cost: cost, lower: lower, upper: upper, isWhole: whole == 1, start: start)
            )
        }
        for _ in 0..<rowCount {
            guard let lower = reader.number(), let upper = reader.number(),
                let termCount = reader.count()
            else { return nil }
            var terms: [Term] = []
            for _ in 0..<termCount {
                guard let column = reader.count(), column < columnCount,
                    let factor = reader.number()
                else { return nil }
                terms.append(Term(column, factor))
            }
            rows.append(Row(lower: lower, upper: upper, terms: terms))
        }
        guard reader.isAtEnd else { return nil }
    }
}

extension IntegerProgramAnswer {
    /// A solution as words: the bound, then the values; none as no words at all.
    public func bytes() -> [UInt8] {
        guard case .solution(let values, let bound) = self else { return [] }
        var writer = WordWriter()
        writer.append(bound.bitPattern)
        for value in values { writer.append(value.bitPattern) }
        return writer.bytes
    }

    /// Reads an answer to `program`; what does not solve it is none.
    public init(bytes: [UInt8], to program: IntegerProgram) {
        guard !bytes.isEmpty else {
            self = .none(reason: "the solver found no solution")
            return
        }
        var reader = WordReader(bytes)
        var values: [Double] = []
        guard let bound = reader.number() else {
            self = .none(reason: "the solver's answer is cut off")
            return
        }
        while let value = reader.number() { values.append(value) }
        guard reader.isAtEnd, !bound.isNaN, program.isSolved(by: values) else {
            self = .none(reason: "the solver's answer does not solve the program")
            return
        }
        self = .solution(values: values, lowerBound: bound)
    }
}

extension IntegerProgram {
    /// Whether values keep every bound and row, whole ones being whole, within rounding.
    func isSolved(by values: [Double]) -> Bool {
        guard values.count == columns.count else { return false }
        let tolerance = 1e-5
        let columnsHold = zip(values, columns).allSatisfy { value, column in
            value >= column.lower - tolerance && value <= column.upper + tolerance
                && (!column.isWhole || abs(value - value.rounded()) <= tolerance)
        }
        return columnsHold
            && rows.allSatisfy { row in
                let sum = row.terms.reduce(0) { $0 + $1.factor * values[$1.column] }
                let size = row.terms.reduce(1) { $0 + abs($1.factor) }
                return sum >= row.lower - tolerance * size && sum <= row.upper + tolerance * size
            }
    }
}

private struct WordWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ word: UInt64) {
        bytes.append(littleEndian: word)
    }
}

private struct WordReader {
    private var numbers: LittleEndianReader

    init(_ bytes: [UInt8]) { numbers = LittleEndianReader(bytes) }

    var isAtEnd: Bool { numbers.remaining == 0 }

    mutating func word() -> UInt64? { numbers.number(8) }

    mutating func number() -> Double? { word().map(Double.init(bitPattern:)) }

    /// A count of what still follows, so never more than the bytes.
    mutating func count() -> Int? {
        word().flatMap { Int(exactly: $0) }.flatMap { $0 <= numbers.bytes.count ? $0 : nil }
    }
}
