import Cluster
package import Generation
import Inference
import Ledger
import Messaging
import Model
import Placement
package import Tokenizer
package import Wire

extension GenerationRequest {
    /// A submitted job, its prompt tokenised.
    package init(_ submit: Submit, tokenizer: Tokenizer) throws(TokenizerError) {
        self.init(
            prompt: submit.isChat
                ? try tokenizer.encodeChat(submit.prompt)
                : try tokenizer.encode(submit.prompt, addSpecial: true, parseSpecial: false),
            maximumTokens: submit.maximumTokens,
            sampling: Sampling(submit.sampling),
            stopTexts: submit.stopTexts,
            form: submit.mustBeObject ? .object : .text,
            priority: submit.priority,
            firstTokenTime: submit.objective.firstToken,
            eachTokenTime: submit.objective.eachToken
        )
    }
}

extension Sampling {
    init(_ request: SamplingRequest) {
        self.init()
        temperature = request.temperature
        topK = request.topK
        topP = request.topP
        minP = request.minP
        repeatPenalty = request.repeatPenalty
        repeatLastN = request.repeatLastN
        presencePenalty = request.presencePenalty
        frequencyPenalty = request.frequencyPenalty
        seed = request.seed
        // Of a token that stands twice the last bias counts.
        for bias in request.logitBiases { logitBias[bias.token] = bias.bias }
        minimumTokens = request.minimumTokens
        ignoresEnd = request.ignoresEnd
        stopTokens = request.stopTokens
        penalizesPrompt = !request.penalizesAnswerOnly
    }
}

extension Ended {
    init(_ id: JobID, _ result: GenerationResult, rows: [WorkerRows]) {
        let (outcome, reason, message): (Outcome, EndReason, String) =
            switch result.reason {
            case .stop: (.completed, .stop, "")
            case .length: (.completed, .length, "")
            case .cancelled: (.cancelled, .cancelled, "")
            case .failed(let message): (.failed, .error, message)
            }
        self.init(
            job: "\(id)",
            outcome: outcome,
            reason: reason,
            message: message,
            tokens: result.tokens,
            promptTokenCount: result.promptTokenCount,
            cachedTokenCount: result.cachedTokenCount,
            prefillTime: result.prefillTime,
            decodeTime: result.decodeTime,
            rowsPerWorker: rows,
            expertUses: result.expertUses
        )
    }
}

extension ModelDescription {
    /// Bytes of a row on its way to a worker, in blocks of 32 with a scale each, and of the partial
    /// row back.
    fileprivate var rowByteCount: Int { hiddenSize * 9 / 8 + hiddenSize * 8 }
}

extension WorkerDesk {
    /// What shares of the plan in force cost, as far as it was measured.
    func costs(_ figures: StepFigures, _ served: ServedModel) -> ClusterCosts {
        let rowByteCount = served.description.rowByteCount
        let names = membership.plan?.workers ?? []
        let measured = figures.costs.estimate(of: names, rowByteCount: rowByteCount)
        let costs = measured?.costs ?? CostModel()
        let described = measured?.workers ?? names.map(WorkerDescription.init)
        return ClusterCosts(
            isGuess: measured == nil,
            expertNanoseconds: costs.perExpert / .nanoseconds(1),
            pairNanoseconds: costs.perPair / .nanoseconds(1),
            rowByteCount: rowByteCount,
            expertByteCounts: served.expertByteCounts,
            // Only shards are measured by it.
            expertWidth: served.description.expertWidth ?? 1,
            workers: described.map { worker in
                ClusterCosts.Worker(
                    name: worker.name,
                    speed: worker.speed,
                    bandwidth: worker.bandwidth,
                    roundTrip: worker.roundTrip,
                    memoryByteCount: machines[worker.name]?.memoryByteCount ?? 0,
                    isDrained: membership.drained.contains(worker.name)
                )
            },
            imbalance: figures.imbalance
        )
    }

    /// Every worker known or expected, as `moiety nodes` shows it.
    func nodeReports(now: Instant) -> [NodeReport] {
        membership.nodes(now: now).map { node in
            let member = node.member
            let machine = machines[member.name]
            var loaded: (done: UInt64, total: UInt64) = (0, 0)
            if case .loading(let done, let total) = member.load { loaded = (done, total) }
            return NodeReport(
                name: member.name,
                state: node.state.rawValue,
                incarnation: member.incarnation,
                epoch: member.isHolding ? membership.plan?.epoch : nil,
                expertCount: node.expertCount,
                residentByteCount: member.vitals.residentByteCount,
                rowsComputed: member.vitals.rowsComputed,
                silentFor: node.silentFor,
                instructionSet: machine?.instructionSet ?? "",
                coreCount: machine?.coreCount ?? 0,
                memoryByteCount: machine?.memoryByteCount ?? 0,
                loadedByteCount: loaded.done,
                totalByteCount: loaded.total,
                message: node.message,
                drops: member.vitals.drops,
                supply: member.vitals.supply,
                lossy: machine?.lossy
            )
        }
    }
}
