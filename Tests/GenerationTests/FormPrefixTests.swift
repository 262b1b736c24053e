import ClusterTesting
import Foundation
import Generation
import Inference
import JSON
import Testing
import Tokenizer

@Suite("Calls of tools within answers")
struct FormPrefixTests {
    private typealias Property = AnswerSchema.Property
    private typealias Kind = AnswerSchema.Tagged.Kind

    private static func json(_ text: String) -> [UInt8] { JSONValue.string(text).encoded }

    /// A call of `date`, of `dates` or of `any`.
    private static let call = AnswerSchema.tagged(
        AnswerSchema.Tagged(
            key: json("name"),
            [
                Kind(tag: json("dates"), [Property(key: json("arguments"), .object([]))]),
                Kind(
                    tag: json("date"),
                    [
                        Property(
                            key: json("arguments"),
                            .object([Property(key: json("zone"), .text)])
                        )
                    ]
                ),
                Kind(tag: json("any"), [Property(key: json("arguments"), .anyObject)]),
            ]
        )
    )

    private static func form(_ schema: AnswerSchema = call, limit: Int? = nil) -> AnswerForm {
        .calls(CallForm(opening: Array("<call>".utf8), schema, limit: limit))
    }

    /// How many bytes may come, and whether free text may go on behind them.
    private static func run(_ form: AnswerForm, _ text: String) -> (taken: Int, isOutside: Bool) {
        guard var prefix = FormPrefix(form) else { return (0, false) }
        var taken = 0
        for byte in text.utf8 {
            guard prefix.take(byte) else { break }
            taken += 1
        }
        return (taken, prefix.awaitedOpening != nil)
    }

    @Test(
        "Text is free, and calls in it are whole",
        arguments: [
            "anything } at all <cal", #"<call> {"name":"date","arguments":{"zone":"UTC"}} }"#,
            #"<<call>{"name":"dates","arguments":{}}</call>"#,
            #"a<call>{"name":"any","arguments":{"b":[1]}}<call>{"name":"any","arguments":{}}b"#,
        ]
    )
    func whole(text: String) {
        let (taken, isOutside) = Self.run(Self.form(), text)
        #expect(taken == text.utf8.count && isOutside)
    }

    @Test(
        "What a call's name does not allow is stopped where it goes wrong",
        arguments: [
            ("<call>x", 6), ("<call>[", 6), ("<call>{\"arguments\"", 8), ("<call>{\"name\":1", 14),
            ("<call>{\"name\":\"da,", 17), ("<call>{\"name\":\"dates\"}", 21),
            ("<call>{\"name\":\"dates\",\"arguments\":{\"zone\"", 35),
            ("<call>{\"name\":\"date\",\"arguments\":{}", 34),
            ("<call>{\"name\":\"date\",\"arguments\":{\"zone\":1", 41),
            ("<call>{\"name\":\"any\",\"arguments\":1", 32),
        ]
    )
    func refusals(text: String, taken: Int) {
        #expect(Self.run(Self.form(), text).taken == taken)
    }

    @Test("Calls may be a list, and have a limit")
    func lists() {
        let one = #"{"name":"dates","arguments":{}}"#
        let two = AnswerSchema.array(Self.call, counts: 1...2)
        #expect(Self.run(Self.form(two), "<call> [\(one), \(one)] and").isOutside)
        #expect(Self.run(Self.form(two), "<call>[]").taken == 7)
        #expect(Self.run(Self.form(two), "<call>{").taken == 6)
        #expect(Self.run(Self.form(two), "<call>[\(one),\(one),").taken == 8 + 2 * one.utf8.count)
        #expect(Self.run(Self.form(limit: 1), "<call>\(one)<call>").taken == 11 + one.utf8.count)
        #expect(Self.run(Self.form(limit: 2), "<call>\(one)<call>\(one)!").isOutside)
    }

    @Test("Every answer is of the form of a text")
    func text() {
        #expect(FormPrefix(.text) == nil)
        #expect(FormPrefix(.object)?.awaitedOpening == nil)
    }

    @Test("What the model writes behind an opening is a call, whatever it had in mind")
    func engine() throws {
        let driver = try EngineDriver(.demo)
        var request = GenerationRequest(
            prompt: try driver.tokenizer.encode("NAME\n       ls - "),
            maximumTokens: 60,
            sampling: .greedy
        )
        let (_, free) = try driver.complete(request)
        // A sign that it writes by itself stands in for an opening.
        let bytes = Array(free.utf8)
        let opening = try #require(bytes.dropFirst(3).first { bytes.count($0) == 1 }, "\(free)")
        request.form = .calls(CallForm(opening: [opening], Self.call))
        let (result, text) = try driver.complete(request)
        let start = try #require(text.utf8.firstIndex(of: opening))
        #expect(free.utf8.starts(with: text.utf8[...start]))
        #expect(text != free)
        #expect(Self.run(request.form, text).taken == text.utf8.count, "\(text)")
        // Taken up again, the answer goes on as it did.
        let tokens = try #require(result).tokens
        request.resumed = Array(tokens.prefix(tokens.count / 2))
        let (rest, same) = try driver.complete(request)
        #expect(rest?.tokens == tokens && same == text)
        // No call may be made where none is left.
        request.resumed = []
        request.form = .calls(CallForm(opening: [opening], Self.call, limit: 0))
        let (_, none) = try driver.complete(request)
        #expect(!none.utf8.contains(opening))
    }
}

extension [UInt8] {
    fileprivate func count(_ byte: UInt8) -> Int { count { $0 == byte } }
}
