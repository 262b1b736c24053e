import ClusterTesting
import Foundation
import Inference
import Model
import Testing

/// What `transformers` computes for a tiny model, in float32; `Tests/Scripts/README.md` explains.
private struct Reference: Decodable {
    struct Case: Decodable {
        var tokens: [Int32]
        var topIDs: [[Int]]
        var topLogits: [[Float]]
        var lastLogits: [Float]
        var routerMargin: [Float]

        enum CodingKeys: String, CodingKey {
            case tokens
            case topIDs = "top_ids"
            case topLogits = "top_logits"
            case lastLogits = "last_logits"
            case routerMargin = "router_margin"
        }
    }

    var exact: Bool
    var cases: [Case]
}

@Suite("Tiny models of every family against transformers in float32")
struct TinyGoldenTests {
    static let names = [
        "qwen3moe", "qwen3moe-tied", "qwen3moe-dense", "qwen3moe-linear", "qwen3moe-yarn",
        "qwen2moe", "qwen2moe-dense", "mixtral", "mixtral-llama3", "mixtral-f16", "mixtral-bf16",
        "olmoe", "olmoe-clip", "olmoe-grouped", "qwen3moe-quantised", "qwen3moe-kquants",
    ]

    @Test("Logits of every position agree", arguments: names)
    func logits(name: String) throws {
        let reference = try decode(Reference.self, at: fixture(name, "json"))
        let forward = try WholeModel(path: fixture(name)).forward()
        let width = forward.model.vocabularyCount
        let tolerance = reference.exact ? 0.02 : 0.5
        var deviation = Deviation()
        for test in reference.cases {
            let logits = try forward.logits(of: test.tokens)
            for (position, ids) in test.topIDs.enumerated() {
                let row = logits[position * width..<(position + 1) * width]
                let expected = test.topLogits[position]
                for (id, value) in zip(ids, expected) {
                    deviation.add(row[row.startIndex + id], value)
                }
                guard Double(expected[0] - expected[1]) > 2 * tolerance else { continue }
                #expect(Int(largest(row)) == ids[0], "position \(position)")
            }
            for (found, value) in zip(logits.suffix(width), test.lastLogits) {
                deviation.add(found, value)
            }
        }
        print("\(name): mean error \(deviation.mean), largest \(deviation.largest)")
        #expect(deviation.largest <= tolerance)
        #expect(deviation.mean <= tolerance / 10)
    }
}
