import Testing
import Worker

@Suite("A worker's idle time")
struct IdleTimeTests {
    @Test("After a pause it loads, until nothing is under way; then it rests, once")
    func order() {
        var idle = IdleTime()
        #expect(idle.timeout == nil)
        idle.onEvent()
        #expect(idle.timeout == IdleTime.pause)
        for isUnderWay in [true, true, false] {
            #expect(idle.onTimeUp() == .prepare)
            idle.onPrepared(isUnderWay: isUnderWay)
            #expect(idle.timeout == (isUnderWay ? IdleTime.lookTime : IdleTime.restTime))
        }
        #expect(idle.onTimeUp() == .release)
        #expect(idle.timeout == nil)
    }

    @Test("Whatever comes ends it", arguments: 0..<4)
    func interrupted(turns: Int) {
        var idle = IdleTime()
        idle.onEvent()
        for _ in 0..<turns where idle.onTimeUp() == .prepare {
            idle.onPrepared(isUnderWay: turns % 2 == 0)
        }
        idle.onEvent()
        #expect(idle.timeout == IdleTime.pause)
    }
}
