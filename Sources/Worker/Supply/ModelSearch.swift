import GGUF
import Logging
import Model
import Tensors

/// Looks for the coordinator's model file in a directory.
enum ModelSearch {
    /// Files looked into; a directory of more is not one of models.
    private static let longest = 1000

    /// The file of that identity, or nil where there is none.
    ///
    /// Its size is compared before its header is hashed, and experts' hashes when they are loaded.
    static func find(_ model: ModelIdentity, in directory: String, logger: Logger) -> ModelFile? {
        let names: [String]
        do throws(FileError) {
            names = try DirectoryListing.entries(of: directory).map(\.name)
        } catch {
            logger.warning("No model directory", metadata: ["reason": "\(error)"])
            return nil
        }
        let candidates = names.filter { $0.hasSuffix(".gguf") }.sorted().prefix(longest)
        for name in candidates {
            if let file = open("\(directory)/\(name)", as: model, logger: logger) { return file }
        }
        logger.notice(
            "No file of the model directory is the coordinator's",
            metadata: ["directory": "\(directory)", "files": "\(candidates.count)"]
        )
        return nil
    }

    private static func open(
        _ path: String,
        as model: ModelIdentity,
        logger: Logger
    ) -> ModelFile? {
        do throws(ModelError) {
            let file = try ModelFile(path: path)
            guard UInt64(file.file.byteCount) == model.fileByteCount,
                try file.identity() == model
            else { return nil }
            return file
        } catch {
            // Another model, a further part of one, or no model at all.
            logger.debug("Passed over", metadata: ["path": "\(path)", "reason": "\(error)"])
            return nil
        }
    }
}
