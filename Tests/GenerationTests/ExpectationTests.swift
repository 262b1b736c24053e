import Generation
import Testing

@Suite("What is expected of steps and answers")
struct ExpectationTests {
    private func isNear(_ a: Double, _ b: Double, by part: Double = 0.02) -> Bool {
        abs(a - b) <= part * abs(b)
    }

    @Test("Two kinds of steps tell what a step takes, and a row")
    func line() {
        var cost = StepCost()
        #expect(cost.perStep == 0 && cost.perRow == 0)
        cost.add(rows: 1, time: .milliseconds(5))
        cost.add(rows: 101, time: .milliseconds(25))
        #expect(isNear(cost.perRow, 0.0002) && isNear(cost.perStep, 0.0048))
        // 300 rows in three steps of up to 128.
        #expect(isNear(cost.seconds(prompt: 300, stepRows: 128), 0.0744))
    }

    @Test("One kind of step alone is all rows")
    func one() {
        var cost = StepCost()
        cost.add(rows: 200, time: .milliseconds(400))
        #expect(cost.perStep == 0 && isNear(cost.perRow, 0.002))
    }

    @Test("Many steps of one row do not drown what was known of prompts")
    func many() {
        var cost = StepCost()
        cost.add(rows: 256, time: .microseconds(56_200))
        for _ in 0..<10_000 { cost.add(rows: 1, time: .microseconds(5200)) }
        #expect(isNear(cost.perRow, 0.0002) && isNear(cost.perStep, 0.005))
    }

    @Test("Neither time is negative, whatever was measured")
    func signs() {
        var cost = StepCost()
        cost.add(rows: 1, time: .milliseconds(10))
        cost.add(rows: 100, time: .milliseconds(5))
        #expect(cost.perRow == 0 && (0.005...0.01).contains(cost.perStep))
        cost = StepCost()
        cost.add(rows: 10, time: .milliseconds(1))
        cost.add(rows: 100, time: .milliseconds(90))
        #expect(cost.perStep == 0 && (0.0001...0.0009).contains(cost.perRow))
        for (rows, time) in [(0, Duration.seconds(1)), (-3, .seconds(1)), (7, .seconds(-1))] {
            let before = cost
            cost.add(rows: rows, time: time)
            #expect(cost == before)
        }
        cost.add(rows: .max, time: .seconds(1))
        #expect(cost.perStep >= 0 && cost.perRow >= 0)
    }

    @Test("A step that waited for a worker changes little, a machine that became slower all")
    func outliers() {
        var cost = StepCost()
        for _ in 0..<20 { cost.add(rows: 4, time: .milliseconds(40)) }
        cost.add(rows: 4, time: .seconds(30))
        #expect(cost.perRow < 0.013, "\(cost.perRow)")
        for _ in 0..<200 { cost.add(rows: 4, time: .seconds(4)) }
        #expect(isNear(cost.perRow, 1), "\(cost.perRow)")
        cost = StepCost()
        for time in [Duration.seconds(30), .milliseconds(40), .seconds(30), .milliseconds(40)] {
            cost.add(rows: 4, time: time)
        }
        #expect(cost.perRow <= 0.02, "\(cost.perRow)")
    }

    @Test("An answer is expected to be as long as those of its task were lately, or as it can")
    func lengths() {
        var lengths = AnswerLengths()
        #expect(lengths.expected(of: "sum", atMost: 50) == 50)
        #expect(lengths.expected(of: "sum", atMost: -1) == 1)
        for count in [10, 20, 30] { lengths.add(tokenCount: count, of: "sum") }
        lengths.add(tokenCount: 0, of: "")
        #expect(lengths.expected(of: "sum", atMost: 500) == 20)
        #expect(lengths.expected(of: "sum", atMost: 7) == 7)
        #expect(lengths.expected(of: "", atMost: 500) == 1)
        #expect(lengths.expected(of: "chat", atMost: 500) == 500)
        for _ in 0..<300 { lengths.add(tokenCount: 100, of: "sum") }
        #expect(isNear(lengths.expected(of: "sum", atMost: 500), 100))
    }

    @Test("The task whose last answer is oldest is forgotten for another")
    func tasks() {
        var lengths = AnswerLengths()
        for number in 0..<AnswerLengths.taskLimit {
            lengths.add(tokenCount: number + 1, of: "\(number)")
        }
        lengths.add(tokenCount: 1, of: "0")
        for number in 1000..<1003 { lengths.add(tokenCount: 7, of: "\(number)") }
        #expect(lengths.taskCount == AnswerLengths.taskLimit)
        #expect(lengths.expected(of: "0", atMost: 500) == 1)
        #expect((1...3).allSatisfy { lengths.expected(of: "\($0)", atMost: 500) == 500 })
        #expect(lengths.expected(of: "4", atMost: 500) == 5)
    }
}
