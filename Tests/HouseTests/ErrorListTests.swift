import Testing

@Suite("docs/ERRORS.md")
struct ErrorListTests {
    @Test("Every error that the code knows is listed, and nothing that it does not know")
    func listed() throws {
        let cases = Set(try ErrorCases.ours())
        #expect(cases.count > 100)
        let listed = Self.names(in: try Repository.text("docs/ERRORS.md"), of: cases)
        #expect(cases.subtracting(listed).sorted() == [], "not in docs/ERRORS.md")
        #expect(listed.subtracting(cases).sorted() == [], "only in docs/ERRORS.md")
    }

    @Test("Every refusal's and failure's word that logs and jobs show is listed")
    func codes() throws {
        let cases = try ErrorCases.ours()
        for type in ["RefusalCode", "LoadFailureCode", "ShareRefusalCode"] {
            #expect(cases.contains { $0.hasPrefix("\(type).") }, "\(type)")
        }
    }

    /// What stands in backticks as `Type.case`, for types that have cases here.
    private static func names(in markdown: String, of cases: Set<String>) -> Set<String> {
        let types = Set(cases.map { $0.prefix { $0 != "." } })
        let quoted = markdown.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map(\.element)
        let named = quoted.filter { text in
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 2 && types.contains(parts[0])
        }
        return Set(named.map(String.init))
    }

    // MARK: The rules themselves

    @Test("Cases are found in every form that they can take, and other cases are not")
    func planted() {
        let text = """
            public enum MadeError: Error, Equatable {
                /// case comment
                case plain, second(Int, String)
                case long(
                    name: String
                )
                var text: String {
                    switch self {
                    case .plain: "case quoted"
                    case let .second(a, b): a
                    }
                }
                enum Other { case inner }
            }
            public struct Outer: Error {
                public enum Problem: Error {
                    case deep
                }
            }
            enum RefusalCode: UInt32 {
                case one = 1
            }
            enum Plain {
                case none
            }
            """
        let file = SourceFile(path: "Sources/Made/Made.swift", text: text)
        #expect(
            ErrorCases(in: file).names == [
                "MadeError.plain", "MadeError.second", "MadeError.long", "Outer.deep",
                "RefusalCode.one",
            ]
        )
    }

    @Test("Names are read from backticks only")
    func reader() {
        let cases: Set = ["AError.one", "AError.two", "AError.three"]
        let listed = Self.names(
            in: "`AError.one` `moiety.yaml` AError.two `AError.gone`",
            of: cases
        )
        #expect(listed == ["AError.one", "AError.gone"])
    }
}
