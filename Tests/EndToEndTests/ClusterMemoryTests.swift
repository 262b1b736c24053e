import ClusterTesting
import Foundation
import GGUF
import Model
import Tensors
import Testing

/// What processes occupy: workers their experts, the coordinator everything but.
@Suite("Memory goes where the plan says", .serialized, .timeLimit(.minutes(10)))
struct ClusterMemoryTests {
    @Test("A worker occupies its experts and little more, the coordinator none of them")
    func memory() async throws {
        let file = try Self.writeModel()
        let description = try ModelFile(path: file.path).description
        let model = try ModelFile(path: file.path)
        let all = description.expertCounts.enumerated().reduce(0) { sum, layer in
            sum + layer.element * model.expertByteCount(LayerIndex(layer.offset))
        }
        let cluster = try ClusterOfProcesses(model: file.path)
        _ = try await ClusterProcessTests.tokens(of: cluster)
        let share = all / 2
        let bound = share * 11 / 10 + (64 << 20)
        for name in ["alpha", "beta"] {
            let resident = try cluster.worker(name).residentByteCount()
            print("\(name): \(resident >> 20) MiB resident for \(share >> 20) MiB of experts")
            #expect(resident <= bound, "\(name) occupies \(resident >> 20) MiB")
        }
        let resident = try cluster.coordinator.residentByteCount()
        print("coordinator: \(resident >> 20) MiB resident; experts have \(all >> 20) MiB")
        #expect(resident < share, "the coordinator occupies \(resident >> 20) MiB")
    }

    /// Some 300 MB of experts that are all alike: only their size counts.
    private static func writeModel() throws -> TemporaryFile {
        var recipe = TinyModel()
        recipe.hiddenSize = 512
        recipe.headCount = 8
        recipe.layerCount = 4
        recipe.expertCount = 4
        recipe.expertWidth = 64
        var contents = recipe.contents()
        let (count, width) = (64, 768)
        for layer in 0..<recipe.layerCount {
            let prefix = "blk.\(layer).ffn_"
            for (name, shape) in [
                ("gate_exps", [512, width, count]), ("up_exps", [512, width, count]),
                ("down_exps", [width, 512, count]),
            ] {
                contents[prefix + name + ".weight"] = .zeros(
                    prefix + name + ".weight",
                    .q8_0,
                    shape
                )
            }
            contents[prefix + "gate_inp.weight"] = .zeros(
                prefix + "gate_inp.weight",
                .f32,
                [512, count]
            )
        }
        contents.metadata["qwen3moe.expert_count"] = .uint32(UInt32(count))
        contents.metadata["qwen3moe.expert_feed_forward_length"] = .uint32(UInt32(width))
        return try contents.writeTemporary()
    }
}
