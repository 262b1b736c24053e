public import Tensors

/// Why a cache of experts cannot be used.
public enum ExpertCacheError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The directory cannot be made.
    case directory(path: String, reason: String)
    /// One of its files cannot be read, written or removed.
    case file(FileError)
    /// Another process has it and does not let go.
    case busy(path: String)

    public var description: String {
        switch self {
        case .directory(let path, let reason):
            "cannot make the cache directory \(path): \(reason) Name another with "
                + "--cache-directory"
        case .file(let error): "\(error)"
        case .busy(let path):
            "another process keeps the cache's lock (its number stands in \(path)): end it if it "
                + "hangs"
        }
    }

    /// Runs what deals with files.
    static func wrapping<Result>(
        _ body: () throws(FileError) -> Result
    ) throws(ExpertCacheError) -> Result {
        do throws(FileError) {
            return try body()
        } catch {
            throw .file(error)
        }
    }
}
