import CKernels
public import Kernels
import Synchronization

/// How fast the machine multiplies when nothing has to be fetched.
public enum ComputeRate {
    /// What is multiplied.
    public enum Factors: Sendable {
        case int8
        case float
    }

    private static let rounds = 4_000_000

    /// Operations per second (a multiply-add is two), or nil for the scalar table, which has no
    /// registers to fill.
    public static func measure(
        _ factors: Factors,
        _ set: InstructionSet,
        pool: ThreadPool,
        repetitions: Int = 5
    ) -> Sample? {
        let width: Int
        switch set {
        case .scalar: return nil
        case .avx2: width = 32
        case .avx512: width = 64
        }
        let lanes = factors == .int8 ? width : width / MemoryLayout<Float>.size
        let perThread = 2 * rounds * lanes * Int(MOIETY_ROUND_CHAINS)
        return Sample(repeating: repetitions) {
            let seconds = Sample.seconds {
                // The sums are not used; the compiler cannot know that of another file.
                pool.run(pool.threadCount) { _ in
                    switch factors {
                    case .int8: _ = moiety_multiply_int8(rounds, UInt32(width))
                    case .float: _ = moiety_multiply_floats(rounds, UInt32(width))
                    }
                }
            }
            return Double(perThread * pool.threadCount) / seconds
        }
    }
}
