import Cluster
public import Model
import Placement
public import Wire

extension ClientMessage {
    /// One random message of every kind, in the order of the envelope.
    public static func all(using random: inout SeededRandom) -> [ClientMessage] {
        jobMessages(using: &random) + reports(using: &random) + evaluations(using: &random)
            + counts(using: random) + profiles(using: random) + plans(using: &random)
            + durable(using: random)
    }

    /// Jobs that are recorded; of a copy of the generator too.
    private static func durable(using random: SeededRandom) -> [ClientMessage] {
        var random = random
        var submit = Submit.random(using: &random)
        submit.isDurable = true
        submit.ticket = random.optionalText()
        let accepted = Accepted(tag: 1, job: random.text(), promptTokenCount: 2, isDurable: true)
        let ended = Ended(
            job: random.text(),
            outcome: random.choice(),
            reason: random.choice(),
            message: random.text(),
            tokens: random.tokens(),
            promptTokenCount: 3,
            prefillTime: random.duration(),
            decodeTime: random.duration(),
            rowsPerWorker: [],
            retryAfter: .milliseconds(1500)
        )
        let question = FindJob(job: random.text(), follows: true)
        let unknown = JobFound(name: random.text(), job: nil, trouble: random.text())
        var found = JobFound(
            name: random.text(),
            job: .random(using: &random),
            text: random.text(),
            ended: ended
        )
        let recorded: [ClientMessage] = [
            .submit(submit), .accepted(accepted), .findJob(question), .jobFound(unknown),
            .jobFound(found),
        ]
        // Fields that came later still.
        submit.priority = -7
        found.ended?.cachedTokenCount = 2
        return recorded + [.submit(submit), .jobFound(found)]
    }

    /// Reports of what was dropped.
    ///
    /// Of a copy of the generator: what came later than the goldens must not change them.
    private static func counts(using random: SeededRandom) -> [ClientMessage] {
        var random = random
        var node = NodeReport.random(using: &random)
        node.drops = random.drops()
        let sockets = random.list { random in
            SocketReport(
                name: random.text(),
                connectionsOpen: random.number(),
                connectionsAccepted: random.number(),
                connectionsRefused: random.number(),
                handshakesFailed: random.number(),
                drops: random.drops()
            )
        }
        let status = StatusReport(
            isReady: random.bool(),
            text: random.text(),
            modelName: random.text(),
            epoch: random.optionalEpoch(),
            workersExpected: 2,
            workersReady: 1,
            jobsQueued: 0,
            jobsRunning: 0,
            build: random.text(),
            sockets: sockets
        )
        return [.nodes([node]), .status(status)]
    }

    private static func jobMessages(using random: inout SeededRandom) -> [ClientMessage] {
        [
            .clientHello(ClientHello(build: random.text(), role: random.choice())),
            .clientWelcome(ClientWelcome(build: random.text(), modelName: random.text())),
            .refusal(Refusal(code: random.choice(), text: random.text())),
            .submit(.random(using: &random)),
            .accepted(
                Accepted(
                    tag: random.number(),
                    job: random.text(),
                    promptTokenCount: random.int(0...9999)
                )
            ),
            .tokens(
                GeneratedTokens(job: random.text(), tokens: random.tokens(), text: random.text())
            ),
            .progress(
                PromptProgress(
                    job: random.text(),
                    promptTokensDone: random.int(0...99),
                    promptTokenCount: random.int(0...99)
                )
            ),
            .ended(
                Ended(
                    job: random.text(),
                    outcome: random.choice(),
                    reason: random.choice(),
                    message: random.text(),
                    tokens: random.tokens(),
                    promptTokenCount: random.int(0...99),
                    prefillTime: random.duration(),
                    decodeTime: random.duration(),
                    rowsPerWorker: random.list { random in
                        WorkerRows(name: random.name(), rowCount: random.number())
                    }
                )
            ),
        ]
    }

    private static func reports(using random: inout SeededRandom) -> [ClientMessage] {
        [
            .listJobs,
            .jobs(random.list { .random(using: &$0) }),
            .cancel(Cancel(job: random.text())),
            .cancelReply(
                CancelReply(job: random.text(), isCancelled: random.bool(), message: random.text())
            ),
            .listNodes,
            .nodes(random.list { .random(using: &$0) }),
            .getStatus,
            .status(
                StatusReport(
                    isReady: random.bool(),
                    text: random.text(),
                    modelName: random.text(),
                    epoch: random.optionalEpoch(),
                    workersExpected: random.int(0...9),
                    workersReady: random.int(0...9),
                    jobsQueued: random.int(0...9),
                    jobsRunning: random.int(0...9),
                    build: random.text(),
                    trips: .sample
                )
            ),
        ]
    }

    private static func evaluations(using random: inout SeededRandom) -> [ClientMessage] {
        let top = random.int(1...3)
        return [
            .evaluate(
                Evaluate(
                    tag: random.number(),
                    tokens: random.tokens(),
                    top: random.int(0...9),
                    scoreFrom: random.bool() ? random.int(0...9) : nil
                )
            ),
            .evaluation(
                EvaluationReply(
                    tag: random.number(),
                    positions: random.list { random in
                        TopLogits(
                            ids: random.list(top...top) { Int32($0.int(0...9999)) },
                            logits: random.list(top...top) { $0.float() }
                        )
                    },
                    scores: random.list { Double($0.float()) }
                )
            ),
            .evaluationFailed(EvaluationFailed(tag: random.number(), message: random.text())),
        ]
    }

    private static func plans(using random: inout SeededRandom) -> [ClientMessage] {
        [
            .getPlan,
            .planInForce(
                PlanInForce(
                    json: random.text(),
                    stage: random.int(0...9),
                    stageCount: random.int(0...9)
                )
            ),
            .changePlan(
                ChangePlan(
                    json: random.text(),
                    bandwidth: random.number(),
                    reason: random.text()
                )
            ),
            .changeReply(
                ChangeReply(
                    isBegun: random.bool(),
                    message: random.text(),
                    stageCount: random.int(0...9),
                    moveCount: random.number(),
                    byteCount: random.number()
                )
            ),
            .getPlanHistory,
            .planHistory(PlanHistory(jsonLines: random.text())),
            .drainNode(DrainNode(name: random.name(), isOver: random.bool())),
        ]
    }
}

extension Submit {
    public static func random(using random: inout SeededRandom) -> Submit {
        Submit(
            tag: random.number(),
            prompt: random.text(),
            maximumTokens: random.int(0...9999),
            sampling: SamplingRequest(
                temperature: random.float(),
                topK: random.int(0...99),
                topP: random.float(),
                minP: random.float(),
                repeatPenalty: random.float(),
                repeatLastN: random.int(-1...99),
                presencePenalty: random.float(),
                frequencyPenalty: random.float(),
                seed: random.bool() ? random.number() : nil
            ),
            task: random.optionalText(),
            stopTexts: random.list { $0.text() }
        )
    }
}

extension JobReport {
    public static func random(using random: inout SeededRandom) -> JobReport {
        JobReport(
            id: random.text(),
            state: random.choice(),
            task: random.optionalText(),
            promptTokenCount: random.int(0...99),
            generatedTokenCount: random.int(0...99),
            submittedAt: random.number(),
            message: random.text()
        )
    }
}

extension NodeReport {
    public static func random(using random: inout SeededRandom) -> NodeReport {
        NodeReport(
            name: random.name(),
            state: random.text(),
            incarnation: random.incarnation(),
            epoch: random.optionalEpoch(),
            expertCount: random.int(0...6144),
            residentByteCount: random.number(),
            rowsComputed: random.number(),
            silentFor: random.bool() ? random.duration() : nil,
            instructionSet: random.text(),
            coreCount: random.int(0...256),
            memoryByteCount: random.number(),
            loadedByteCount: random.number(),
            totalByteCount: random.number(),
            message: random.text()
        )
    }
}

extension TripProfile {
    /// A layer without experts, then one with.
    fileprivate static var sample: TripProfile {
        var layer = Layer()
        layer.trips = 3
        layer.rows = 24
        layer.sending = .microseconds(41)
        layer.away = .milliseconds(7)
        layer.waiting = .milliseconds(6)
        layer.computing = .milliseconds(5)
        layer.adding = .nanoseconds(12_345)
        layer.longest = .milliseconds(3)
        return TripProfile(layers: [Layer(), layer])
    }
}
