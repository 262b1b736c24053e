import Foundation

/// The repository that these tests stand in.
enum Repository {
    static let top = URL(filePath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Folders that hold what was built or fetched, and Git's own.
    private static let skipped: Set<String> = [".git", ".build", ".swiftpm", "state"]

    static func text(_ path: String) throws -> String {
        try String(contentsOf: top.appending(path: path), encoding: .utf8)
    }

    /// Swift and C that people write, in Sources and Tests; what protoc-c wrote is left out.
    static func sources() throws -> [SourceFile] {
        try paths { path in
            let isCode = [".swift", ".c", ".h"].contains { path.hasSuffix($0) }
            return isCode && !path.hasPrefix("Sources/CWire/")
        }
        .filter { $0.hasPrefix("Sources/") || $0.hasPrefix("Tests/") }
        .map { SourceFile(path: $0, text: try text($0)) }
    }

    /// Names of the folders below `Sources` that hold a file.
    static func targets() throws -> [String] {
        Set(try paths { $0.hasPrefix("Sources/") }.map { String($0.split(separator: "/")[1]) })
            .sorted()
    }

    /// Every file of ours that a person might read, without model files and the like.
    static func texts() throws -> [(path: String, text: String)] {
        let endings = [
            ".swift", ".c", ".h", ".md", ".yaml", ".yml", ".sh", ".py", ".proto", ".modulemap",
            "Makefile", ".ci/run", ".service", ".swift-format", ".clang-format", ".gitignore",
        ]
        return try paths { path in endings.contains { path.hasSuffix($0) } }
            .map { ($0, try text($0)) }
    }

    /// Paths from the top of the repository, sorted.
    static func paths(where isIncluded: (String) -> Bool) throws -> [String] {
        var found: [String] = []
        var folders = [""]
        while let folder = folders.popLast() {
            let place = folder.isEmpty ? top : top.appending(path: folder)
            for name in try FileManager.default.contentsOfDirectory(atPath: place.path) {
                let isBuild = skipped.contains(name) || name.hasPrefix(".build")
                if folder.isEmpty, isBuild { continue }
                let path = folder.isEmpty ? name : "\(folder)/\(name)"
                if try isFolder(path) {
                    folders.append(path)
                } else if isIncluded(path) {
                    found.append(path)
                }
            }
        }
        return found.sorted()
    }

    private static func isFolder(_ path: String) throws -> Bool {
        let place = top.appending(path: path).path
        let type = try FileManager.default.attributesOfItem(atPath: place)[.type]
        return type as? FileAttributeType == .typeDirectory
    }
}
