import CKernels
import Synchronization
public import Tensors

/// The arithmetic of a model on one machine: a function table and the threads to run it on.
///
/// Results do not depend on the table, the number of threads or the rows beside a row; the one
/// exception is declared at `ProductOrder.fast`. One thread calls at a time; a second caller
/// traps. Memory needed between steps of an operation is kept for the next one.
public final class Kernels: @unchecked Sendable {
    // @unchecked: `scratch` is used only between `enter` and `leave`, which admit one caller.
    public let instructionSet: InstructionSet
    public let pool: ThreadPool
    let table: moiety_kernels
    private(set) var scratch = Scratch()
    private let isBusy = Atomic<Bool>(false)

    /// - Precondition: this processor supports the instruction set.
    public convenience init(instructionSet: InstructionSet, threadCount: Int) {
        self.init(instructionSet: instructionSet, threads: ComputeThreads(count: threadCount))
    }

    /// - Precondition: this processor supports the instruction set.
    public init(instructionSet: InstructionSet, threads: ComputeThreads) {
        precondition(
            instructionSet.isSupported,
            "this processor lacks \(instructionSet.name)"
        )
        self.instructionSet = instructionSet
        table = instructionSet.table
        pool = ThreadPool(threads)
    }

    public var threadCount: Int { pool.threadCount }

    /// Whether matrices of the type can be multiplied with and dequantised.
    public static func supports(_ type: ElementType) -> Bool {
        switch type {
        case .f32, .f16, .bf16, .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .q2_K, .q3_K, .q4_K, .q5_K,
            .q6_K, .iq4_nl, .iq4_xs, .mxfp4:
            true
        default:
            false
        }
    }

    /// Lets go of what large operations needed; the next ones ask for what they need anew.
    public func releaseMemory() { exclusively { scratch = Scratch() } }

    /// Runs `body` while no other caller may.
    func exclusively(_ body: () -> Void) {
        let (entered, _) = isBusy.compareExchange(
            expected: false,
            desired: true,
            ordering: .acquiring
        )
        precondition(entered, "two threads use the same kernels at once")
        body()
        isBusy.store(false, ordering: .releasing)
    }
}
