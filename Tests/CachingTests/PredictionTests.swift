import Caching
import Model
import Testing

@Suite("Guessing experts")
struct PredictionTests {
    @Test("A task's frequencies are its own, and old tokens fade")
    func frequencies() {
        var settings = ExpertPredictor.Settings()
        settings.halfLife = 10
        var predictor = ExpertPredictor(
            expertCounts: [4, 0, 4],
            topK: 1,
            taskCount: 2,
            settings: settings
        )
        #expect(predictor.frequencies(at: 0) == [0.25, 0.25, 0.25, 0.25])
        for _ in 0..<10 { predictor.count([0, 1], task: 0) }
        for _ in 0..<10 { predictor.count([3, 2], task: 1) }
        #expect(predictor.frequencies(at: 0, task: 0)[0] > 0.9)
        #expect(predictor.frequencies(at: 1, task: 1)[2] > 0.9)
        for _ in 0..<10 { predictor.count([1, 1], task: 0) }
        let frequencies = predictor.frequencies(at: 0, task: 0)
        // Ten tokens ago counts half, within what steps of a token permit.
        #expect(abs(frequencies[0] / frequencies[1] - 0.5) < 0.05)
        #expect(abs(frequencies.reduce(0, +) - 1) < 1e-12)
    }

    @Test("Transitions say who follows whom")
    func transitions() {
        var predictor = ExpertPredictor(expertCounts: [4, 4], topK: 2)
        // Experts 0 and 1 are followed by 2 and 3; 2 and 3, twice as often, by 0 and 1.
        for token in 0..<300 {
            predictor.count(token % 3 == 0 ? [0, 1, 2, 3] : [2, 3, 0, 1])
        }
        #expect(Set(predictor.best(at: 1, after: [0, 1])) == [2, 3])
        #expect(Set(predictor.best(at: 1, after: [2, 3])) == [0, 1])
        // Nothing is before the first layer.
        #expect(Set(predictor.best(at: 0, after: [])) == [2, 3])
    }

    @Test("What all tasks' transitions say leaves a task its frequencies")
    func transitionsOfTasks() {
        var predictor = ExpertPredictor(expertCounts: [2, 4], topK: 1, taskCount: 2)
        // Nothing follows from expert 0: task 0 goes on to 0 or 1, task 1 to 2 or 3.
        for token in 0..<400 {
            predictor.count([0, token % 4 == 0 ? 1 : 0], task: 0)
            for _ in 0..<3 { predictor.count([0, token % 4 == 0 ? 3 : 2], task: 1) }
        }
        #expect(predictor.best(at: 1, after: [0], task: 0) == [0])
        #expect(predictor.best(at: 1, after: [0], task: 1) == [2])
    }

    @Test("Counts stay finite however many tokens fade")
    func manyTokens() {
        var settings = ExpertPredictor.Settings()
        settings.halfLife = 1
        var predictor = ExpertPredictor(expertCounts: [2, 2], topK: 1, settings: settings)
        for token in 0..<10_000 { predictor.count([UInt16(token % 2), 0]) }
        let frequencies = predictor.frequencies(at: 0)
        #expect(frequencies.allSatisfy { $0.isFinite && $0 > 0 })
        #expect(frequencies[1] > frequencies[0])
        #expect(predictor.best(at: 1, after: [0]) == [0])
    }

    @Test("The likest maps vote; the oldest give way")
    func maps() {
        var settings = RoutingMaps.Settings()
        settings.capacity = 4
        settings.voters = 2
        var maps = RoutingMaps(expertCounts: [4, 4, 4], topK: 1, settings: settings)
        #expect(maps.votes(at: 2, after: [0, 0]) == [0, 0, 0, 0])
        for map: [UInt16] in [[0, 0, 1], [0, 0, 1], [1, 1, 2], [1, 2, 3]] { maps.record(map) }
        #expect(maps.votes(at: 2, after: [0, 0]) == [0, 1, 0, 0])
        // The layer before counts more than the one before that.
        let votes = maps.votes(at: 2, after: [1, 2])
        #expect(votes[3] > votes[2])
        // Where the layers so far say nothing, the token before does: 1 2 3 came after 1 1 2.
        #expect(maps.votes(at: 0, after: [], previous: [1, 1, 2])[1] > 0.5)
        #expect(maps.votes(at: 2, after: [3, 3], previous: [1, 1, 2])[3] > 0.5)
        for _ in 0..<3 { maps.record([3, 3, 0]) }
        #expect(maps.count == 4)
        #expect(maps.votes(at: 2, after: [3, 3]) == [1, 0, 0, 0])
    }

    @Test("Accuracy, precision and recall as the paper counts them")
    func score() {
        var score = PredictionScore(expertCount: 4)
        score.count(guessed: [0, 1], chosen: [0, 2])
        score.count(guessed: [0, 1], chosen: [0, 1])
        #expect(score.accuracy == 0.75)
        // Expert 0: 2 of 2; 1: 1 of 2; 2: never guessed; 3: never seen.
        #expect(score.precision == 0.5)
        #expect(score.recall == 2.0 / 3)
    }

    @Test("Expected tokens: prompts and answers, where the layer matters")
    func expectedTokens() {
        let demand = TaskDemand(
            inputTokens: [100, 50],
            outputTokens: 25,
            frequencies: [[0.75, 0.25], [0.5, 0.5]],
            isSensitive: [true, false]
        )
        // N = (150 + 2 * 25) s f.
        #expect(demand.expectedTokens == [[150, 50], [0, 0]])
    }

    @Test("Residents: most tokens of all tasks; who is here stays where nothing is at stake")
    func residents() {
        let numbering = ExpertNumbering(expertCounts: [3, 0, 3])
        func task(_ frequencies: [Double]) -> TaskDemand {
            TaskDemand(
                inputTokens: [100],
                outputTokens: 0,
                frequencies: [frequencies, [1, 0, 0]],
                isSensitive: [true, false]
            )
        }
        let chosen = ResidentExperts.choose(
            for: [task([0.5, 0.3, 0.2]), task([0, 0.4, 0.6])],
            counts: [2, 1],
            resident: [ExpertID(2, 2)],
            numbering: numbering
        )
        // Together 50, 70 and 80.
        #expect(chosen == [[ExpertID(0, 1), ExpertID(0, 2)], [ExpertID(2, 2)]])
    }

    @Test("Residents are chosen every so many prompts; a new task loads what it asks for")
    func schedule() {
        var schedule = ResidencySchedule(period: 3)
        let decisions = [0, 0, 0, 0, 1, 0, 0, 1].map { schedule.onPrompt(task: $0) }
        #expect(
            decisions == [
                .loadOnDemand, .keep, .keep, .choose, .loadOnDemand, .keep, .choose, .keep,
            ]
        )
    }

    @Test("A task whose experts were chosen already loads nothing on demand")
    func knownTask() {
        var schedule = ResidencySchedule(period: 2, knownTasks: [0])
        let decisions = [0, 0, 0, 1].map { schedule.onPrompt(task: $0) }
        #expect(decisions == [.keep, .keep, .choose, .loadOnDemand])
    }

    @Test("Layers counted by themselves have the frequencies of tokens counted whole")
    func layerCounts() {
        var settings = ExpertPredictor.Settings()
        settings.transitionWeight = 0
        settings.halfLife = 5
        var whole = ExpertPredictor(expertCounts: [4, 0, 3], topK: 2, settings: settings)
        var layers = whole
        for token in 0..<30 {
            let first = [token % 4, (token + 1) % 4]
            let second = [token % 3, (token + 1) % 3]
            whole.count((first + second).map { UInt16($0) })
            layers.count(first.map { Int32($0) }, at: 0)
            layers.count(second.map { Int32($0) }, at: 1)
        }
        for place in 0..<2 {
            #expect(whole.frequencies(at: place) == layers.frequencies(at: place))
            #expect(Set(whole.frequencies(at: place)).count > 1)
        }
        // Nothing is known of who follows whom.
        #expect(whole.scores(at: 1, after: [0, 1]) == whole.frequencies(at: 1))
    }

    @Test("What was counted elsewhere counts as half a life of tokens, then fades")
    func countedElsewhere() {
        var settings = ExpertPredictor.Settings()
        settings.halfLife = 100
        var predictor = ExpertPredictor(expertCounts: [2, 0, 2], topK: 1, settings: settings)
        predictor.count([[1e9, 0], [], [0, 1e9]], rows: 1e9)
        #expect(predictor.frequencies(at: 0)[0] > 0.99)
        #expect(predictor.frequencies(at: 1)[1] > 0.99)
        for _ in 0..<100 { predictor.count([1, 1]) }
        // 50 of the hundred that are left, and 72 of the new hundred.
        #expect(abs(predictor.frequencies(at: 0)[0] - 50.0 / 122) < 0.02)
        predictor.count([[0, 0], [], [0, 0]], rows: 0)
        #expect(predictor.frequencies(at: 0).allSatisfy { $0.isFinite })
    }

    @Test("A budget is shared evenly, as far as layers have experts")
    func counts() {
        let numbering = ExpertNumbering(expertCounts: [2, 0, 8, 8])
        #expect(ResidentExperts.counts(slotCount: 11, numbering: numbering) == [2, 5, 4])
        #expect(ResidentExperts.counts(slotCount: 99, numbering: numbering) == [2, 8, 8])
        #expect(ResidentExperts.counts(slotCount: -1, numbering: numbering) == [0, 0, 0])
    }
}
