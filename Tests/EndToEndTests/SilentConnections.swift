import Glibc
import Testing

/// Bare connections to a socket file, which speak no protocol and say nothing.
final class SilentConnections {
    private var descriptors: [Int32] = []

    /// - Parameter endpoint: of the form `ipc://path`.
    init(_ count: Int, to endpoint: String) throws {
        for _ in 0..<count {
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            try #require(descriptor >= 0, "no socket: error \(errno)")
            descriptors.append(descriptor)
            try Self.connect(descriptor, String(endpoint.dropFirst("ipc://".count)))
        }
    }

    deinit { leave() }

    func leave() {
        for descriptor in descriptors { close(descriptor) }
        descriptors = []
    }

    private static func connect(_ descriptor: Int32, _ path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            unsafe bytes.copyBytes(from: path.utf8.prefix(bytes.count - 1))
        }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(descriptor, $0, size)
            }
        }
        try #require(status == 0, "nobody listens at \(path): error \(errno)")
    }

    /// Lets this process open as many files as the system allows.
    ///
    /// Each connection of a test is one.
    static func allowMany() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return
        }
        limit.rlim_cur = limit.rlim_max
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
