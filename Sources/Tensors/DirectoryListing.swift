internal import Glibc

/// One name in a directory, looked at without following it.
public struct DirectoryEntry: Equatable, Sendable {
    public let name: String
    /// False for directories, links, sockets and everything else that has no bytes of its own.
    public let isRegular: Bool
    public let byteCount: Int
    /// Time of the last change: seconds since 1970, and nanoseconds of that second.
    public let modifiedSeconds: Int64
    public let modifiedNanoseconds: Int64
}

/// Looks into directories without asking who owns their files, which takes most of the time.
public enum DirectoryListing {
    /// More names than anything of ours makes; a directory with more is not ours to read.
    public static let longest = 1 << 20

    /// The names in a directory, in no order; those that are no UTF-8 are left out.
    ///
    /// - Throws: `FileError.system` too, with `EOVERFLOW`, where it has more than `longest` names.
    public static func entries(of path: String) throws(FileError) -> [DirectoryEntry] {
        guard !path.utf8.contains(0) else { throw .nulInPath(path) }
        guard let directory = unsafe opendir(path) else {
            throw .system(operation: "open", path: path, code: errno)
        }
        defer { unsafe closedir(directory) }
        let descriptor = unsafe dirfd(directory)
        var entries: [DirectoryEntry] = []
        while true {
            errno = 0
            guard let found = unsafe readdir(directory) else {
                guard errno == 0 else { throw .system(operation: "read", path: path, code: errno) }
                return entries
            }
            guard let name = unsafe name(of: found), name != ".", name != ".." else { continue }
            // Whoever is gone since is nobody's business.
            guard let entry = entry(name, in: descriptor) else { continue }
            entries.append(entry)
            guard entries.count <= longest else {
                throw .system(operation: "list", path: path, code: EOVERFLOW)
            }
        }
    }

    /// Removes one name; nothing behind a symbolic link, and no directory.
    public static func removeFile(_ path: String) throws(FileError) {
        guard !path.utf8.contains(0) else { throw .nulInPath(path) }
        guard unsafe unlink(path) == 0 else {
            throw .system(operation: "remove", path: path, code: errno)
        }
    }

    private static func name(of entry: UnsafeMutablePointer<dirent>) -> String? {
        unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
            unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) {
                unsafe String(validatingCString: $0)
            }
        }
    }

    private static func entry(_ name: String, in directory: Int32) -> DirectoryEntry? {
        var status = stat()
        guard unsafe fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            return nil
        }
        return DirectoryEntry(
            name: name,
            isRegular: status.st_mode & S_IFMT == S_IFREG,
            byteCount: Int(status.st_size),
            modifiedSeconds: Int64(status.st_mtim.tv_sec),
            modifiedNanoseconds: Int64(status.st_mtim.tv_nsec)
        )
    }
}
