import CKernels

/// Which of the function tables computes.
///
/// All give the same bits; later cases are faster.
public enum InstructionSet: String, CaseIterable, Sendable {
    case scalar
    case avx2
    case avx512

    /// `avx2` for example; what `MOIETY_ISA` takes.
    public var name: String { rawValue }

    /// Whether this processor runs it.
    public var isSupported: Bool {
        switch self {
        case .scalar: true
        case .avx2: moiety_cpu_has_avx2() != 0
        case .avx512: moiety_cpu_has_avx512() != 0
        }
    }

    /// Those this processor runs, slowest first.
    public static var supported: [InstructionSet] { allCases.filter(\.isSupported) }

    /// The fastest this processor runs.
    public static var detected: InstructionSet { supported.last ?? .scalar }

    /// The one to use: what the environment's `MOIETY_ISA` names, else the detected one.
    public static func chosen(
        environment: [String: String]
    ) throws(KernelsError) -> InstructionSet {
        guard let name = environment["MOIETY_ISA"], !name.isEmpty else { return detected }
        guard let set = InstructionSet(rawValue: name.lowercased()) else {
            throw .unknownInstructionSet(name, available: supported)
        }
        guard set.isSupported else {
            throw .unsupportedInstructionSet(set, available: supported)
        }
        return set
    }

    var table: moiety_kernels {
        switch self {
        case .scalar: unsafe moiety_kernels_scalar().pointee
        case .avx2: unsafe moiety_kernels_avx2().pointee
        case .avx512: unsafe moiety_kernels_avx512().pointee
        }
    }
}
