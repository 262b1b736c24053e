import Crypto

/// The name of a page of keys and values: it stands for all tokens up to the page's end, and for
/// those who may use it.
struct PageName: Hashable, Sendable {
    let bytes: [UInt8]

    /// Whatever begins for `scope`.
    init(scope: String, digest: PageNames.Digest) {
        bytes = digest(Array(scope.utf8))
    }

    init(of tokens: ArraySlice<Int32>, after last: PageName, digest: PageNames.Digest) {
        var message = last.bytes
        message.reserveCapacity(message.count + tokens.count * MemoryLayout<Int32>.size)
        for token in tokens {
            for shift in stride(from: 0, to: Int32.bitWidth, by: UInt8.bitWidth) {
                message.append(UInt8(truncatingIfNeeded: token >> shift))
            }
        }
        bytes = digest(message)
    }
}

/// The whole pages of one sequence by name, as far as its tokens are known.
package struct PageNames {
    package typealias Digest = @Sendable ([UInt8]) -> [UInt8]

    /// Who may share pages: sequences of different scopes never do.
    let scope: String
    let pageLength: Int
    private let digest: Digest
    private let root: PageName
    private var names: [PageName] = []

    package init(scope: String, pageLength: Int, digest: @escaping Digest = sha256) {
        self.scope = scope
        self.pageLength = pageLength
        self.digest = digest
        root = PageName(scope: scope, digest: digest)
    }

    package var count: Int { names.count }

    /// The name of a page, and of the one before it.
    subscript(index: Int) -> (name: PageName, last: PageName) {
        (names[index], index > 0 ? names[index - 1] : root)
    }

    /// Names the pages that the first tokens fill.
    ///
    /// - Parameter tokens: the same ones as before, and more.
    package mutating func extend(over tokens: [Int32]) {
        while (names.count + 1) * pageLength <= tokens.count {
            let start = names.count * pageLength
            names.append(
                PageName(
                    of: tokens[start..<start + pageLength],
                    after: names.last ?? root,
                    digest: digest
                )
            )
        }
    }

    /// Nobody can find tokens that give the same name as others.
    package static let sha256: Digest = { Array(SHA256.hash(data: $0)) }
}
