import CCbc
import Placement

/// One program in CBC's hands; freed with the value.
@safe
final class CbcModel {
    private let model: UnsafeMutableRawPointer
    private let program: IntegerProgram

    init(_ program: IntegerProgram) {
        self.program = program
        unsafe model = Cbc_newModel()
        unsafe Cbc_setLogLevel(model, 0)
        load()
    }

    deinit { unsafe Cbc_deleteModel(model) }

    /// Columns first, empty, then rows.
    private func load() {
        for (index, column) in program.columns.enumerated() {
            unsafe Cbc_addCol(
                model,
                "x\(index)",
                column.lower,
                column.upper,
                column.cost,
                column.isWhole ? 1 : 0,
                0,
                nil,
                nil
            )
        }
        for (index, row) in program.rows.enumerated() {
            var columns = row.terms.map { Int32($0.column) }
            var factors = row.terms.map(\.factor)
            // A row with two sides is two rows to this function; its sense takes one.
            for (sense, side) in sides(row) {
                unsafe Cbc_addRow(
                    model,
                    "r\(index)\(sense)",
                    Int32(columns.count),
                    &columns,
                    &factors,
                    CChar(bitPattern: sense == "L" ? UInt8(ascii: "L") : UInt8(ascii: "G")),
                    side
                )
            }
        }
    }

    private func sides(_ row: IntegerProgram.Row) -> [(String, Double)] {
        var sides: [(String, Double)] = []
        if row.upper < 1e300 { sides.append(("L", row.upper)) }
        if row.lower > -1e300 { sides.append(("G", row.lower)) }
        return sides
    }

    func solve(seconds: Double, gap: Double) -> IntegerProgramAnswer {
        unsafe Cbc_setMaximumSeconds(model, seconds)
        unsafe Cbc_setAllowableFractionGap(model, gap)
        let columns = program.columns.indices.map { Int32($0) }
        let values = program.columns.map(\.start)
        unsafe Cbc_setMIPStartI(model, Int32(columns.count), columns, values)
        unsafe Cbc_solve(model)
        guard let best = unsafe Cbc_bestSolution(model) else {
            return .none(reason: "no solution")
        }
        return .solution(
            values: program.columns.indices.map { unsafe best[$0] },
            lowerBound: unsafe Cbc_getBestPossibleObjValue(model)
        )
    }
}
