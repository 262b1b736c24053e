import Cluster
import Placement
import Testing

@Suite("Refusals that are news")
struct RefusalNewsTests {
    private let start = Instant(nanoseconds: 0)
    private let name = WorkerName(rawValue: "alpha")
    private let other = WorkerName(rawValue: "beta")

    @Test("A refusal that lasts is told once, and again after ten minutes")
    func lasting() throws {
        let name = try #require(name)
        var news = RefusalNews()
        let told = stride(from: 0, to: 1201, by: 30).filter { second in
            news.admit(.unknownName, of: name, now: start + .seconds(second)) == .lasting
        }
        #expect(told == [0, 600, 1200])
    }

    @Test("A name that is taken passes as a restart for ten seconds, then somebody should look")
    func passing() throws {
        let name = try #require(name)
        var news = RefusalNews()
        #expect(news.admit(.nameTaken, of: name, now: start) == .passing)
        #expect(news.admit(.nameTaken, of: name, now: start + .seconds(9)) == nil)
        #expect(news.admit(.nameTaken, of: name, now: start + .seconds(10)) == .lasting)
        #expect(news.admit(.nameTaken, of: name, now: start + .seconds(21)) == nil)
    }

    @Test("Other workers and other reasons are news; so is what comes after a welcome")
    func others() throws {
        let name = try #require(name)
        let other = try #require(other)
        var news = RefusalNews()
        #expect(news.admit(.model, of: name, now: start) == .lasting)
        #expect(news.admit(.model, of: other, now: start) == .lasting)
        #expect(news.admit(.clusterFull, of: name, now: start) == .passing)
        news.forget(name)
        #expect(news.admit(.model, of: name, now: start) == .lasting)
        #expect(news.admit(.model, of: other, now: start) == nil)
    }

    @Test("Hellos that every restart asks for are no news")
    func hellos() throws {
        let name = try #require(name)
        var news = RefusalNews()
        #expect(news.admit(.helloExpected, of: name, now: start) == nil)
    }

    @Test("Made-up names take a bounded place")
    func bounded() throws {
        let name = try #require(name)
        var news = RefusalNews()
        #expect(news.admit(.unknownName, of: name, now: start) == .lasting)
        for number in 0..<64 {
            let made = try #require(WorkerName(rawValue: "made-\(number)"))
            #expect(news.admit(.unknownName, of: made, now: start) == .lasting)
        }
        // The oldest was forgotten.
        #expect(news.admit(.unknownName, of: name, now: start) == .lasting)
    }
}
