import Coordinator
import Hummingbird
import Inference
import JSON
import NIOCore
import Wire

/// What there is to know of the server: metrics, slots, properties.
struct ReportHandlers {
    let served: ServedAnswers
    let inspection: Inspection
    let limits: APILimits

    var metrics: Response {
        Response(
            status: .ok,
            headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: inspection.metrics))
        )
    }

    /// What each place among the jobs that are computed together does; no text of anybody's.
    func slots(_ request: Request) throws(APIError) -> Response {
        let running = inspection.jobs.filter { $0.state == .running }
        if request.uri.queryParameters["fail_on_no_slot"] == "1", running.count >= limits.slotCount
        {
            throw .notReady("all \(limits.slotCount) slots are busy")
        }
        let slots = (0..<max(limits.slotCount, running.count)).map { index -> JSONValue in
            guard index < running.count else {
                return ["id": .integer(index), "is_processing": false]
            }
            let job = running[index]
            return [
                "id": .integer(index), "is_processing": true,
                "n_ctx": .integer(served.contextLength), "job": .string(job.id),
                "task": job.task.map(JSONValue.string) ?? .null,
                "n_prompt_tokens": .integer(job.promptTokenCount),
                "n_decoded": .integer(job.generatedTokenCount),
            ]
        }
        return .json(.array(slots))
    }

    var props: Response {
        let sampling = Sampling()
        return .json([
            "model_alias": .string(served.name),
            "model_name": .string(served.title),
            "build_info": .string(Build.name),
            "total_slots": .integer(limits.slotCount),
            "default_generation_settings": [
                "n_ctx": .integer(served.contextLength),
                "params": [
                    "temperature": .number(Double("\(sampling.temperature)") ?? 0),
                    "top_k": .integer(sampling.topK),
                    "top_p": .number(Double("\(sampling.topP)") ?? 0),
                    "min_p": .number(Double("\(sampling.minP)") ?? 0),
                ],
            ],
        ])
    }
}
