/// Why arithmetic cannot start.
///
/// Wrong shapes are the caller's mistake and trap instead.
public enum KernelsError: Error, Equatable, CustomStringConvertible {
    case unknownInstructionSet(String, available: [InstructionSet])
    case unsupportedInstructionSet(InstructionSet, available: [InstructionSet])

    public var description: String {
        switch self {
        case .unknownInstructionSet(let name, let available):
            "MOIETY_ISA names an unknown instruction set '\(name)'; "
                + "this processor has \(Self.list(available))"
        case .unsupportedInstructionSet(let set, let available):
            "MOIETY_ISA asks for \(set.name), which this processor lacks; "
                + "it has \(Self.list(available))"
        }
    }

    private static func list(_ sets: [InstructionSet]) -> String {
        sets.map(\.name).joined(separator: ", ")
    }
}
