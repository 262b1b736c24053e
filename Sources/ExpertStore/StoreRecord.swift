import Model
import Tensors

/// What a store file says of itself.
///
/// The first page follows from the model and the format, byte for byte, so it is compared, not
/// parsed. The table's last checksum is one of all that is not an expert.
struct StoreRecord: Equatable {
    /// One for each expert.
    let checksums: [UInt64]

    private static let magic = Array("MOIETY-X".utf8)

    static func firstPage(_ key: StoreKey, _ layout: StoreLayout) -> [UInt8] {
        var page = magic + bytes(of: StoreKey.format) + key.digest.bytes
        for number in [layout.expertCount, layout.slotByteCount, layout.byteCount] {
            page += bytes(of: UInt64(number))
        }
        return page + Array(repeating: 0, count: StoreLayout.pageByteCount - page.count)
    }

    func table(_ key: StoreKey, _ layout: StoreLayout) -> [UInt8] {
        let table = checksums.flatMap { Self.bytes(of: $0) }
        return table + Self.bytes(of: Self.checksum(of: table, key, layout))
    }

    init(checksums: [UInt64]) { self.checksums = checksums }

    /// Reads what a file says; nil where it is not right.
    ///
    /// - Parameters:
    ///   - page: the file's first one.
    ///   - table: what follows the experts.
    init?(page: [UInt8], table: [UInt8], _ key: StoreKey, _ layout: StoreLayout) {
        guard page == Self.firstPage(key, layout), table.count == layout.tableByteCount else {
            return nil
        }
        let size = MemoryLayout<UInt64>.size
        let numbers = stride(from: 0, to: table.count, by: size).map { start in
            table[start..<start + size].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        let rest = Array(table.dropLast(size))
        guard numbers.last == Self.checksum(of: rest, key, layout) else { return nil }
        checksums = numbers.dropLast()
    }

    private static func checksum(
        of table: [UInt8],
        _ key: StoreKey,
        _ layout: StoreLayout
    ) -> UInt64 {
        let all = firstPage(key, layout) + table
        let span = all.span
        return Checksum.of(unsafe span.bytes, seed: 0)
    }

    /// Little-endian.
    static func bytes(of number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}
