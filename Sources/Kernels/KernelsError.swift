/// Why arithmetic cannot start.
///
/// Wrong shapes are the caller's mistake and trap instead.
public enum KernelsError: Error, Equatable, CustomStringConvertible {
    case unknownInstructionSet(String, available: [InstructionSet])
    case unsupportedInstructionSet(InstructionSet, available: [InstructionSet])
    case unusableCPUs([Int], usable: [Int])
    case moreThreadsThanCPUs(Int, cpus: [Int])

    public var description: String {
        switch self {
        case .unknownInstructionSet(let name, let available):
            "MOIETY_ISA names an unknown instruction set '\(name)'; "
                + "this processor has \(Self.list(available))"
        case .unsupportedInstructionSet(let set, let available):
            "MOIETY_ISA asks for \(set.name), which this processor lacks; "
                + "it has \(Self.list(available))"
        case .unusableCPUs(let cpus, let usable):
            "there is no CPU \(Self.list(cpus)) for this process; it may use \(Self.list(usable))"
        case .moreThreadsThanCPUs(let count, let cpus):
            "\(count) threads do not fit on CPUs \(Self.list(cpus)); "
                + "name one CPU for each thread, or ask for fewer threads"
        }
    }

    private static func list(_ numbers: [Int]) -> String {
        numbers.map(String.init).joined(separator: ", ")
    }

    private static func list(_ sets: [InstructionSet]) -> String {
        sets.map(\.name).joined(separator: ", ")
    }
}
