import ClusterTesting
import Foundation
import Generation
import Inference
import Testing
import Tokenizer

@Suite("What clients ask of answers")
struct AnswerFormTests {
    private func request(
        _ text: String,
        _ driver: EngineDriver,
        count: Int = 12,
        _ change: (inout Sampling) -> Void = { _ in }
    ) throws -> GenerationRequest {
        var sampling = Sampling.greedy
        change(&sampling)
        return GenerationRequest(
            prompt: try driver.tokenizer.encode(text),
            maximumTokens: count,
            sampling: sampling
        )
    }

    private func scores(_ driver: EngineDriver, _ id: Engine.SequenceID) -> [TokenScores] {
        (driver.events[id] ?? []).compactMap {
            if case .scores(let scores) = $0 { scores } else { nil }
        }
    }

    @Test("Scores come with each token where they are asked for, and change no token")
    func scores() throws {
        let driver = try EngineDriver(.demo)
        let plain = try driver.add(request("NAME\n", driver))
        let scored = try driver.add(request("NAME\n", driver) { $0.scoreCount = 3 })
        let alone = try driver.add(request("NAME\n", driver) { $0.scoreCount = 0 })
        driver.run()
        #expect(driver.tokens(scored) == driver.tokens(plain))
        #expect(scores(driver, plain).isEmpty)
        #expect(scores(driver, alone).allSatisfy { $0.likeliest.isEmpty })
        let all = scores(driver, scored)
        #expect(all.map(\.chosen.token) == driver.tokens(scored))
        #expect(all.map(\.chosen) == scores(driver, alone).map(\.chosen))
        for scores in all {
            #expect(scores.likeliest.count == 3 && scores.likeliest.first == scores.chosen)
            #expect(scores.chosen.logProbability <= 0)
            let falling = zip(scores.likeliest, scores.likeliest.dropFirst())
            #expect(falling.allSatisfy { $0.logProbability >= $1.logProbability })
        }
    }

    @Test("Probabilities of the whole vocabulary sum to one, whatever the temperature and biases")
    func sum() throws {
        let driver = try EngineDriver(.demo)
        let plain = try driver.add(request("NAME\n", driver, count: 1) { $0.scoreCount = 20 })
        let changed = try driver.add(
            request("NAME\n", driver, count: 1) {
                $0.scoreCount = 20
                $0.temperature = 2
                $0.seed = 1
                $0.logitBias = [5: 100]
            }
        )
        driver.run()
        #expect(
            scores(driver, plain).map(\.likeliest) == scores(driver, changed).map(\.likeliest)
        )
        #expect(driver.tokens(changed) == [5])
        let total = scores(driver, plain)[0].likeliest.reduce(0) { $0 + exp($1.logProbability) }
        #expect(total > 0.1 && total <= 1)
    }

    @Test("A stop token ends the answer and is no part of its text")
    func stopToken() throws {
        let driver = try EngineDriver(.demo)
        let free = try driver.complete(request("NAME\n       ls - ", driver))
        let tokens = try #require(free.0).tokens
        let stop = tokens[4]
        let first = try #require(tokens.firstIndex(of: stop))
        let (result, text) = try driver.complete(
            request("NAME\n       ls - ", driver) { $0.stopTokens = [stop] }
        )
        #expect(result?.reason == .stop && result?.tokens == Array(tokens[...first]))
        let decoded = driver.tokenizer.decode(Array(tokens[..<first]), continuing: true)
        #expect(Array(text.utf8) == decoded)
    }

    @Test("An answer does not end before it may")
    func minimum() throws {
        let driver = try EngineDriver(.demo)
        let free = try driver.complete(request("NAME\n       ls - ", driver))
        let first = try #require(free.0).tokens[0]
        let ending = try EngineDriver(.demo, eos: first)
        let short = try ending.complete(request("NAME\n       ls - ", ending))
        #expect(short.0?.reason == .stop && short.0?.tokens == [first])
        let longer = try ending.complete(
            request("NAME\n       ls - ", ending) { $0.minimumTokens = 5 }
        )
        #expect(try #require(longer.0).tokens.count >= 5)
        #expect(!(try #require(longer.0).tokens.prefix(5).contains(first)))
        let endless = try ending.complete(
            request("NAME\n       ls - ", ending) { $0.ignoresEnd = true }
        )
        #expect(endless.0?.reason == .length && endless.0?.tokens.contains(first) == false)
    }

    @Test("An answer that must be an object is one, or the beginning of one", arguments: 0...9)
    func object(seed: UInt64) throws {
        let driver = try EngineDriver(.demo)
        var request = try request("import json\njson.dumps(", driver, count: 60) {
            $0.temperature = seed == 0 ? 0 : 1
            $0.seed = seed
            // Without this the model seldom comes to an end.
            for byte in "}\":]".utf8 { $0.logitBias[Self.token([byte], driver)] = 4 }
        }
        request.form = .object
        let (result, text) = try driver.complete(request)
        let ended = try #require(result)
        var prefix = ObjectPrefix()
        #expect(text.utf8.allSatisfy { prefix.take($0) }, "seed \(seed): \(text)")
        #expect(prefix.isClosed == (ended.reason == .stop), "seed \(seed): \(text)")
        #expect(ended.reason == .stop || ended.reason == .length)
        guard ended.reason == .stop else { return }
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
        #expect(object is [String: Any], "seed \(seed)")
    }

    private static func token(_ bytes: [UInt8], _ driver: EngineDriver) -> Int32 {
        (0..<Int32(driver.tokenizer.vocabularyCount)).first {
            Array(driver.tokenizer.piece(of: $0)) == bytes
        } ?? 0
    }

    @Test("An interrupted object goes on where it was")
    func resumed() throws {
        let driver = try EngineDriver(.demo)
        var request = try request("json.dumps(", driver, count: 30) {
            $0.temperature = 1
            $0.seed = 7
            $0.minimumTokens = 3
        }
        request.form = .object
        let (whole, text) = try driver.complete(request)
        let tokens = try #require(whole).tokens
        request.resumed = Array(tokens.prefix(tokens.count / 2))
        let (rest, same) = try driver.complete(request)
        #expect(rest?.tokens == tokens && same == text)
    }

    @Test("Biases and stop tokens outside the vocabulary are refused by their number")
    func unknownTokens() throws {
        let driver = try EngineDriver(.demo)
        let count = Int32(driver.tokenizer.vocabularyCount)
        let expected = RequestError.unknownToken(count, vocabularyCount: Int(count))
        #expect(throws: expected) {
            try driver.add(request("x", driver) { $0.logitBias = [count: 1] })
        }
        #expect(throws: expected) {
            try driver.add(request("x", driver) { $0.stopTokens = [count] })
        }
    }
}
