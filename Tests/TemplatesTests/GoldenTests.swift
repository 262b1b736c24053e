import Foundation
import Templates
import Testing

/// A template, what it is given and what Jinja makes of it; nil where Jinja refuses.
struct Golden: CustomTestStringConvertible {
    let name: String
    let template: String
    let variables: TemplateDictionary
    let output: String?

    var testDescription: String { name }

    /// When goldens.py says it is.
    static let date = TemplateDate(year: 2026, month: 2, day: 3, hour: 4, minute: 5, second: 6)

    init(_ value: TemplateValue, variables: TemplateValue? = nil) throws {
        name = try #require(value["name"]?.string)
        template = try #require(value["template"]?.string)
        output = value["output"]?.string
        guard case .dictionary(let given) = variables ?? value["variables"] else {
            throw CocoaError(.fileReadCorruptFile)
        }
        self.variables = given
    }

    static func file(_ name: String) throws -> TemplateValue {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let data = try Data(contentsOf: folder.appending(path: "Fixtures/\(name)"))
        return try TemplateValue(json: Array(data))
    }

    static func all(in name: String) throws -> [Golden] {
        let value = try file(name)
        if let cases = value.list { return try cases.map { try Golden($0) } }
        let cases = try #require(value["cases"]?.list)
        return try cases.map { try Golden($0, variables: value["variables"]) }
    }

    func check() {
        do throws(TemplateError) {
            let text = try Template(template).render(variables, date: Self.date)
            #expect(text == output, "\(name): \(template)")
        } catch {
            #expect(output == nil, "\(name): \(error) in \(template)")
            #expect(error.line >= 1 && !error.description.isEmpty)
        }
    }
}

@Suite("Templates against Jinja's own results")
struct GoldenTests {
    @Test("Every construct gives what Jinja gives")
    func cases() throws {
        let goldens = try Golden.all(in: "cases.json")
        #expect(goldens.count > 150)
        for golden in goldens { golden.check() }
    }

    @Test("Chats in the manner of model families look as Jinja renders them")
    func chats() throws {
        let goldens = try Golden.all(in: "chats.json")
        #expect(goldens.count > 100)
        for golden in goldens { golden.check() }
    }

    @Test("Random templates give what Jinja gives")
    func random() throws {
        let goldens = try Golden.all(in: "random.json")
        #expect(goldens.count >= 600)
        for golden in goldens { golden.check() }
    }
}
