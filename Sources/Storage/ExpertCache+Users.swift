import Foundation
import Tensors

// MARK: - Who uses it

extension ExpertCache {
    func lockPath(ofUser name: String) -> String { "\(path)/users/\(name).lock" }

    func usesPath(ofUser name: String) -> String { "\(path)/users/\(name).uses" }

    /// What every living process but `own` needs; what dead ones left is removed.
    func uses(except own: String? = nil) throws(ExpertCacheError) -> [CacheUse] {
        let suffix = ".lock"
        let names = try ExpertCacheError.wrapping { () throws(FileError) in
            try DirectoryListing.entries(of: "\(path)/users")
        }.map(\.name).filter { $0.hasSuffix(suffix) }.map { String($0.dropLast(suffix.count)) }
        var uses: [CacheUse] = []
        for name in names.sorted() where name != own {
            if try isAlive(user: name) {
                uses.append(try use(of: name))
            } else {
                try forget(user: name)
            }
        }
        return uses
    }

    private func isAlive(user name: String) throws(ExpertCacheError) -> Bool {
        try ExpertCacheError.wrapping { () throws(FileError) in
            try LockFile(path: lockPath(ofUser: name)) == nil
        }
    }

    private func use(of name: String) throws(ExpertCacheError) -> CacheUse {
        do throws(FileError) {
            let file = try ReadableFile(path: usesPath(ofUser: name))
            var text = [UInt8](repeating: 0, count: min(file.byteCount, Self.longestUse))
            try file.read(at: 0, into: &text)
            return CacheUse(text)
        } catch {
            // It has just signed in, and needs nothing yet.
            guard !error.isMissingFile else { return CacheUse(0, []) }
            throw .file(error)
        }
    }

    func forget(user name: String) throws(ExpertCacheError) {
        try remove(usesPath(ofUser: name))
        try remove(lockPath(ofUser: name))
    }

    /// Bytes that its disk has left; all there could be where the system does not say.
    var freeByteCount: Int {
        do {
            let found = try FileManager.default.attributesOfFileSystem(forPath: path)
            return (found[.systemFreeSize] as? NSNumber)?.intValue ?? .max
        } catch {
            return .max
        }
    }

    /// Bytes of a list of uses: a line for every expert of the largest assignment.
    private static let longestUse = 8 << 20
}
