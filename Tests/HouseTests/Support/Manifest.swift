import Foundation

/// What Package.swift says each target of Sources depends on.
///
/// Reads the text, because `swift package dump-package` would wait for the build that runs these
/// tests. Understands the manifest's own helpers (`swift`, `door`, `system`) and `.target`, and
/// constants for products.
struct Manifest {
    /// Modules by target.
    let dependencies: [String: Set<String>]

    static func ours() throws -> Manifest { Manifest(text: try Repository.text("Package.swift")) }

    init(text: String) {
        let products = Self.products(in: text)
        var dependencies: [String: Set<String>] = [:]
        for entry in Self.entries(in: text) {
            guard let name = Self.strings(in: entry).first else { continue }
            let list = entry.firstRange(of: "[").map {
                entry[$0.upperBound...].prefix { $0 != "]" }
            }
            let items = Self.strings(in: list ?? "")
            let constants = words(of: String(list ?? "")).compactMap { products[String($0)] }
            dependencies[name] = Set(items + constants)
        }
        self.dependencies = dependencies
    }

    /// The arguments of each target's declaration, up to the settings of a C target: those have
    /// lists too, which are not dependencies.
    private static func entries(in text: String) -> [Substring] {
        let starts = ["swift(", "door(", "system(", ".target(", ".executableTarget("]
        var entries: [Substring] = []
        var rest =
            text.firstRange(of: "targets: [\n        //").map { text[$0.upperBound...] } ?? ""
        while let line = rest.firstIndex(of: "\n") {
            rest = rest[line...].drop { $0 == "\n" || $0 == " " }
            guard let start = starts.first(where: rest.hasPrefix) else { continue }
            let arguments = untilClosed(rest.dropFirst(start.count))
            let end = arguments.firstRange(of: "cSettings:")?.lowerBound ?? arguments.endIndex
            let isSystem = start == "system("
            entries.append(isSystem ? arguments.prefix { $0 != "," } : arguments[..<end])
        }
        return entries
    }

    /// Up to the parenthesis that closes one opened before.
    private static func untilClosed(_ text: Substring) -> Substring {
        var depth = 1
        return text.prefix { character in
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            return depth > 0
        }
    }

    /// `let logging = Target.Dependency.product(name: "Logging", …)` gives `logging: Logging`.
    private static func products(in text: String) -> [String: String] {
        var products: [String: String] = [:]
        for piece in ("\n" + text).components(separatedBy: "\nlet ").dropFirst() {
            let end = piece.firstRange(of: ")")?.lowerBound ?? piece.endIndex
            let declaration = piece[..<end]
            guard declaration.contains("Target.Dependency.product("),
                let constant = words(of: String(declaration)).first,
                let name = strings(in: declaration).first
            else { continue }
            products[String(constant)] = name
        }
        return products
    }

    private static func strings(in text: Substring) -> [String] {
        let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
        return parts.enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }
}
