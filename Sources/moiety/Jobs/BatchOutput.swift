import Foundation
import Tensors
import Wire

/// The results of a batch, a line for each job in the order in which they end, in OpenAI's form.
///
/// A batch that was interrupted goes on: a small file beside the results names it, and lines of
/// which there are results are not submitted again.
final class BatchOutput {
    private let path: String
    private let file: FileHandle
    /// By which the coordinator knows this batch's jobs, however often the command is run.
    let batch: String
    /// Lines of the batch file whose results are there.
    private(set) var finished: Set<Int> = []

    private static let prefix = "batch_req_"

    /// Opens the results of a new batch, or of one that was interrupted.
    init(path: String) throws {
        self.path = path
        let mark = Self.mark(path)
        let files = FileManager.default
        if files.fileExists(atPath: mark) {
            batch = try Self.read(mark)
            finished = try Self.finishedLines(path)
        } else {
            guard !files.fileExists(atPath: path) else {
                throw CommandFailure(
                    "\(path) exists already; name another file, or remove it",
                    code: CommandFailure.dataError
                )
            }
            batch = DurableJob.newTicket()
            try Self.write(batch, to: mark)
        }
        if !files.fileExists(atPath: path), !files.createFile(atPath: path, contents: nil) {
            throw CommandFailure("\(path) cannot be written", code: CommandFailure.dataError)
        }
        do {
            file = try FileHandle(forWritingTo: URL(filePath: path))
            try file.seekToEnd()
        } catch {
            throw Self.failure(path, error)
        }
    }

    private static func mark(_ path: String) -> String { path + ".resume" }

    /// Adds a result; nobody sees a part of it.
    func add(_ result: BatchResult) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            try file.write(contentsOf: try encoder.encode(result) + Data("\n".utf8))
        } catch {
            throw Self.failure(path, error)
        }
    }

    /// All results are there.
    func finish() throws {
        do {
            try file.synchronize()
            try file.close()
            try FileManager.default.removeItem(atPath: Self.mark(path))
        } catch {
            throw Self.failure(path, error)
        }
    }

    static func id(ofLine line: Int) -> String { "\(prefix)\(line)" }

    /// Whose results are there; what a crash left of a last line is cut off.
    private static func finishedLines(_ path: String) throws -> Set<Int> {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        var lines: Set<Int> = []
        var input = try BatchInput(path: path)
        var wholeByteCount: UInt64 = 0
        while let line = try input.next() {
            guard let number = number(of: line) else { break }
            lines.insert(number)
            wholeByteCount += UInt64(line.count) + 1
        }
        do {
            let file = try FileHandle(forWritingTo: URL(filePath: path))
            let end = try file.seekToEnd()
            if wholeByteCount > end {
                try file.write(contentsOf: Data("\n".utf8))
            } else {
                try file.truncate(atOffset: wholeByteCount)
            }
            try file.close()
        } catch {
            throw failure(path, error)
        }
        return lines
    }

    private struct Identified: Decodable {
        let id: String
    }

    /// Of a result, the line of the batch file; nil where it is no whole result.
    private static func number(of line: [UInt8]) -> Int? {
        do {
            let result = try JSONDecoder().decode(Identified.self, from: Data(line))
            guard result.id.hasPrefix(prefix) else { return nil }
            return Int(result.id.dropFirst(prefix.count))
        } catch {
            return nil
        }
    }

    private static func read(_ path: String) throws -> String {
        String(decoding: try InputFile.read(path), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func write(_ text: String, to path: String) throws {
        do throws(FileError) {
            let file = try AtomicFile(path: path)
            try file.append(Array((text + "\n").utf8))
            try file.commit()
        } catch {
            throw CommandFailure("\(error)", code: CommandFailure.dataError)
        }
    }

    private static func failure(_ path: String, _ error: any Error) -> CommandFailure {
        CommandFailure(
            "\(path) cannot be written: \(error.localizedDescription)",
            code: CommandFailure.dataError
        )
    }
}

/// A line of the results; names and all are OpenAI's.
struct BatchResult: Encodable {
    let id: String
    let customID: String?
    let response: Response?
    let error: Failure?

    enum CodingKeys: String, CodingKey {
        case id, response, error
        case customID = "custom_id"
    }

    struct Response: Encodable {
        let statusCode = 200
        let requestID: String
        let body: Body

        enum CodingKeys: String, CodingKey {
            case body
            case statusCode = "status_code"
            case requestID = "request_id"
        }
    }

    struct Body: Encodable {
        let id: String
        let object = "text_completion"
        let created: Int
        let model: String
        let choices: [Choice]
        let usage: Usage
    }

    struct Choice: Encodable {
        let index = 0
        let text: String
        let finishReason: String

        enum CodingKeys: String, CodingKey {
            case index, text
            case finishReason = "finish_reason"
        }
    }

    struct Usage: Encodable {
        let promptTokens: Int
        let completionTokens: Int
        let totalTokens: Int
        /// Only where workers are lossy; ours.
        let moiety: Inexactness?

        enum CodingKeys: String, CodingKey {
            case moiety
            case promptTokens = "prompt_tokens"
            case completionTokens = "completion_tokens"
            case totalTokens = "total_tokens"
        }
    }

    struct Failure: Encodable {
        let code: String
        let message: String
    }

    /// What there is none of is null, as OpenAI has it.
    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(id, forKey: .id)
        try fields.encode(customID, forKey: .customID)
        try fields.encode(response, forKey: .response)
        try fields.encode(error, forKey: .error)
    }

    init(line: Int, customID: String?, model: String, text: String, _ ended: Ended) {
        id = BatchOutput.id(ofLine: line)
        self.customID = customID
        guard ended.outcome == .completed else {
            response = nil
            let code = ended.outcome == .cancelled ? "batch_cancelled" : "server_error"
            error = Failure(code: code, message: ended.message)
            return
        }
        error = nil
        response = Response(
            requestID: ended.job,
            body: Body(
                id: "cmpl-\(ended.job)",
                created: Int(Date().timeIntervalSince1970),
                model: model,
                choices: [
                    Choice(
                        text: text,
                        finishReason: ended.reason == .length ? "length" : "stop"
                    )
                ],
                usage: Usage(
                    promptTokens: ended.promptTokenCount,
                    completionTokens: ended.tokens.count,
                    totalTokens: ended.promptTokenCount + ended.tokens.count,
                    moiety: ended.expertUses.map(Inexactness.init)
                )
            )
        )
    }
}
