import ClusterTesting
import Generation
import Inference
import Model
import Testing
import Tokenizer

@Suite("The engine")
struct EngineTests {
    private func request(
        _ text: String,
        _ driver: EngineDriver,
        count: Int? = 12,
        stops: [String] = [],
        sampling: Sampling = .greedy
    ) throws -> GenerationRequest {
        GenerationRequest(
            prompt: try driver.tokenizer.encode(text),
            maximumTokens: count,
            sampling: sampling,
            stopTexts: stops
        )
    }

    @Test("A request ends at its token limit, once, after prefill and tokens in order")
    func length() throws {
        let driver = try EngineDriver(.demo) { $0.stepRows = 4 }
        let request = try request("NAME\n       ls - ", driver)
        let id = try driver.add(request)
        driver.run()
        let result = try #require(driver.result(id))
        #expect(result.reason == .length && result.tokens.count == 12)
        #expect(result.tokens == driver.tokens(id) && driver.endCount(id) == 1)
        #expect(result.promptTokenCount == request.prompt.count)
        let prefills = try #require(driver.events[id]).compactMap { event -> Int? in
            if case .prefill(let done, let total) = event, total == request.prompt.count {
                return done
            }
            return nil
        }
        #expect(
            prefills == Array(stride(from: 4, to: request.prompt.count, by: 4)) + [
                request.prompt.count
            ]
        )
        let decoded = driver.tokenizer.decode(result.tokens, continuing: true)
        #expect(Array(driver.text(id).utf8) == decoded)
        #expect(!driver.engine.hasWork)
    }

    @Test("Without a limit it fills the context")
    func context() throws {
        let driver = try EngineDriver(TinyModel().wholeModel(), eos: 0) { $0.contextLength = 40 }
        let (result, _) = try driver.complete(request("hello", driver, count: nil))
        let ended = try #require(result)
        #expect(ended.reason == .length || ended.reason == .stop)
        if ended.reason == .length {
            #expect(ended.tokens.count + ended.promptTokenCount == 40)
        }
    }

    @Test("Several at once give what each gives alone, whatever the step and the limits")
    func together() throws {
        let texts = [
            "NAME\n       ls - ", "def main(", "The ", "#include <stdio.h>\n", "BESCHREIBUNG\n",
        ]
        let alone = try EngineDriver(.demo)
        var expected: [[Int32]] = []
        for (index, text) in texts.enumerated() {
            var sampling = Sampling()
            sampling.seed = UInt64(index)
            let request = try request(text, alone, count: 9 + index, sampling: sampling)
            expected.append(try #require(alone.complete(request).0).tokens)
        }
        for (rows, running) in [(256, 8), (5, 3), (1, 1)] {
            let driver = try EngineDriver(.demo) {
                ($0.stepRows, $0.runningSequences) = (rows, running)
            }
            var ids: [Engine.SequenceID] = []
            for (index, text) in texts.enumerated() {
                var sampling = Sampling()
                sampling.seed = UInt64(index)
                ids.append(
                    try driver.add(request(text, driver, count: 9 + index, sampling: sampling))
                )
                driver.engine.step()
            }
            driver.run()
            for (id, tokens) in zip(ids, expected) {
                #expect(driver.result(id)?.tokens == tokens, "\(rows) rows, \(running) running")
            }
        }
    }

    @Test("A stop text ends generation before it, across borders of tokens")
    func stopText() throws {
        let driver = try EngineDriver(.demo)
        let (_, whole) = try driver.complete(request("NAME\n       ls - ", driver, count: 24))
        let characters = whole.map(String.init)
        try #require(characters.count > 20)
        for start in [3, 7, 12] {
            let stop = characters[start..<start + 6].joined()
            let expected = try #require(whole.firstRange(of: stop))
            let (result, text) = try driver.complete(
                request("NAME\n       ls - ", driver, count: 24, stops: ["never", stop])
            )
            #expect(result?.reason == .stop)
            #expect(text == whole[..<expected.lowerBound])
        }
    }

    @Test("Text held back for a stop text appears when the tokens run out")
    func heldBack() throws {
        let driver = try EngineDriver(.demo)
        let (_, whole) = try driver.complete(request("The ", driver, count: 8))
        let end = try #require(whole.last)
        let (result, text) = try driver.complete(
            request("The ", driver, count: 8, stops: ["\(end)\u{1}"])
        )
        #expect(result?.reason == .length && text == whole)
    }

    @Test("An end token ends generation, without text, and lets held text out")
    func endToken() throws {
        let plain = try EngineDriver(.demo)
        let (generated, _) = try plain.complete(request("The ", plain, count: 10))
        let tokens = try #require(generated).tokens
        let place = try #require(
            tokens.indices.dropFirst(2).first { index in
                !tokens[..<index].contains(tokens[index])
            }
        )
        let driver = try EngineDriver(.demo, eos: tokens[place])
        let before = driver.tokenizer.decode(Array(tokens[..<place]), continuing: true)
        let printed = String(decoding: before, as: UTF8.self)
        let last = try #require(printed.last)
        for stops in [[], ["\(last)\u{1}"]] {
            let (result, text) = try driver.complete(
                request("The ", driver, count: 10, stops: stops)
            )
            #expect(result?.reason == .stop && text == printed)
            #expect(result?.tokens == Array(tokens[...place]))
        }
    }

    @Test("A cancelled request ends as such, queued or running, and the others go on")
    func cancel() throws {
        let driver = try EngineDriver(.demo) { $0.runningSequences = 2 }
        let alone = try driver.complete(request("def main(", driver)).0
        let ids = try ["The ", "def main(", "#include"].map {
            try driver.add(request($0, driver))
        }
        driver.run(steps: 3)
        driver.engine.cancel(ids[0])
        driver.engine.cancel(ids[2])
        driver.engine.cancel(ids[2])
        driver.engine.cancel(12345)
        driver.run()
        #expect(driver.result(ids[0])?.reason == .cancelled)
        #expect(driver.result(ids[0])?.tokens.isEmpty == false)
        #expect(driver.result(ids[2])?.reason == .cancelled)
        #expect(driver.result(ids[2])?.tokens == [])
        #expect(driver.result(ids[1])?.tokens == alone?.tokens)
        #expect(ids.allSatisfy { driver.endCount($0) == 1 })
        #expect(driver.engine.runningCount == 0 && driver.engine.queuedCount == 0)
    }

    @Test("A listener may cancel another request of the same step")
    func cancelFromListener() throws {
        let driver = try EngineDriver(.demo)
        let alone = try driver.complete(request("def main(", driver)).0
        var victim: Engine.SequenceID?
        var killer = try request("The ", driver)
        killer.maximumTokens = 4
        _ = try driver.engine.add(killer) { [engine = driver.engine] event in
            if case .token = event, let victim { engine.cancel(victim) }
        }
        victim = try driver.add(request("#include", driver))
        let bystander = try driver.add(request("def main(", driver))
        driver.run()
        #expect(driver.result(try #require(victim))?.reason == .cancelled)
        #expect(driver.result(bystander)?.tokens == alone?.tokens)
    }

    @Test("A failing step ends exactly its requests, with the error, and the engine goes on")
    func failure() throws {
        let driver = try EngineDriver(.demo) { $0.runningSequences = 2 }
        let alone = try driver.complete(request("#include", driver)).0
        let ids = try ["The ", "def main(", "#include"].map {
            try driver.add(request($0, driver))
        }
        driver.run(steps: 3)
        driver.runner.callsLeft = 4
        driver.run()
        let reason = GenerationResult.Reason.failed(MoodyRunner.failure.description)
        #expect(driver.result(ids[0])?.reason == reason)
        #expect(driver.result(ids[1])?.reason == reason)
        #expect(driver.result(ids[2])?.reason == .length)
        #expect(driver.result(ids[2])?.tokens == alone?.tokens)
        #expect(ids.allSatisfy { driver.endCount($0) == 1 })
    }

    @Test("All requests can be ended with one error")
    func failAll() throws {
        let driver = try EngineDriver(.demo) { $0.runningSequences = 1 }
        let ids = try ["The ", "def"].map { try driver.add(request($0, driver)) }
        driver.run(steps: 2)
        driver.engine.failAll("the cluster is gone")
        #expect(ids.allSatisfy { driver.result($0)?.reason == .failed("the cluster is gone") })
        #expect(!driver.engine.hasWork)
    }

    @Test("Bad requests are refused at the door, each with its reason")
    func refusals() throws {
        let driver = try EngineDriver(TinyModel().wholeModel()) {
            ($0.contextLength, $0.runningSequences, $0.queuedSequences) = (16, 1, 1)
        }
        let count = TinyVocabulary.tokenCount
        func error(_ change: (inout GenerationRequest) -> Void) -> RequestError? {
            var request = GenerationRequest(prompt: [1, 2], maximumTokens: 3, sampling: .greedy)
            change(&request)
            do {
                _ = try driver.add(request)
                return nil
            } catch {
                return error
            }
        }
        #expect(error { $0.prompt = [] } == .emptyPrompt)
        #expect(
            error { $0.prompt = Array(repeating: 1, count: 16) }
                == .promptTooLong(16, contextLength: 16)
        )
        #expect(error { $0.maximumTokens = 0 } == .noTokensWanted)
        #expect(error { $0.maximumTokens = -5 } == .noTokensWanted)
        #expect(error { $0.prompt = [1, -1] } == .unknownToken(-1, vocabularyCount: count))
        #expect(error { $0.prompt = [.max] } == .unknownToken(.max, vocabularyCount: count))
        let hot = error { $0.sampling.temperature = .nan }
        #expect(hot?.description.contains("temperature") == true)
        #expect(driver.events.isEmpty && !driver.engine.hasWork)
        #expect(error { $0.maximumTokens = .max } == nil)
        #expect(error { $0.prompt = Array(repeating: 1, count: 15) } == nil)
        #expect(error { _ in } == .queueFull(1))
        driver.run()
        #expect(error { _ in } == nil)
    }
}
