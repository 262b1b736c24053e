public import Model
import Tensors

/// Writes a store file, expert after expert.
///
/// It has its name only once all of it is on disk: whoever is killed before leaves a file that
/// nobody opens, and that the next one removes.
public final class StoreWriter {
    private let key: StoreKey
    private let layout: StoreLayout
    private let file: AtomicFile
    private var checksums: [UInt64] = []
    private var left: ArraySlice<ExpertID>

    public init(path: String, key: StoreKey, layout: StoreLayout) throws(StoreError) {
        self.key = key
        self.layout = layout
        left = layout.experts[...]
        file = try StoreError.wrapping { () throws(FileError) in
            let file = try AtomicFile(path: path)
            try file.append(StoreRecord.firstPage(key, layout))
            return file
        }
    }

    /// The expert that is to be appended next; nil where all are.
    public var next: ExpertID? { left.first }

    /// Appends the next expert.
    ///
    /// - Parameter extent: its pages, as `StoreLayout.fill` leaves them.
    public func append(_ extent: RawSpan) throws(StoreError) {
        guard let id = left.popFirst(), let place = layout.extent(of: id) else {
            preconditionFailure("more experts than the model has")
        }
        precondition(extent.byteCount == place.count, "\(extent.byteCount) bytes for \(id)")
        checksums.append(StoreLayout.checksum(of: extent))
        try StoreError.wrapping { () throws(FileError) in try file.append(extent) }
    }

    /// Makes the file durable and gives it its name.
    ///
    /// - Precondition: all experts were appended.
    public func commit() throws(StoreError) {
        precondition(left.isEmpty, "\(left.count) experts are missing")
        let table = StoreRecord(checksums: checksums).table(key, layout)
        try StoreError.wrapping { () throws(FileError) in
            try file.append(table)
            try file.commit()
        }
    }
}
