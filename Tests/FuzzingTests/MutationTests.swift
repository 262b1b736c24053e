import ClusterTesting
import Fuzzing
import Model
import Testing

/// What fuzzing does, without its sense of where new code is: every run tries some thousand inputs
/// made of the kept ones, and `make damage` many more.
@Suite("Mutated inputs", .timeLimit(.minutes(30))) struct MutationTests {
    @Test("Mutated requests are refused, or understood as they should be", arguments: 1...8)
    func requests(seed: UInt64) throws {
        let probe = try RequestProbe()
        var mutator = try Mutator(seed, of: "http", words: Mutator.jsonWords)
        for round in 0..<(runsLong ? 50_000 : 1000) {
            let input = mutator.next()
            guard case .changed(let how) = probe.outcome(of: input) else { continue }
            let text = String(decoding: input, as: UTF8.self)
            Issue.record("seed \(seed), round \(round): \(how): \(text)")
        }
    }

    @Test("Mutated chat templates are refused, or give one text", arguments: 1...8)
    func chats(seed: UInt64) throws {
        let probe = ChatProbe()
        var mutator = try Mutator(seed, of: "templates", words: Mutator.templateWords)
        for round in 0..<(runsLong ? 5000 : 100) {
            let input = mutator.next()
            guard case .changed(let how) = probe.outcome(of: input) else { continue }
            let text = String(decoding: input, as: UTF8.self)
            Issue.record("seed \(seed), round \(round): \(how): \(text)")
        }
    }
}

/// Makes inputs of others: changes, drops, doubles and moves pieces, and puts words in.
private struct Mutator {
    static let jsonWords = [
        "{", "}", "[", "]", ",", ":", "\"", "null", "true", "-1", "9223372036854775808", "1e308",
        "0.5", "\"type\":\"object\"", "\"$ref\":\"#\"", "\"enum\":[\"a\",1]", "\"anyOf\":[{},{}]",
        "\"items\":{}", "\"properties\":{}", "\"required\":[\"a\"]", "\"minItems\":3",
        "\"strict\":true", "\\ud83d", "\\u0000", "\u{e9}",
    ]
    static let templateWords = [
        "{{", "}}", "{%", "%}", "{%-", "-%}", "{#", "for x in messages", "endfor", "if x", "else",
        "endif", "set x = ", "macro f(a)", "endmacro", "loop.index", "messages", "tools", "[0]",
        "|tojson", "|length", "|join('x')", "|default(1)", ".items()", "range(9)", "namespace(a=1)",
        "<tool_call>", "[TOOL_CALLS]", "{\"name\": \"f\", \"arguments\": {}}", "</tool_call>", "\n",
        " ", "\"", "'", "\\", "\u{e9}", "1", "~", "+", "*", "**", "%", "not ", " in ", " is ",
    ]

    private var random: SeededRandom
    private let inputs: [[UInt8]]
    private let words: [[UInt8]]

    init(_ seed: UInt64, of fuzzer: String, words: [String]) throws {
        random = SeededRandom(seed: seed)
        inputs = try Corpus.inputs(of: fuzzer).map(\.bytes)
        self.words = words.map { Array($0.utf8) }
    }

    mutating func next() -> [UInt8] {
        var input = pick(inputs)
        for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&input) }
        return input
    }

    private mutating func mutate(_ input: inout [UInt8]) {
        let place = Int.random(in: 0...input.count, using: &random)
        let end = min(input.count, place + Int.random(in: 0...40, using: &random))
        switch Int.random(in: 0..<7, using: &random) {
        case 0: input.removeSubrange(place..<end)
        case 1: input.insert(contentsOf: input[place..<end], at: place)
        case 2:
            let other = pick(inputs)
            let start = Int.random(in: 0...other.count, using: &random)
            input.replaceSubrange(place..<end, with: other[start...].prefix(end - place + 20))
        case 3 where place < input.count:
            input[place] = UInt8.random(in: .min ... .max, using: &random)
        case 4 where place < input.count:
            input[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        default: input.insert(contentsOf: pick(words), at: place)
        }
    }

    private mutating func pick(_ values: [[UInt8]]) -> [UInt8] {
        values.randomElement(using: &random) ?? []
    }
}
