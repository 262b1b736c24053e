import Foundation
import Glibc
import Synchronization

/// A relay between one connection and a port, which writes down what passes: somebody on the way.
final class RecordingRelay: Sendable {
    let port: UInt16
    private let recorded = Mutex<[UInt8]>([])
    private let listener: Int32

    /// Everything that has passed, in both directions.
    var bytes: [UInt8] { recorded.withLock { $0 } }

    init(to target: UInt16) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let listener = listener
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var bound: UInt16 = 0
        let status = unsafe Self.withAddress(0) { address in
            guard unsafe bind(listener, address, length) == 0, listen(listener, 1) == 0,
                unsafe getsockname(listener, address, &length) == 0
            else { return -1 }
            unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                bound = UInt16(bigEndian: unsafe $0.pointee.sin_port)
            }
            return 0
        }
        guard status == 0 else { throw NothingArrived() }
        port = bound
        Thread.detachNewThread { [self] in
            let near = accept(listener, nil, nil)
            let far = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            let status = unsafe Self.withAddress(target) { address in
                unsafe connect(far, address, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
            guard near >= 0, status == 0 else { return }
            Thread.detachNewThread { [self] in pass(from: far, to: near) }
            pass(from: near, to: far)
        }
    }

    deinit { close(listener) }

    private func pass(from source: Int32, to target: Int32) {
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe read(source, &piece, piece.count)
            guard count > 0 else { break }
            recorded.withLock { $0 += piece[..<count] }
            guard unsafe write(target, piece, count) == count else { break }
        }
        shutdown(target, Int32(SHUT_WR))
    }

    private static func withAddress(
        _ port: UInt16,
        _ body: (UnsafeMutablePointer<sockaddr>) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = unsafe inet_addr("127.0.0.1")
        return unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0) }
        }
    }
}
