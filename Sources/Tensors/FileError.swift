internal import CLinux
internal import Glibc

/// What went wrong with a file of the operating system, and with which one.
public enum FileError: Error, Equatable, Sendable {
    /// A system call failed; `code` is its errno.
    case system(operation: String, path: String, code: Int32)
    /// The path holds a NUL byte, which would silently name another file.
    case nulInPath(String)
    /// A directory, pipe, socket or device where a regular file is needed.
    case notRegular(path: String, kind: String)
    /// A read that was to go beyond the size the file had when it was opened.
    case outside(path: String, offset: Int, count: Int, byteCount: Int)
    /// The file became shorter after it was opened.
    case shrank(path: String, byteCount: Int, expected: Int)
    /// What is to be read does not fit the machine's memory.
    case tooLittleMemory(path: String, MemoryShortage)
}

extension FileError {
    /// Whether there is no such file.
    public var isMissingFile: Bool { hasCode(ENOENT) }
    /// Whether the disk, or what this user may have of it, is full.
    public var isFullDisk: Bool { hasCode(ENOSPC) || hasCode(EDQUOT) }

    /// Whether what lies on the disk cannot be had again by trying again.
    public var isDamage: Bool {
        if case .shrank = self { return true }
        return [EIO, ENODATA, EUCLEAN, EBADMSG].contains { hasCode($0) }
    }

    private func hasCode(_ wanted: Int32) -> Bool {
        guard case .system(_, _, let code) = self else { return false }
        return code == wanted
    }
}

extension FileError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .system(let operation, let path, let code):
            "\(path): cannot \(operation): \(Self.text(of: code))"
        case .nulInPath(let path):
            "\(path.debugDescription): a path cannot contain a NUL byte"
        case .notRegular(let path, let kind):
            "\(path): is a \(kind), not a regular file"
        case .outside(let path, let offset, let count, let byteCount):
            "\(path): cannot read \(count) bytes at byte \(offset): the file has \(byteCount)"
        case .shrank(let path, let byteCount, let expected):
            """
            \(path): the file shrank to \(byteCount) bytes while in use, it had \(expected); \
            restore it and start again
            """
        case .tooLittleMemory(let path, let shortage):
            """
            \(path): no memory for \(shortage.needed) bytes of it: \(shortage.available) are \
            available; use a smaller model or a larger machine
            """
        }
    }

    /// The operating system's words for an errno.
    static func text(of code: Int32) -> String {
        guard let text = unsafe moiety_error_text(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }
}
