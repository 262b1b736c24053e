import Synchronization

/// The list of keys in a file, as it is now: a key that is struck counts no more at once.
public final class AllowedKeys: Sendable {
    private struct State {
        var list: AllowList
        var version: FileVersion
    }

    public let path: String
    /// A key that counts though it is not listed.
    private let own: PublicKey
    private let state: Mutex<State>
    private let onRead: @Sendable (KeyError?) -> Void

    /// Reads the list.
    ///
    /// - Parameters:
    ///   - own: the coordinator's own key, by which its own commands come in.
    ///   - onRead: told whenever the file has changed and was read again: nil where the list is
    ///     the file's now, else why the one before stays in force. On any thread.
    public init(
        path: String,
        own: PublicKey,
        onRead: @escaping @Sendable (KeyError?) -> Void = { _ in }
    ) throws(KeyError) {
        self.path = path
        self.own = own
        self.onRead = onRead
        let version = FileVersion(path)
        let list = try KeyFile.readList(path)
        state = Mutex(State(list: list, version: version))
    }

    /// Who a key belongs to, or nil where it counts for nothing.
    public func entry(of key: PublicKey) -> AllowList.Entry? {
        if key == own { return AllowList.Entry(role: .admin, name: "coordinator", key: key) }
        let version = FileVersion(path)
        let (entry, news) = state.withLock { state in
            guard version != state.version else { return (state.list.entry(of: key), News.none) }
            let news = Self.refresh(&state, version, path)
            return (state.list.entry(of: key), news)
        }
        if case .read(let failure) = news { onRead(failure) }
        return entry
    }

    private enum News {
        case none
        case read(KeyError?)
    }

    /// Takes the list as it is now; one that cannot be read leaves the one before in force.
    ///
    /// A slip while editing must not throw everybody out. An empty file allows nobody.
    private static func refresh(_ state: inout State, _ version: FileVersion, _ path: String)
        -> News
    {
        state.version = version
        do throws(KeyError) {
            state.list = try KeyFile.readList(path)
            return .read(nil)
        } catch {
            return .read(error)
        }
    }
}
