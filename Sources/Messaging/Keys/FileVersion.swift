import Glibc

/// What changes whenever a file does; asking for it reads nothing.
package struct FileVersion: Equatable, Sendable {
    private var inode: UInt64 = 0
    private var byteCount: Int64 = 0
    private var seconds = 0
    private var nanoseconds = 0

    /// Of the file as it is now; all are the same where there is none.
    package init(_ path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return }
        inode = UInt64(status.st_ino)
        byteCount = Int64(status.st_size)
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
    }
}
