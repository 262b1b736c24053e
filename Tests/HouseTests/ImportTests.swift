import Testing

@Suite("Who may import whom")
struct ImportTests {
    @Test("Every import is one that docs/ARCHITECTURE.md allows")
    func imports() throws {
        let table = try ImportTable.drawn()
        let violations = try Repository.sources().filter(\.isShipped)
            .flatMap { ImportRules.violations(in: $0, table: table) }
        #expect(violations == [])
    }

    @Test("Every target of Sources is drawn, and every drawn target exists")
    func drawing() throws {
        let table = try ImportTable.drawn()
        #expect(try Repository.targets() == table.rows.map(\.target).sorted())
        for row in table.rows {
            #expect(row.purpose.count > 10, "\(row.target) has no line that says what it is")
        }
    }

    @Test("Package.swift depends on what the drawing allows and on nothing else")
    func manifest() throws {
        let table = try ImportTable.drawn()
        let manifest = try Manifest.ours()
        #expect(manifest.dependencies.keys.sorted() == table.rows.map(\.target).sorted())
        for (target, dependencies) in manifest.dependencies.sorted(by: { $0.key < $1.key }) {
            let allowed = table[target]?.mayImport ?? []
            let extra = dependencies.subtracting(allowed).sorted()
            #expect(extra == [], "\(target) depends on more than it may import")
        }
    }

    @Test("Every target declares in Package.swift what it imports")
    func declared() throws {
        // SwiftPM lets a target import what its dependencies pull in.
        let manifest = try Manifest.ours()
        let known = Set(manifest.dependencies.flatMap { [$0.key] + $0.value })
        let violations = try Repository.sources().filter(\.isShipped).flatMap { file in
            ImportRules.modules(importedBy: file).filter {
                let isOurs = known.contains($0.module)
                return isOurs && manifest.dependencies[file.target]?.contains($0.module) != true
            }
            .map { "\(file.place($0.line)): Package.swift does not give \($0.module)" }
        }
        #expect(violations == [])
    }

    @Test("The drawing has no circles, and the two wings do not meet below the daemons")
    func wings() throws {
        let table = try ImportTable.drawn()
        func reach(_ target: String) -> Set<String> {
            var found: Set<String> = []
            var open = [target]
            while let next = open.popLast() {
                for module in table[next]?.mayImport ?? [] where found.insert(module).inserted {
                    open.append(module)
                }
            }
            return found
        }
        for row in table.rows {
            #expect(!reach(row.target).contains(row.target), "\(row.target) imports itself")
        }
        let left = ["Tokenizer", "Inference", "Experts", "Generation"]
        let right = ["Placement", "Cluster", "Wire"]
        for target in left { #expect(reach(target).isDisjoint(with: right)) }
        for target in right { #expect(reach(target).isDisjoint(with: left)) }
    }

    @Test("Each third party has one door")
    func thirdParties() throws {
        let table = try ImportTable.drawn()
        let roof: Set<String> = [
            "moiety", "moiety-bench", "moiety-coordinator", "moiety-worker", "Daemon", "Terminal",
        ]
        let doors: [String: Set<String>] = [
            "Configuration": ["Settings"],
            "ArgumentParser": roof,
            "Logging": roof.union(["Messaging", "Worker", "Coordinator", "API", "ClusterTesting"]),
            "ServiceLifecycle": roof.union(["Worker", "Coordinator", "API", "ClusterTesting"]),
            "Hummingbird": ["API"], "HummingbirdCore": ["API"], "HTTPTypes": ["API"],
            "HummingbirdTLS": ["API"], "NIOSSL": ["API"],
            "NIOCore": ["API"], "NIOPosix": ["API"],
            "Crypto": ["Model", "Generation"],
        ]
        for row in table.rows {
            for (party, allowed) in doors where row.mayImport.contains(party) {
                #expect(allowed.contains(row.target), "\(row.target) may not import \(party)")
            }
        }
    }

    // MARK: The rules themselves

    private static let table = ImportTable(
        markdown: """
            | Target | One line | May import |
            |---|---|---|
            | `A` | first | |
            | `B` `C` | both on the first | `A` `Foundation` |

            | Target | elsewhere |
            """
    )

    @Test("A planted import is found in every form it can take")
    func plantedImport() {
        let text = """
            import A
            public import struct D.Value
            @preconcurrency internal import E
            // import F
            let important = "import G"
            import Foundation; import Synchronization
            @_exported import H
            """
        let file = SourceFile(path: "Sources/B/B.swift", text: text)
        #expect(
            ImportRules.violations(in: file, table: Self.table) == [
                "Sources/B/B.swift:2: B may not import D",
                "Sources/B/B.swift:3: B may not import E",
                "Sources/B/B.swift:7: B may not import H",
            ]
        )
    }

    @Test("A target that is not drawn is found")
    func plantedTarget() {
        let file = SourceFile(path: "Sources/Cellar/Cellar.swift", text: "")
        #expect(
            ImportRules.violations(in: file, table: Self.table)
                == ["Sources/Cellar/Cellar.swift: docs/ARCHITECTURE.md does not draw Cellar"]
        )
    }

    @Test("The table and the manifest are read as they are written")
    func readers() {
        #expect(Self.table.rows.map(\.target) == ["A", "B", "C"])
        #expect(Self.table["C"]?.mayImport == ["A", "Foundation"])
        let manifest = Manifest(
            text: """
                let logging = Target.Dependency.product(
                    name: "Logging",
                    package: "swift-log"
                )
                let package = Package(
                    targets: [
                        // Ground: C.
                        .target(name: "C", cSettings: cSettings + [.unsafeFlags(["-O3"])]),
                        system("CLib", apt: ["lib-dev"]),
                        swift("A", ["C", logging]),
                        door(
                            "roof",
                            [
                                "A",
                                "C",
                            ]
                        ),
                        tests(of: "A", ["A"]),
                    ]
                )
                """
        )
        #expect(
            manifest.dependencies
                == ["C": [], "CLib": [], "A": ["C", "Logging"], "roof": ["A", "C"]]
        )
    }
}
