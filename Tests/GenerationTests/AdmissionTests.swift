import Generation
import Model
import Testing

@Suite("Who is let in")
struct AdmissionTests {
    /// Where a row takes 10 ms, and a step no time beside its rows.
    private func scheduler(
        running: Int = 8,
        _ admission: Scheduler.Admission = .objectives
    ) -> Scheduler {
        var limits = Scheduler.Limits()
        limits.stepRows = 20_000
        limits.runningSequences = running
        limits.admission = admission
        var scheduler = Scheduler(limits: limits)
        scheduler.count(rows: 100, time: .seconds(1))
        return scheduler
    }

    private func first(_ time: Duration?) -> Scheduler.Wish { Scheduler.Wish(firstToken: time) }

    /// Lets all in, one after the other, and nobody run for long.
    private func order(_ scheduler: Scheduler) -> [UInt64] {
        var scheduler = scheduler
        var order: [UInt64] = []
        while let next = scheduler.chooseNext() {
            order.append(next)
            scheduler.start(next)
            scheduler.remove(next)
        }
        return order
    }

    // MARK: Order

    @Test("Whose first token is wished soon comes first, and who takes little time")
    func strictest() {
        var scheduler = scheduler(running: 1)
        scheduler.add(1, promptTokenCount: 10, wish: first(.seconds(10)))
        scheduler.add(2, promptTokenCount: 10, wish: first(.seconds(1)))
        // Takes 3 s to read.
        scheduler.add(3, promptTokenCount: 300, wish: first(.milliseconds(3500)))
        scheduler.add(4, promptTokenCount: 5)
        #expect(order(scheduler) == [2, 1, 3, 4])
        // Who has waited comes before who would be as soon.
        scheduler.advance(to: .milliseconds(400))
        scheduler.add(5, promptTokenCount: 10, wish: first(.milliseconds(610)))
        scheduler.add(6, promptTokenCount: 10, wish: first(.milliseconds(550)))
        #expect(order(scheduler) == [6, 2, 5, 1, 3, 4])
    }

    @Test("A long answer counts as a long prompt does")
    func wholeAnswer() {
        func both(_ time: Duration, _ length: Double) -> Scheduler.Wish {
            Scheduler.Wish(
                firstToken: time,
                eachToken: .milliseconds(100),
                answerLength: length
            )
        }
        var scheduler = scheduler(running: 1)
        // Takes 1 s to answer.
        scheduler.add(1, promptTokenCount: 10, wish: both(.seconds(5), 100))
        scheduler.add(2, promptTokenCount: 10, wish: both(.seconds(8), 2))
        scheduler.add(3, promptTokenCount: 10, wish: first(.seconds(7)))
        scheduler.add(4, promptTokenCount: 109, wish: both(.seconds(6), 1))
        #expect(order(scheduler) == [3, 2, 1, 4])
    }

    @Test("Who is late, or takes long, has its turn after ten minutes at the latest")
    func lost() {
        var scheduler = scheduler(running: 1)
        scheduler.add(1, promptTokenCount: 200, wish: first(.seconds(1)))
        scheduler.add(2, promptTokenCount: 150, wish: first(.seconds(1)))
        scheduler.add(3, promptTokenCount: 10_000, wish: first(.seconds(1)))
        scheduler.add(4, promptTokenCount: 10, wish: first(.seconds(5)))
        scheduler.add(5, promptTokenCount: 10, wish: first(.seconds(1000)))
        #expect(order(scheduler) == [4, 2, 1, 3, 5])
        scheduler.advance(to: .seconds(590))
        scheduler.add(6, promptTokenCount: 10, wish: first(.milliseconds(200)))
        #expect(order(scheduler) == [4, 2, 1, 6, 3, 5])
        scheduler.advance(to: .seconds(600))
        scheduler.add(7, promptTokenCount: 10, wish: first(.milliseconds(200)))
        #expect(order(scheduler) == [4, 2, 1, 6, 3, 7, 5])
    }

    @Test("By arrival objectives change nothing")
    func arrival() {
        var scheduler = scheduler(running: 1, .arrival)
        scheduler.add(1, promptTokenCount: 10)
        scheduler.add(2, promptTokenCount: 10, wish: first(.seconds(1)))
        scheduler.add(3, promptTokenCount: 10, priority: 1, wish: first(.seconds(90)))
        #expect(order(scheduler) == [3, 1, 2])
    }

    @Test("Priorities and the owners' shares come before objectives")
    func above() {
        var scheduler = scheduler(running: 1)
        scheduler.add(9, promptTokenCount: 40, owner: "had")
        scheduler.start(9)
        scheduler.add(3, promptTokenCount: 10, owner: "new", wish: first(.seconds(50)))
        _ = scheduler.nextStep()
        scheduler.add(1, promptTokenCount: 10, owner: "had", wish: first(.seconds(1)))
        scheduler.add(2, promptTokenCount: 10, priority: 1, owner: "had", wish: first(.seconds(50)))
        scheduler.remove(9)
        #expect(order(scheduler) == [2, 3, 1])
    }

    @Test("Who wishes nothing comes in as by arrival, whatever steps take")
    func equalOrder() {
        for seed: UInt64 in 1...20 {
            print("equal order: seed \(seed)")
            let orders = Scheduler.Admission.allCases.map { wishless(seed, $0) }
            #expect(orders[0] == orders[1] && !orders[0].isEmpty)
        }
    }

    /// Who was let in, and what ran, of many who wish nothing.
    private func wishless(_ seed: UInt64, _ admission: Scheduler.Admission) -> [[UInt64]] {
        var random = SeededRandom(seed: seed)
        var limits = Scheduler.Limits()
        (limits.stepRows, limits.runningSequences, limits.admission) = (30, 3, admission)
        var scheduler = Scheduler(limits: limits)
        var told: [[UInt64]] = []
        for id: UInt64 in 1...80 {
            scheduler.advance(to: scheduler.now + .milliseconds(random.next() % 4000))
            scheduler.add(
                id,
                promptTokenCount: 1 + Int(random.next() % 50),
                priority: Int(random.next() % 2),
                owner: "\(random.next() % 3)",
                wish: Scheduler.Wish(answerLength: Double(random.next() % 90))
            )
            guard random.next() % 2 == 0 else { continue }
            while scheduler.hasSlot, let next = scheduler.chooseNext() {
                told.append([next])
                scheduler.start(next)
            }
            let slices = scheduler.nextStep()
            let rows = slices.reduce(0) { $0 + $1.tokenCount }
            scheduler.count(rows: rows, time: .milliseconds(random.next() % 900))
            told.append(slices.flatMap { [$0.sequence, UInt64($0.tokenCount)] })
            for slice in slices {
                if random.next() % 4 == 0 {
                    scheduler.remove(slice.sequence)
                } else {
                    scheduler.continueSequence(slice.sequence)
                }
            }
        }
        return told
    }

    // MARK: Holding back

    @Test("Nobody comes in whose prompt would make another's first token late")
    func firstToken() {
        var scheduler = scheduler()
        scheduler.add(1, promptTokenCount: 10, wish: first(.seconds(1)))
        scheduler.start(1)
        // 10 and 95 rows take 1.05 s, whoever is read first, since one step reads both.
        scheduler.add(2, promptTokenCount: 95, wish: first(.milliseconds(1060)))
        #expect(scheduler.next == nil)
        scheduler.add(3, promptTokenCount: 95, wish: first(.seconds(30)))
        #expect(scheduler.next == nil)
        // Somebody shorter comes in meanwhile, and who wishes nothing.
        var other = scheduler
        scheduler.add(4, promptTokenCount: 85, wish: first(.seconds(5)))
        other.add(4, promptTokenCount: 1000)
        #expect(scheduler.next == 4 && other.next == 4)
        // After another step of 0.1 s it would be late itself.
        scheduler.add(5, promptTokenCount: 95, wish: first(.seconds(1)))
        #expect(scheduler.next == 5)
    }

    @Test("Nobody comes in who would make another's answer too slow")
    func pace() {
        // 10 tokens more within 1 s; alone they take 0.1 s.
        let wish = Scheduler.Wish(eachToken: .milliseconds(100), answerLength: 11)
        var running = scheduler()
        running.add(1, promptTokenCount: 4, priority: 1, owner: "a", wish: wish)
        running.start(1)
        _ = running.nextStep()
        running.continueSequence(1)
        let harmless = Scheduler.Wish(firstToken: .seconds(20), answerLength: 5)
        for (rows, priority, owner, isHeldBack) in [
            (84, 1, "a", false), (87, 1, "a", true), (87, 0, "a", true), (87, 2, "a", false),
            (87, 1, "b", false),
        ] {
            var scheduler = running
            scheduler.add(
                2,
                promptTokenCount: rows,
                priority: priority,
                owner: owner,
                wish: harmless
            )
            let isNext = scheduler.next == 2
            #expect(isNext != isHeldBack, "\(rows) rows of \(owner), priority \(priority)")
        }
        // Who is late in any case holds up nobody.
        running.add(2, promptTokenCount: 87, priority: 1, owner: "a", wish: harmless)
        running.advance(to: .seconds(1))
        #expect(running.next == 2)
    }

    @Test(
        "After a minute nobody is held back, nor after a quarter of what was wished; counted once",
        arguments: [(nil, 60), (180, 45), (400, 60)] as [(Int?, Int)]
    )
    func patience(wished: Int?, end: Int) {
        var scheduler = scheduler(running: 2)
        let slow = Scheduler.Wish(eachToken: .seconds(10), answerLength: 11)
        scheduler.add(1, promptTokenCount: 4, wish: slow)
        scheduler.start(1)
        _ = scheduler.nextStep()
        scheduler.continueSequence(1)
        // Takes 100 s to read.
        var held = slow
        held.firstToken = wished.map { .seconds($0) }
        scheduler.add(2, promptTokenCount: 10_000, wish: held)
        for second in 0..<end {
            scheduler.advance(to: .seconds(second))
            #expect(scheduler.chooseNext() == nil)
        }
        #expect(scheduler.heldBackCount == 1)
        scheduler.add(3, promptTokenCount: 1)
        #expect(scheduler.chooseNext() == 3)
        scheduler.advance(to: .seconds(end))
        #expect(scheduler.chooseNext() == 2 && scheduler.heldBackCount == 1)
    }

    @Test("Nobody who comes after another's turn is let in before it")
    func starvation() {
        for seed: UInt64 in 1...10 {
            print("starvation: seed \(seed)")
            var crowd = Crowd(seed: seed)
            crowd.run()
            #expect(crowd.overtaken.isEmpty && crowd.leftCount == 0)
            #expect(crowd.isIdleBesideWaiting == false)
        }
    }
}

/// More requests than can be served, most of which wish what cannot be.
private struct Crowd {
    private var random: SeededRandom
    private var scheduler: Scheduler
    /// Of those who wait: when they came, and when their turn is.
    private var waiting: [UInt64: (came: Duration, turn: Duration, rows: Int)] = [:]
    /// Of those who run, rows of their prompts, and tokens, that are still to come.
    private var running: [UInt64: (rows: Int, tokens: UInt64)] = [:]
    /// Whom somebody was let in before who came too late for that.
    private(set) var overtaken: [UInt64] = []
    private(set) var isIdleBesideWaiting = false

    var leftCount: Int { waiting.count + running.count }

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        var limits = Scheduler.Limits()
        (limits.stepRows, limits.runningSequences) = (64, 3)
        scheduler = Scheduler(limits: limits)
    }

    mutating func run() {
        for id: UInt64 in 1...1500 {
            come(id)
            for _ in 0..<random.next() % 4 { step() }
        }
        var steps = 0
        while leftCount > 0, steps < 100_000 {
            step()
            steps += 1
        }
    }

    private mutating func come(_ id: UInt64) {
        let wish = Scheduler.Wish(
            firstToken: random.next() % 4 == 0 ? nil : .milliseconds(10 + random.next() % 90_000),
            eachToken: random.next() % 2 == 0 ? nil : .milliseconds(1 + random.next() % 2000),
            answerLength: Double(1 + random.next() % 30)
        )
        let rows = 1 + Int(random.next() % 200)
        scheduler.add(id, promptTokenCount: rows, wish: wish)
        let turn = scheduler.now + max(.seconds(600), wish.firstToken ?? .zero)
        waiting[id] = (scheduler.now, turn, rows)
    }

    private mutating func step() {
        while scheduler.hasSlot, let next = scheduler.chooseNext() { letIn(next) }
        if running.isEmpty, !waiting.isEmpty { isIdleBesideWaiting = true }
        let slices = scheduler.nextStep()
        let rows = slices.reduce(0) { $0 + $1.tokenCount }
        let time = Duration.milliseconds(20 + 10 * rows)
        scheduler.advance(to: scheduler.now + time)
        scheduler.count(rows: rows, time: time)
        for slice in slices { take(slice) }
    }

    /// What is read may make a token.
    private mutating func take(_ slice: Scheduler.Slice) {
        guard var own = running[slice.sequence] else { return }
        own.rows -= slice.tokenCount
        if own.rows <= 0 { own.tokens -= 1 }
        running[slice.sequence] = own.tokens > 0 ? own : nil
        if own.tokens == 0 { return scheduler.remove(slice.sequence) }
        if own.rows <= 0 { scheduler.continueSequence(slice.sequence) }
    }

    private mutating func letIn(_ id: UInt64) {
        guard let own = waiting.removeValue(forKey: id) else { return }
        overtaken += waiting.filter { $0.value.turn < own.came }.map(\.key)
        running[id] = (own.rows, 1 + random.next() % 30)
        scheduler.start(id)
    }
}
