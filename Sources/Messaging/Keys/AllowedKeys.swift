import Glibc
import Synchronization

/// The list of keys in a file, as it is now: a key that is struck counts no more at once.
public final class AllowedKeys: Sendable {
    private struct State {
        var list: AllowList
        var version: Version
        /// Why the file could not be read last, until it can.
        var failure: KeyError?
    }

    /// What changes whenever the file does.
    private struct Version: Equatable {
        var inode: UInt64 = 0
        var byteCount: Int64 = 0
        var seconds = 0
        var nanoseconds = 0
    }

    public let path: String
    /// A key that counts though it is not listed.
    private let own: PublicKey
    private let state: Mutex<State>

    /// Reads the list.
    ///
    /// - Parameter own: the coordinator's own key, by which its own commands come in.
    public init(path: String, own: PublicKey) throws(KeyError) {
        self.path = path
        self.own = own
        let version = Self.version(path)
        let list = try KeyFile.readList(path)
        state = Mutex(State(list: list, version: version))
    }

    /// Who a key belongs to, or nil where it counts for nothing.
    public func entry(of key: PublicKey) -> AllowList.Entry? {
        if key == own { return AllowList.Entry(role: .admin, name: "coordinator", key: key) }
        let version = Self.version(path)
        return state.withLock { state in
            if version != state.version { Self.refresh(&state, version, path) }
            return state.list.entry(of: key)
        }
    }

    /// Why the list in force is not that of the file.
    public var failure: KeyError? { state.withLock { $0.failure } }

    /// Takes the list as it is now; one that cannot be read leaves the one before in force.
    ///
    /// A slip while editing must not throw everybody out. An empty file allows nobody.
    private static func refresh(_ state: inout State, _ version: Version, _ path: String) {
        state.version = version
        do throws(KeyError) {
            state.list = try KeyFile.readList(path)
            state.failure = nil
        } catch {
            state.failure = error
        }
    }

    private static func version(_ path: String) -> Version {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return Version() }
        return Version(
            inode: UInt64(status.st_ino),
            byteCount: Int64(status.st_size),
            seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec
        )
    }
}
