import Coordinator
import Generation
import Hummingbird
import Inference
import JSON
import NIOCore
import Requests
import Templates
import Tokenizer

/// Requests for text: become jobs, and their news a response.
struct GenerationHandler {
    let door: CoordinatorDoor
    let limits: APILimits
    let owner: JobOwner?
    let templates: ChatTemplates

    func completions(
        _ request: Request,
        on channel: any Channel
    ) async throws(APIError) -> Response {
        guard let served = ServedAnswers(door) else { throw .starting }
        let (request, wish) = try await BodyReader(limits: limits).read(request) {
            (body) throws(BodyError) in
            try CompletionRequest(body, choiceLimit: limits.choiceCount)
        }
        try served.check(model: wish.model)
        let prompts = try await tokens(of: wish.prompts, served)
        return try await answer(
            request,
            form: .completion,
            prompts: prompts,
            wish.generation,
            served,
            channel
        )
    }

    func chat(
        _ request: Request,
        on channel: any Channel
    ) async throws(APIError) -> Response {
        guard let served = ServedAnswers(door) else { throw .starting }
        let (request, wish) = try await BodyReader(limits: limits).read(request) {
            (body) throws(BodyError) in
            try ChatRequest(body, choiceLimit: limits.choiceCount)
        }
        try served.check(model: wish.model)
        let template = try templates.template(of: served.model)
        let prompt = try await TextWork(served.tokenizer).prompt(template, wish.conversation)
        let generation = try APIError.ofBody { () throws(BodyError) in
            try wish.generation(writtenAs: template.toolCallFormat)
        }
        let calls = wish.conversation.tools.isEmpty ? nil : template.toolCallFormat
        return try await answer(
            request,
            form: .chat(calls: calls, forced: wish.conversation.call),
            prompts: [prompt.tokens],
            generation,
            served,
            channel
        )
    }

    /// What the chat template makes of a conversation; nothing is generated.
    func applyTemplate(_ request: Request) async throws(APIError) -> Response {
        guard let served = ServedAnswers(door) else { throw .starting }
        let (_, conversation) = try await BodyReader(limits: limits).read(request) {
            (body) throws(BodyError) in
            try ChatConversation(body)
        }
        let template = try templates.template(of: served.model)
        let prompt = try await TextWork(served.tokenizer).prompt(template, conversation)
        return .json(["prompt": .string(prompt.text)])
    }

    private func tokens(
        of prompts: [CompletionRequest.Prompt],
        _ served: ServedAnswers
    ) async throws(APIError) -> [[Int32]] {
        let texts = prompts.compactMap { prompt -> String? in
            guard case .text(let text) = prompt else { return nil }
            return text
        }
        let encoded = try await TextWork(served.tokenizer).tokens(of: texts, field: "prompt")
        var next = encoded.makeIterator()
        return prompts.map { prompt in
            guard case .tokens(let tokens) = prompt else { return next.next() ?? [] }
            return tokens
        }
    }

    private func answer(
        _ request: Request,
        form: Answer.Form,
        prompts: [[Int32]],
        _ fields: GenerationFields,
        _ served: ServedAnswers,
        _ channel: any Channel
    ) async throws(APIError) -> Response {
        let orders = fields.orders(prompts).map {
            JobOrder(request: $0, task: fields.task, owner: owner)
        }
        try APIError.ofBody { () throws(BodyError) in
            try fields.check(
                vocabularyCount: served.tokenizer.vocabularyCount,
                contextLength: served.contextLength,
                answerCount: orders.count
            )
        }
        let jobs = door.submit(orders)
        var answer = Answer(
            form: form,
            source: served.source,
            promptTokenCount: prompts.reduce(0) { $0 + $1.count },
            choiceCount: orders.count,
            keepsText: fields.stream == nil,
            spelling: fields.sampling.scoreCount == nil ? nil : served.tokenizer
        )
        // Whether there will be an answer at all is for the status to tell.
        guard let first = await jobs.news.first(where: { _ in true }) else {
            throw .refused(.shuttingDown)
        }
        _ = try answer.take(first)
        guard let stream = fields.stream else {
            let response = try await whole(answer, of: jobs, request)
            channel.close(after: limits.readTime)
            return response
        }
        return streamed(answer, of: jobs, stream, request, channel)
    }

    /// Waits for the end; who does not wait cancels the jobs.
    private func whole(
        _ answer: Answer,
        of jobs: JobsAsked,
        _ request: Request
    ) async throws(APIError) -> Response {
        do {
            let object = try await request.body.consumeWithCancellationOnInboundClose { _ in
                var answer = answer
                for await news in jobs.news { _ = try answer.take(news) }
                guard answer.isComplete else { throw APIError.refused(.shuttingDown) }
                return answer.whole
            }
            var response = Response.json(object)
            // Watching for the other side to leave uses the connection up.
            response.headers[.connection] = "close"
            return response
        } catch let error as APIError {
            throw error
        } catch {
            throw .cancelled
        }
    }

    /// Sends pieces as they come.
    private func streamed(
        _ answer: Answer,
        of jobs: JobsAsked,
        _ options: GenerationFields.AnswerStream,
        _ request: Request,
        _ channel: any Channel
    ) -> Response {
        let events = AnswerEvents(answer: answer, options: options)
        let limits = limits
        return .events { writer in
            try await request.body.consumeWithCancellationOnInboundClose { _ in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await keepAwake(jobs, limits, channel) }
                    defer { group.cancelAll() }
                    try await events.send(jobs.news, to: &writer)
                }
            }
        }
    }
}

/// Wakes whoever sends news, so that the other side sees that the connection lives; where it does
/// not read, it is given up.
private func keepAwake(
    _ jobs: JobsAsked,
    _ limits: APILimits,
    _ channel: any Channel
) async throws {
    while jobs.wake() { try await Task.sleep(for: limits.pingTime) }
    channel.close(after: limits.readTime)
}
