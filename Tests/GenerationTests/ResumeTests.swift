import ClusterTesting
import Generation
import Inference
import Model
import Testing
import Tokenizer

/// What a coordinator does with jobs that were interrupted.
@Suite("An answer that was interrupted")
struct ResumeTests {
    /// Requests of every kind that keeps a state from token to token.
    private static let kinds: [String: @Sendable (inout GenerationRequest) -> Void] = [
        "greedy": { $0.sampling = .greedy },
        "seeded": { $0.sampling.seed = 7 },
        "hot": {
            $0.sampling.seed = 8
            $0.sampling.temperature = 3
        },
        "penalties": {
            $0.sampling.seed = 9
            $0.sampling.repeatPenalty = 1.3
            $0.sampling.frequencyPenalty = 0.4
            $0.sampling.repeatLastN = 5
        },
        "stop text": {
            $0.sampling = .greedy
            $0.stopTexts = ["\n", "never met"]
        },
    ]

    @Test(
        "Goes on with the same tokens and text, wherever it was cut",
        arguments: kinds.keys.sorted()
    )
    func everyCut(kind: String) throws {
        let change = try #require(Self.kinds[kind])
        let driver = try EngineDriver(.demo) { $0.stepRows = 7 }
        var request = GenerationRequest(
            prompt: try driver.tokenizer.encode("NAME\n       ls - "),
            maximumTokens: 14
        )
        change(&request)
        let (whole, text) = try driver.complete(request)
        let expected = try #require(whole)
        #expect(!expected.tokens.isEmpty)
        for count in 0...expected.tokens.count {
            request.resumed = Array(expected.tokens.prefix(count))
            let id = try driver.add(request)
            driver.run()
            let result = try #require(driver.result(id))
            #expect(result.tokens == expected.tokens, "cut after \(count)")
            #expect(result.reason == expected.reason, "cut after \(count)")
            #expect(driver.text(id) == text, "cut after \(count)")
            #expect(driver.tokens(id) == Array(expected.tokens.dropFirst(count)))
            #expect(driver.endCount(id) == 1)
        }
    }

    @Test("Characters and emoji of several tokens are whole wherever it was cut")
    func characters() throws {
        let model = try TinyModel().wholeModel()
        let driver = try EngineDriver(model, eos: 0)
        var request = GenerationRequest(prompt: [1, 2, 3], maximumTokens: 24)
        request.sampling.seed = 3
        request.sampling.temperature = 50
        let (whole, text) = try driver.complete(request)
        let expected = try #require(whole)
        for count in 0...expected.tokens.count {
            request.resumed = Array(expected.tokens.prefix(count))
            let (result, again) = try driver.complete(request)
            #expect(result?.tokens == expected.tokens && again == text, "cut after \(count)")
        }
    }

    @Test("Several resume together, beside new ones")
    func together() throws {
        let alone = try EngineDriver(.demo)
        let texts = ["def main(", "The ", "#include <stdio.h>\n", "NAME\n"]
        let requests = try texts.enumerated().map { index, text in
            var sampling = Sampling()
            sampling.seed = UInt64(index)
            return GenerationRequest(
                prompt: try alone.tokenizer.encode(text),
                maximumTokens: 10,
                sampling: sampling
            )
        }
        let expected = try requests.map { try alone.complete($0).0?.tokens ?? [] }
        let driver = try EngineDriver(.demo) { ($0.stepRows, $0.runningSequences) = (5, 3) }
        let ids = try zip(requests, expected).enumerated().map { index, pair in
            var request = pair.0
            request.resumed = Array(pair.1.prefix(index * 3))
            return try driver.add(request)
        }
        driver.run()
        #expect(ids.map { driver.result($0)?.tokens ?? [] } == expected)
    }

    @Test("One that had its last token ends, and may be cancelled before that")
    func complete() throws {
        let driver = try EngineDriver(.demo)
        let request = GenerationRequest(
            prompt: [1, 2, 3],
            maximumTokens: 2,
            sampling: .greedy,
            resumed: [5, 6]
        )
        let id = try driver.add(request)
        let cancelled = try driver.add(request)
        driver.engine.cancel(cancelled)
        #expect(driver.engine.hasWork && driver.endCount(id) == 0)
        driver.run()
        #expect(driver.result(id)?.reason == .length && driver.result(id)?.tokens == [5, 6])
        #expect(driver.result(cancelled)?.reason == .cancelled && driver.endCount(cancelled) == 1)
    }

    @Test("Tokens that the model does not know are refused")
    func unknown() throws {
        let driver = try EngineDriver(.demo)
        let request = GenerationRequest(prompt: [1], resumed: [1 << 30])
        #expect(throws: RequestError.self) { _ = try driver.add(request) }
    }
}
