public import Model
public import Storage
public import Tensors

/// Why an expert store cannot be used or made, or an expert not read.
public enum StoreError: Error, CustomStringConvertible {
    /// The operating system refused something.
    case file(FileError)
    /// The file is not what its maker wrote.
    case damaged(path: String)
    /// An expert's bytes are not what its maker wrote.
    case damagedExpert(ExpertID, path: String)
    /// The cache may not take that much, or its disk has it not.
    case noRoom(needed: Int, available: Int, directory: String)
    /// Another process is making the same file.
    case busy(path: String)
    /// The cache's directory cannot be used.
    case cache(ExpertCacheError)
    /// What experts are made from cannot be read.
    case model(ModelError)

    public var description: String {
        switch self {
        case .file(let error): "\(error)"
        case .damaged(let path):
            "\(path) was cut or changed since it was made; it is removed, and made anew"
        case .damagedExpert(let id, let path):
            "\(id) in \(path) was changed since it was made: the disk may fail; the file is removed"
        case .noRoom(let needed, let available, let directory):
            "\(directory) has room for \(available) bytes, and packed experts need \(needed): give "
                + "the cache more with cache-size, or free the disk, of which 1 GiB is left alone"
        case .busy(let path):
            "another process is making \(path) and added nothing for three minutes: end it if it "
                + "hangs, then start again"
        case .cache(let error): "\(error)"
        case .model(let error): "\(error)"
        }
    }

    /// Runs what deals with files.
    static func wrapping<Result>(
        _ body: () throws(FileError) -> Result
    ) throws(StoreError) -> Result {
        do throws(FileError) {
            return try body()
        } catch {
            throw .file(error)
        }
    }
}
