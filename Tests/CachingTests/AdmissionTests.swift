import Caching
import Testing

@Suite("Who is let in")
struct AdmissionTests {
    private let model = AdmissionModel(
        loading: .milliseconds(100),
        perToken: .milliseconds(10),
        tokenLimit: 200
    )

    private func running(
        _ id: Int,
        input: Int = 10,
        remaining: Double = 10,
        objective: Duration = .seconds(10),
        elapsed: Duration = .zero
    ) -> RunningRequest {
        RunningRequest(
            id: id,
            inputTokens: input,
            expectedTokens: remaining,
            objective: objective,
            elapsed: elapsed
        )
    }

    private func waiting(
        _ id: Int,
        input: Int = 10,
        expected: Double = 10,
        objective: Duration = .seconds(10),
        waited: Duration = .zero
    ) -> WaitingRequest {
        WaitingRequest(
            id: id,
            inputTokens: input,
            expectedTokens: expected,
            objective: objective,
            waited: waited
        )
    }

    @Test("The expected latency is the paper's")
    func latency() {
        // 0.1 s + (50 + 3 * 20) * 10 ms + 2 s.
        let request = running(1, remaining: 20, elapsed: .seconds(2))
        let expected = model.expectedLatency(of: request, admitting: 50, lasting: 3)
        #expect(expected == .milliseconds(3200))
    }

    @Test("Who outlives the expectation is expected to go on a little")
    func remaining() {
        var request = running(1, remaining: 100)
        for _ in 0..<99 { request.step() }
        #expect(request.remainingTokens == 1)
        request.step()
        #expect(request.remainingTokens == 5)
    }

    @Test("The strictest is let in first")
    func order() {
        let requests = [
            waiting(1), waiting(2, objective: .seconds(1)), waiting(3, objective: .seconds(3)),
        ]
        #expect(model.admit(requests, beside: []) == [2, 3, 1])
        // Having waited makes a request stricter.
        let late = waiting(1, waited: .milliseconds(9400))
        #expect(model.admit([late] + requests.dropFirst(), beside: []) == [1, 2, 3])
    }

    @Test("Nobody is let in who makes another miss its objective")
    func harm() {
        // Needs 10 * 10 ms for itself; with another 0.1 s + (W + 2 * 10) * 10 ms.
        let strict = running(1, objective: .milliseconds(500))
        #expect(model.admit([waiting(2, input: 20)], beside: [strict]) == [2])
        #expect(model.admit([waiting(2, input: 21)], beside: [strict]) == [])
        // Who is late in any case holds up nobody.
        let late = running(1, objective: .milliseconds(50))
        #expect(model.admit([waiting(2, input: 21)], beside: [late]) == [2])
    }

    @Test("Tokens that run together are bounded; the first comes in whatever it has")
    func tokenLimit() {
        #expect(model.admit([waiting(1, input: 500)], beside: []) == [1])
        #expect(model.admit([waiting(1, input: 190)], beside: [running(2)]) == [])
        #expect(model.admit([waiting(1, input: 189)], beside: [running(2)]) == [1])
        #expect(model.admit([], beside: []) == [])
    }

    @Test("Who cannot make it any more comes after those who can")
    func lost() {
        let requests = [
            waiting(1, objective: .seconds(1), waited: .seconds(5)), waiting(2),
        ]
        #expect(model.admit(requests, beside: []) == [2, 1])
    }

    @Test("By objectives the mean latency is a sixth lower at least, and more are met")
    func simulation() {
        let simulation = QueueSimulation()
        for seed: UInt64 in [1, 2, 3] {
            let most = simulation.saturatingRate(requestCount: 2000, seed: seed)
            let results = QueueSimulation.Order.allCases.map { order in
                simulation.run(order, rate: 0.8 * most, requestCount: 2000, seed: seed)
            }
            #expect(results[1].mean < 0.83 * results[0].mean, "seed \(seed)")
            #expect(results[1].attainment > results[0].attainment)
            #expect(results[0].latencies.allSatisfy { $0 > 0 })
        }
    }

    @Test("The same seed gives the same queue")
    func determinism() {
        let simulation = QueueSimulation()
        let results = (0..<2).map { _ in
            simulation.run(.objectives, rate: 1, requestCount: 300, seed: 7)
        }
        #expect(results[0] == results[1])
    }
}
