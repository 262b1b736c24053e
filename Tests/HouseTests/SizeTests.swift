import Testing

@Suite("How long things may be")
struct SizeTests {
    @Test("Files, lines and functions are within their limits")
    func sizes() throws {
        let files = try Repository.sources()
        #expect(files.count > 20)
        #expect(files.flatMap { SizeRules.functions(in: $0) }.count > 100)
        #expect(files.flatMap(SizeRules.violations) == [])
    }

    // MARK: The rules themselves

    @Test("A planted long file and a planted long line are found")
    func plantedSizes() {
        let line = "// " + String(repeating: "é", count: 98)
        let text = line + "\n" + String(repeating: "\n", count: 500)
        #expect(
            SizeRules.violations(in: SourceFile(path: "Sources/A/A.swift", text: text)) == [
                "Sources/A/A.swift: 501 lines, 500 are allowed",
                "Sources/A/A.swift:1: 101 columns, 100 are allowed",
            ]
        )
    }

    @Test(
        "A planted long function is found, whatever kind it is",
        arguments: [
            "func f() {", "init<T>(\n    _ x: T\n) where T: P {", "deinit {",
            "subscript(i: Int) -> Int {", "init?(a: Int) throws(E)\n{",
            "private func g(_ body: () -> Void = {}) -> [Int]\nwhere T: P {",
        ]
    )
    func plantedFunction(declaration: String) {
        func file(_ bodyLines: Int) -> SourceFile {
            let body = String(repeating: "    if x { y(\"}\") }\n", count: bodyLines)
            let text = "struct S {\n    \(declaration)\n\(body)    }\n}\n"
            return SourceFile(path: "Sources/A/A.swift", text: text)
        }
        let signature = declaration.split(separator: "\n").count
        #expect(SizeRules.violations(in: file(59 - signature)) == [])
        #expect(
            SizeRules.violations(in: file(60 - signature + 1))
                == ["Sources/A/A.swift:2: a function of 62 lines, 60 are allowed"]
        )
    }

    @Test("A planted long function of C is found, and a table is not a function")
    func plantedC() {
        let body = String(repeating: "    x = '{';\n", count: 59)
        let text = "int f(int x) {\n\(body)}\nint g(int);\nconst int t[] = {(1),\n\(body)};\n"
        let file = SourceFile(path: "Sources/C/c.c", text: text)
        #expect(
            SizeRules.violations(in: file)
                == ["Sources/C/c.c:1: a function of 61 lines, 60 are allowed"]
        )
    }

    @Test("Requirements, calls and closures are not functions with a body")
    func notFunctions() {
        let text = """
            protocol P {
                init(a: Int)
                func f(a: Int) throws(E) -> Int
                func g()
            }
            let x = S.init(a: 1) { 2 }
            extension P {
                func h() { self.init(a: 1) }
            }
            """
        let file = SourceFile(path: "Sources/A/A.swift", text: text)
        #expect(SizeRules.functions(in: file) == [7..<8])
    }
}
