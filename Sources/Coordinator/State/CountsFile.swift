import Foundation
package import Model
package import Placement
import Tensors

/// The file of the state directory in which counts outlive the coordinator.
///
/// It may go at any time: then counting begins anew.
package struct CountsFile: Sendable {
    private let state: StateDirectory
    private let model: ModelIdentity
    private let expertCounts: [Int]
    private let topK: Int

    package static let name = "counts"

    package init(
        in state: StateDirectory,
        of model: ModelIdentity,
        _ description: ModelDescription
    ) {
        self.state = state
        self.model = model
        expertCounts = description.expertCounts
        topK = max(1, description.expertsPerToken)
    }

    private var path: String { state.url.appending(path: Self.name).path }

    /// What was found where a former life may have left something.
    package enum Found: Sendable {
        case nothing
        case counts(KeptCounts)
        /// It is of another model file.
        case foreign(String)
        /// It cannot be read, or is damaged.
        case unusable(String)
    }

    package func read() -> Found {
        guard FileManager.default.fileExists(atPath: path) else { return .nothing }
        do throws(FileError) {
            let bytes = try bytes()
            do throws(ProfileError) {
                return .counts(
                    try KeptCounts(
                        bytes: bytes,
                        of: model,
                        expertCounts: expertCounts,
                        topK: topK
                    )
                )
            } catch {
                if case .otherModel = error { return .foreign("\(path): \(error)") }
                return .unusable("\(path): \(error)")
            }
        } catch {
            return .unusable("\(error)")
        }
    }

    /// The file, or as much of a larger one as tells that it is too large.
    private func bytes() throws(FileError) -> [UInt8] {
        let file = try ReadableFile(path: path)
        let count = min(file.byteCount, KeptCounts.Limits().fileByteCount + 1)
        do throws(MemoryShortage) {
            try MemoryBudget.check(count)
        } catch {
            throw .tooLittleMemory(path: path, error)
        }
        var bytes = [UInt8](repeating: 0, count: count)
        try file.read(at: 0, into: &bytes)
        return bytes
    }

    /// Replaces the file; on disk before this returns.
    package func write(_ report: ProfileReport) throws(CoordinatorError) {
        do throws(FileError) {
            let file = try AtomicFile(path: path)
            try KeptCounts.write(report.counter, report.recorder, of: model) {
                piece throws(FileError) in try file.append(piece)
            }
            try file.commit()
        } catch {
            throw .state("\(error)")
        }
    }

    /// Removes what writers have left that were killed; nobody else may write meanwhile.
    package func removeRemains() throws(CoordinatorError) {
        let entries: [DirectoryEntry]
        do throws(FileError) {
            entries = try DirectoryListing.entries(of: state.url.path)
        } catch {
            throw .state("\(error)")
        }
        for entry in entries where entry.name.hasPrefix("\(Self.name).part-") {
            try state.remove(entry.name)
        }
    }
}
