import Model
import Tensors
import Testing
import Wire

@Suite("What a worker without a file is told of the model")
struct LayoutTests {
    private func manifest(
        hidden: Int = 2048,
        width: Int = 768,
        types: (ElementType, ElementType, ElementType) = (.q4_K, .q8_0, .q6_K)
    ) -> Manifest {
        let layer = ExpertLayout.Layer(
            expertCount: 128,
            width: width,
            gateType: types.0,
            upType: types.1,
            downType: types.2
        )
        var manifest = Manifest(
            modelName: "m",
            architecture: "qwen3moe",
            model: ModelIdentity(fileByteCount: 1, headerDigest: Array(repeating: 1, count: 32)),
            layerCount: 3,
            expertCount: 128,
            hiddenSize: hidden,
            chunkEndpoint: "tcp://127.0.0.1:6647"
        )
        manifest.layout = ExpertLayout(
            hiddenSize: hidden,
            expertsPerToken: 8,
            layers: [nil, layer, layer]
        )
        return manifest
    }

    @Test("It comes back as it was sent, and is nothing where it was not sent")
    func roundTrip() throws {
        var manifest = manifest()
        #expect(manifest.layout != nil)
        let frames = ControlMessage.manifest(manifest).encode()
        #expect(try ControlMessage(frames: frames) == .manifest(manifest))
        manifest.layout = nil
        let bare = ControlMessage.manifest(manifest).encode()
        #expect(try ControlMessage(frames: bare) == .manifest(manifest))
    }

    @Test("Sizes that no model has are no layout: rows of broken blocks, types without kernels")
    func nonsense() {
        #expect(manifest(hidden: 2048 + 32).layout == nil)
        #expect(manifest(width: 768 + 32).layout == nil)
        #expect(manifest(types: (.i8, .i8, .i8)).layout == nil)
        #expect(manifest(types: (.f32, .q8_0, .q8_0)).layout == nil)
        #expect(manifest(hidden: 0).layout == nil)
        #expect(manifest(width: 1 << 40).layout == nil)
    }

    @Test("A layout that does not fit its manifest is refused by its name")
    func misfit() throws {
        var manifest = manifest()
        // Rows of 2016 are no whole number of blocks of 256.
        manifest.hiddenSize = 2016
        let frames = ControlMessage.manifest(manifest).encode()
        #expect {
            _ = try ControlMessage(frames: frames)
        } throws: { error in
            guard case WireError.invalidValue("manifest.layout", _) = error else { return false }
            return true
        }
        manifest.hiddenSize = 2048
        // Far more experts than anybody has room for, in a small message.
        manifest.expertCount = WireLimits().expertCount
        #expect(throws: WireError.self) {
            _ = try ControlMessage(frames: ControlMessage.manifest(manifest).encode())
        }
        manifest.expertCount = 128
        manifest.layerCount = 2
        #expect(throws: WireError.self) {
            _ = try ControlMessage(frames: ControlMessage.manifest(manifest).encode())
        }
    }
}
