import Messaging

/// A text file that the settings name: keys, certificates, templates.
enum SmallFile {
    /// Why it is not used.
    struct Refusal: Error {
        let reason: String
    }

    /// Larger than anything that is meant.
    private static let byteLimit = 1 << 20

    /// - Parameter isSecret: whether nobody but the file's owner may read it.
    static func read(_ path: String, isSecret: Bool = false) throws(Refusal) -> String {
        let bytes: [UInt8]
        do throws(KeyError) {
            bytes = try KeyFile.bytes(of: path, isSecret: isSecret, limit: byteLimit)
        } catch .openToOthers {
            let reason = "others than its owner may read or change the file (chmod 600)"
            throw Refusal(reason: reason)
        } catch .unreadable(_, let reason) {
            throw Refusal(reason: reason)
        } catch {
            throw Refusal(reason: "\(error)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Refusal(reason: "it is no text")
        }
        return text
    }
}
