import Testing

@Suite("Words that code may not contain")
struct WordTests {
    @Test("No hidden failures, no unfinished work, printing only on the roof")
    func words() throws {
        let violations = try Repository.sources().flatMap {
            WordRules.violations(in: $0, isRoof: $0.target.first?.isLowercase == true)
        }
        #expect(violations == [])
    }

    @Test("Unsafe code stands only in targets that may import a C module")
    func unsafeCode() throws {
        let table = try ImportTable.drawn()
        let files = try Repository.sources()
        let ground = Set(files.filter { !$0.isSwift }.map(\.target))
        let system = ["CZeroMQ", "COpenBLAS", "CProtobufC", "CPCRE2", "CCbc", "CWire"]
        let violations = files.flatMap { file in
            let mayImport = table[file.target]?.mayImport ?? []
            let importsC = !mayImport.isDisjoint(with: ground.union(system))
            return WordRules.unsafeViolations(in: file, importsC: importsC)
        }
        #expect(violations == [])
    }

    @Test("At most five @unchecked Sendable, each with what protects its state")
    func uncheckedSendables() throws {
        let found = try Repository.sources().flatMap(WordRules.uncheckedSendables)
        #expect(found.count <= WordRules.mostUncheckedSendables, "\(found.map(\.place))")
        #expect(found.filter { !$0.isExplained }.map(\.place) == [])
    }

    @Test("Public headers of C give every name our prefix")
    func prefixes() throws {
        let headers = try Repository.sources().filter { $0.path.contains("/include/") }
        #expect(!headers.isEmpty)
        #expect(headers.flatMap(WordRules.prefixViolations) == [])
    }

    @Test("No file names a machine's paths")
    func strangers() throws {
        let texts = try Repository.texts()
        #expect(texts.contains { $0.path == "Makefile" })
        #expect(texts.flatMap { WordRules.strangers(path: $0.path, text: $0.text) } == [])
    }

    // MARK: The rules themselves

    @Test("Planted words are found in code and not in comments or literals")
    func plantedWords() {
        let text = """
            let a = try? f()
            let b = try! f() // try!
            fatalError("try?")
            print(a); blueprint(b)
            @testable import A
            // \("TO" + "DO"): finish
            let toDo = 1
            """
        let file = SourceFile(path: "Sources/A/A.swift", text: text)
        let expected = [
            "Sources/A/A.swift:6: a mark of unfinished work",
            "Sources/A/A.swift:1: try?", "Sources/A/A.swift:2: try!",
            "Sources/A/A.swift:3: fatalError(", "Sources/A/A.swift:4: print(",
            "Sources/A/A.swift:5: @testable",
        ]
        #expect(WordRules.violations(in: file, isRoof: false) == expected)
        #expect(
            WordRules.violations(in: file, isRoof: true)
                == expected.filter { !$0.hasSuffix("print(") }
        )
    }

    @Test("Planted unsafe code is found where no C module is imported")
    func plantedUnsafe() {
        let text = "// unsafe\nlet a = unsafe b\nlet isUnsafe = 1\n"
        let file = SourceFile(path: "Sources/A/A.swift", text: text)
        #expect(
            WordRules.unsafeViolations(in: file, importsC: false)
                == ["Sources/A/A.swift:2: unsafe code in A, which imports no C module"]
        )
        #expect(WordRules.unsafeViolations(in: file, importsC: true) == [])
    }

    @Test("A planted @unchecked Sendable without a reason is found")
    func plantedUnchecked() {
        let text = """
            // @unchecked: the lock protects it.
            final class A: @unchecked Sendable {}

            /// Some class.
            final class B: @unchecked Sendable {}
            final class C: @unchecked Sendable {
                // @unchecked: it never changes.
            }
            """
        let file = SourceFile(path: "Sources/A/A.swift", text: text)
        let found = WordRules.uncheckedSendables(in: file)
        #expect(found.map(\.isExplained) == [true, false, true])
        #expect(found.map(\.place).last == "Sources/A/A.swift:6")
    }

    @Test("Planted names without the prefix are found in a header")
    func plantedNames() {
        let text = """
            #ifndef MOIETY_A_H
            #define MOIETY_A_H
            #define LIMIT 3
            struct moiety_a {
                int b;
            };
            enum colour { MOIETY_RED };
            int moiety_f(int a);
            static inline int helper(int a) {
                return moiety_f(a);
            }
            typedef int (*moiety_judge)(int a);
            typedef void (*judge)(void);
            """
        let header = SourceFile(path: "Sources/C/include/C.h", text: text)
        #expect(
            WordRules.prefixViolations(in: header) == [
                "Sources/C/include/C.h:3: LIMIT lacks the prefix moiety_",
                "Sources/C/include/C.h:7: colour lacks the prefix moiety_",
                "Sources/C/include/C.h:9: helper lacks the prefix moiety_",
                "Sources/C/include/C.h:13: judge lacks the prefix moiety_",
            ]
        )
    }

    @Test("A planted machine path is found")
    func plantedStranger() {
        let text = "fine\nsee .." + "/shared/notes.md\n"
        #expect(WordRules.strangers(path: "a.md", text: text) == ["a.md:2: .." + "/shared"])
    }
}
