import GGUF

extension ModelFile {
    /// The Jinja template that makes a conversation a prompt; nil where the file has none.
    public func chatTemplate() throws(ModelError) -> String? {
        try ModelDescriptionReader.read { () throws(GGUFError) in
            try file.metadata.stringIfPresent("tokenizer.chat_template")
        }
    }

    /// Other templates by their names, such as `tool_use`.
    public func namedChatTemplates() throws(ModelError) -> [String: String] {
        let metadata = file.metadata
        return try ModelDescriptionReader.read { () throws(GGUFError) in
            let prefix = "tokenizer.chat_template."
            var templates: [String: String] = [:]
            for (key, _) in metadata.entries where key.hasPrefix(prefix) {
                templates[String(key.dropFirst(prefix.count))] = try metadata.string(key)
            }
            return templates
        }
    }

    /// Reads the tokenizer's section.
    ///
    /// It has as many tokens as the embedding has rows. Not kept: a worker never needs it, and
    /// large ones take tens of megabytes.
    public func vocabulary() throws(ModelError) -> Vocabulary {
        let metadata = file.metadata
        let vocabulary = try ModelDescriptionReader.read { () throws(GGUFError) in
            Vocabulary(
                model: try metadata.string("tokenizer.ggml.model"),
                preTokenizer: try metadata.stringIfPresent("tokenizer.ggml.pre"),
                tokens: try metadata.strings("tokenizer.ggml.tokens"),
                types: try metadata.intsIfPresent("tokenizer.ggml.token_type")?
                    .map { Int32(clamping: $0) } ?? [],
                scores: try metadata.floatsIfPresent("tokenizer.ggml.scores") ?? [],
                merges: try metadata.stringsIfPresent("tokenizer.ggml.merges") ?? [],
                bos: try metadata.intIfPresent("tokenizer.ggml.bos_token_id"),
                eos: try metadata.intIfPresent("tokenizer.ggml.eos_token_id"),
                eot: try metadata.intIfPresent("tokenizer.ggml.eot_token_id"),
                unknown: try metadata.intIfPresent("tokenizer.ggml.unknown_token_id"),
                padding: try metadata.intIfPresent("tokenizer.ggml.padding_token_id"),
                addsBOS: try metadata.boolIfPresent("tokenizer.ggml.add_bos_token"),
                addsEOS: try metadata.boolIfPresent("tokenizer.ggml.add_eos_token"),
                addsSpacePrefix: try metadata.boolIfPresent("tokenizer.ggml.add_space_prefix")
            )
        }
        guard vocabulary.tokens.count == description.vocabularyCount else {
            throw .hyperparameter(
                key: "tokenizer.ggml.tokens",
                found: "\(vocabulary.tokens.count) tokens long",
                expected: "\(description.vocabularyCount), the rows of \(WeightName.tokenEmbedding)"
            )
        }
        return vocabulary
    }
}
