import CKernels
import Kernels

/// One way to read memory.
public struct ReadMethod: Equatable, Sendable, CustomStringConvertible {
    public enum Pages: String, CaseIterable, Sendable {
        /// 4096 bytes each.
        case small
        /// As large as the system makes them when it is asked to.
        case huge
    }

    public enum Prefetch: UInt32, CaseIterable, Sendable {
        case none = 0
        /// Into all caches.
        case all = 1
        /// As data that is read once.
        case once = 2
    }

    public var pages = Pages.small
    /// Bytes of one load: 64, 32 or 8.
    public var registerByteCount = 8
    /// Places that are read in turn.
    public var streamCount = 1
    public var prefetch = Prefetch.none
    /// Bytes ahead of the place that is read.
    public var prefetchDistance = 0

    static let streamCounts = [1, 2, 4, 8, 16]
    static let prefetchDistances = [512, 1024, 2048, 4096, 8192]

    /// Loads of the widest registers, one after the other, and nothing else: what any other way
    /// has to beat.
    public static var plain: ReadMethod {
        var method = ReadMethod()
        method.registerByteCount = registerByteCounts.first ?? 8
        return method
    }

    /// The registers that this processor has, widest first.
    private static var registerByteCounts: [Int] {
        InstructionSet.supported.reversed().map { set in
            switch set {
            case .avx512: 64
            case .avx2: 32
            case .scalar: 8
            }
        }
    }

    /// All that are tried; the first is `plain`.
    ///
    /// Streams and prefetches are tried with the widest registers; the others only without, because
    /// what they cost shows there.
    public static var candidates: [ReadMethod] {
        var found: [ReadMethod] = []
        for (place, width) in registerByteCounts.enumerated() {
            for pages in Pages.allCases {
                for streams in width > 8 ? streamCounts : [1] {
                    var method = ReadMethod()
                    method.pages = pages
                    method.registerByteCount = width
                    method.streamCount = streams
                    found.append(method)
                    if place == 0, width > 8 { found += method.withPrefetches }
                }
            }
        }
        return found
    }

    private var withPrefetches: [ReadMethod] {
        Self.prefetchDistances.flatMap { distance in
            [Prefetch.all, .once].map { prefetch in
                var method = self
                method.prefetch = prefetch
                method.prefetchDistance = distance
                return method
            }
        }
    }

    public var description: String {
        let loads = "\(registerByteCount)-byte loads"
        let streams = streamCount == 1 ? "1 stream" : "\(streamCount) streams"
        let ahead =
            switch prefetch {
            case .none: "no prefetch"
            case .all: "prefetch \(prefetchDistance) bytes ahead"
            case .once: "prefetch \(prefetchDistance) bytes ahead, not kept"
            }
        return "\(loads), \(streams), \(ahead), \(pages.rawValue) pages"
    }
}
