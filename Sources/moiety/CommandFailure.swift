import ArgumentParser
import Kernels
import Model
import Settings
import Terminal
import Tokenizer

/// A failure with its exit code, told on standard error.
struct CommandFailure: Error, CustomStringConvertible {
    /// No coordinator answers, or its cluster is not ready.
    static let unreachable: Int32 = 2
    /// The command line cannot be understood (EX_USAGE).
    static let wrongArguments: Int32 = 64
    /// A file or its content is not usable (EX_DATAERR).
    static let dataError: Int32 = 65
    /// A setting is not usable (EX_CONFIG).
    static let settingsError: Int32 = 78

    let description: String
    let code: Int32

    init(_ description: String, code: Int32 = 1) {
        self.description = description
        self.code = code
    }

    /// Runs a command's body and turns every failure into a message and an exit code.
    static func report(_ body: () async throws -> Void) async throws {
        do {
            Interrupt.exitsCleanly()
            try await body()
            Console.endProgress()
        } catch let exit as ExitCode {
            Console.endProgress()
            throw exit
        } catch let error as ValidationError {
            Console.endProgress()
            throw error
        } catch {
            Console.note("moiety: \(error)")
            throw ExitCode(code(of: error))
        }
    }

    private static func code(of error: any Error) -> Int32 {
        switch error {
        case let failure as CommandFailure: failure.code
        case is ModelError, is TokenizerError: dataError
        case is SettingsError, is KernelsError: settingsError
        default: 1
        }
    }
}
