import Foundation
import Wire

/// A line of a batch file: OpenAI's form, with a completion as its body, or just `{"prompt": …}`.
///
/// What is not understood is refused by name, never left out.
struct BatchLine {
    /// The user's own name for the line; nil where there is none.
    let customID: String?
    private let completion: Completion

    private static let url = "/v1/completions"
    private static let idByteCount = 512

    init(_ text: [UInt8]) throws(BatchError) {
        do {
            let fields = try JSONDecoder().decode(Fields.self, from: Data(text))
            customID = fields.customID
            completion = fields.completion
        } catch let error as BatchError {
            throw error
        } catch let error as DecodingError {
            throw BatchError(error)
        } catch {
            throw .notJSON("\(error)")
        }
        guard customID?.utf8.count ?? 0 <= Self.idByteCount else {
            throw .value("custom_id", "at most \(Self.idByteCount) bytes")
        }
        guard !completion.prompt.isEmpty else { throw .value("prompt", "a text") }
        try check("max_tokens", completion.maximumTokens.map(Double.init), 1...1e9)
        try check("temperature", completion.temperature, 0...100)
        try check("top_p", completion.topP, 0...1)
        try check("min_p", completion.minP, 0...1)
        try check("top_k", completion.topK.map(Double.init), 0...1e6)
        try check("presence_penalty", completion.presencePenalty, -2...2)
        try check("frequency_penalty", completion.frequencyPenalty, -2...2)
    }

    private func check(
        _ name: String,
        _ value: Double?,
        _ range: ClosedRange<Double>
    ) throws(BatchError) {
        guard let value, !range.contains(value) else { return }
        throw .value(name, "from \(range.lowerBound) to \(range.upperBound)")
    }

    /// The job; what the line leaves out is as `defaults` have it.
    func request(_ defaults: Submit) -> Submit {
        var request = defaults
        request.prompt = completion.prompt
        request.maximumTokens = completion.maximumTokens ?? defaults.maximumTokens
        request.stopTexts = completion.stop?.texts ?? defaults.stopTexts
        let asked = completion
        if let value = asked.temperature { request.sampling.temperature = Float(value) }
        if let value = asked.topP { request.sampling.topP = Float(value) }
        if let value = asked.minP { request.sampling.minP = Float(value) }
        if let value = asked.topK { request.sampling.topK = value }
        if let value = asked.seed { request.sampling.seed = value }
        if let value = asked.presencePenalty { request.sampling.presencePenalty = Float(value) }
        if let value = asked.frequencyPenalty { request.sampling.frequencyPenalty = Float(value) }
        return request
    }

    // MARK: JSON

    /// Either form of a line.
    private struct Fields: Decodable {
        let customID: String?
        let completion: Completion

        enum CodingKeys: String, CodingKey, CaseIterable {
            case method, url, body
            case customID = "custom_id"
        }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            customID = try fields.decodeIfPresent(String.self, forKey: .customID)
            guard fields.contains(.body) else {
                completion = try Completion(from: decoder)
                try decoder.refuseOthers(
                    than: Completion.CodingKeys.names + [CodingKeys.customID.rawValue]
                )
                return
            }
            try decoder.refuseOthers(than: CodingKeys.allCases.map(\.rawValue))
            let method = try fields.decodeIfPresent(String.self, forKey: .method)
            guard method ?? "POST" == "POST" else { throw BatchError.value("method", "POST") }
            let url = try fields.decodeIfPresent(String.self, forKey: .url)
            guard url ?? BatchLine.url == BatchLine.url else {
                throw BatchError.value("url", BatchLine.url)
            }
            let body = try fields.superDecoder(forKey: .body)
            completion = try Completion(from: body)
            try body.refuseOthers(than: Completion.CodingKeys.names)
        }
    }

    /// What OpenAI calls a completion, as far as it is supported, and llama-server's additions.
    private struct Completion: Decodable {
        let prompt: String
        /// Whatever the cluster serves answers; the name is OpenAI's to require.
        let model: String?
        let maximumTokens: Int?
        let temperature: Double?
        let topP: Double?
        let minP: Double?
        let topK: Int?
        let seed: UInt64?
        let stop: StopList?
        let presencePenalty: Double?
        let frequencyPenalty: Double?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case prompt, model, temperature, seed, stop
            case maximumTokens = "max_tokens"
            case topP = "top_p"
            case minP = "min_p"
            case topK = "top_k"
            case presencePenalty = "presence_penalty"
            case frequencyPenalty = "frequency_penalty"

            static var names: [String] { allCases.map(\.rawValue) }
        }
    }

    /// A text, or a list of texts.
    private struct StopList: Decodable {
        let texts: [String]

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            do {
                texts = [try value.decode(String.self)]
            } catch DecodingError.typeMismatch {
                texts = try value.decode([String].self)
            }
        }
    }
}

/// Why a line of a batch file cannot be used.
enum BatchError: Error, CustomStringConvertible {
    case notJSON(String)
    case value(String, String)
    case unknownField(String)
    case missing(String)

    init(_ error: DecodingError) {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            let field = context.codingPath.map(\.stringValue).joined(separator: ".")
            self =
                field.isEmpty
                ? .notJSON(context.debugDescription) : .value(field, "of another kind")
        case .keyNotFound(let key, _): self = .missing(key.stringValue)
        case .dataCorrupted(let context): self = .notJSON(context.debugDescription)
        @unknown default: self = .notJSON("\(error)")
        }
    }

    var description: String {
        switch self {
        case .notJSON(let reason): "this is no JSON object as it should be: \(reason)"
        case .value(let field, let wanted): "\(field) must be \(wanted)"
        case .unknownField(let field): "\(field) is not supported; leave it out"
        case .missing(let field): "\(field) is missing"
        }
    }
}

extension Decoder {
    /// Throws where the object has a field of another name.
    fileprivate func refuseOthers(than names: [String]) throws {
        let fields = try container(keyedBy: AnyField.self).allKeys.map(\.stringValue)
        let others = Set(fields).subtracting(names)
        guard let first = others.min() else { return }
        let path = codingPath.map { $0.stringValue + "." }.joined()
        throw BatchError.unknownField(path + first)
    }
}

/// A field of any name.
private struct AnyField: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
