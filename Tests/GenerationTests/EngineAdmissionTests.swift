import ClusterTesting
import Generation
import Inference
import Testing

@Suite("Who is let in by the engine")
struct EngineAdmissionTests {
    private func request(
        _ count: Int,
        first: Duration? = nil,
        each: Duration? = nil,
        task: String = ""
    ) -> GenerationRequest {
        var sampling = Sampling.greedy
        sampling.ignoresEnd = true
        return GenerationRequest(
            prompt: [5, 17, 29],
            maximumTokens: count,
            sampling: sampling,
            firstTokenTime: first,
            eachTokenTime: each,
            task: task
        )
    }

    /// Requests in the order of their ends.
    private func ends(
        of requests: [GenerationRequest],
        _ admission: Scheduler.Admission
    ) throws -> [Int] {
        let driver = try EngineDriver(
            TinyModel().wholeModel(),
            limits: { ($0.runningSequences, $0.admission) = (1, admission) },
            clock: { .zero }
        )
        let ids = try requests.map { try driver.add($0) }
        var order: [Int] = []
        while driver.engine.hasWork {
            driver.engine.step()
            for (index, id) in ids.enumerated() where driver.endCount(id) > 0 {
                if !order.contains(index) { order.append(index) }
            }
        }
        return order
    }

    @Test("Whose first token is wished soon comes before who came earlier, unless by arrival")
    func order() throws {
        let requests = [request(3), request(4), request(5, first: .seconds(30))]
        #expect(try ends(of: requests, .objectives) == [2, 0, 1])
        #expect(try ends(of: requests, .arrival) == [0, 1, 2])
    }

    @Test("Steps are timed, and how wrong the expected lengths of answers were is counted")
    func figures() throws {
        var time = Duration.zero
        let clock: () -> Duration = {
            time += .milliseconds(1)
            return time
        }
        let driver = try EngineDriver(TinyModel().wholeModel(), clock: clock)
        #expect(driver.engine.figures.stepTime == .zero)
        for (count, task) in [(6, "a"), (12, "a"), (5, "b")] {
            _ = try driver.complete(request(count, task: task))
        }
        // One nobody waits for says nothing of others.
        let id = try driver.add(request(50, task: "a"))
        driver.run(steps: 3)
        driver.engine.cancel(id)
        let figures = driver.engine.figures
        // Of the first and third only the limit was known; the second was to be as long as the
        // first.
        #expect(figures.answerTokenCount == 23 && figures.answerErrorCount == 6)
        #expect(figures.stepTime + figures.rowTime > .zero && figures.heldBackCount == 0)
    }

    @Test("Who would make another's answer too slow is held back for a while, and counted")
    func holdingBack() throws {
        // Nothing but rows takes time: a second each.
        var time = Duration.zero
        let driver = try EngineDriver(TinyModel().wholeModel(), clock: { time })
        driver.engine.willRun = { slices in
            for slice in slices { time += .seconds(slice.tokenCount) }
        }
        let first = try driver.add(request(12, each: .milliseconds(1500)))
        driver.run(steps: 4)
        // Three rows of prompt and three tokens more would take it 14 s, and it has 13.5.
        let second = try driver.add(request(3, each: .seconds(100)))
        driver.run(steps: 4)
        #expect(driver.tokens(first).count == 8 && driver.tokens(second).isEmpty)
        #expect(driver.engine.figures.heldBackCount == 1)
        driver.run()
        #expect(driver.result(first)?.reason == .length)
        #expect(driver.result(second)?.reason == .length)
    }
}
