import Glibc
import Kernels
import Synchronization
public import Tensors

/// How long the machine takes to read a file: what loading a model cannot beat.
public enum FileReading {
    private static let pieceByteCount = 4 << 20

    /// Drops the file from the system's cache, so that the disk is read next.
    public static func forget(_ path: String) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        // Written pages stay until they are on disk.
        fsync(descriptor)
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
        close(descriptor)
    }

    /// Seconds for reading all bytes with so many threads.
    public static func seconds(_ path: String, threadCount: Int) throws(FileError) -> Double {
        let file = try ReadableFile(path: path)
        let failure = Mutex<FileError?>(nil)
        let next = Atomic(0)
        let pool = ThreadPool(ComputeThreads(count: threadCount))
        let seconds = Sample.seconds {
            pool.run(threadCount) { _ in
                do throws(FileError) {
                    try readPieces(of: file, next)
                } catch {
                    failure.withLock { $0 = error }
                }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        return seconds
    }

    /// Reads pieces that no other thread has taken until there are none.
    private static func readPieces(
        of file: ReadableFile,
        _ next: borrowing Atomic<Int>
    ) throws(FileError) {
        var buffer = [UInt8](repeating: 0, count: pieceByteCount)
        while true {
            let start = next.add(1, ordering: .relaxed).oldValue * pieceByteCount
            guard start < file.byteCount else { return }
            let count = min(pieceByteCount, file.byteCount - start)
            if count < buffer.count { buffer.removeLast(buffer.count - count) }
            try file.read(at: start, into: &buffer)
        }
    }
}
