import ClusterTesting
import GGUF
import Model
import Testing

@Suite("Chat templates in model files")
struct ChatTemplateKeyTests {
    @Test("The template and those with names are read")
    func read() throws {
        var contents = TinyModel().contents()
        #expect(try contents.modelFile().chatTemplate() == nil)
        contents.metadata["tokenizer.chat_template"] = .text("{{ messages }}")
        contents.metadata["tokenizer.chat_template.tool_use"] = .text("{{ tools }}")
        let file = try contents.modelFile()
        #expect(try file.chatTemplate() == "{{ messages }}")
        #expect(try file.namedChatTemplates() == ["tool_use": "{{ tools }}"])
    }

    @Test("A template of another type is refused")
    func wrongType() throws {
        var contents = TinyModel().contents()
        contents.metadata["tokenizer.chat_template"] = .uint32(1)
        contents.metadata["tokenizer.chat_template.tool_use"] = .uint32(1)
        let file = try contents.modelFile()
        #expect(throws: ModelError.self) { try file.chatTemplate() }
        #expect(throws: ModelError.self) { try file.namedChatTemplates() }
    }
}
