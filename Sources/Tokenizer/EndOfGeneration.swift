/// Which tokens end an answer.
///
/// Files name at most two of them, and chat models end their turns with others, so tokens are
/// also known by their text, as in llama.cpp.
enum EndOfGeneration {
    private static let names: Set<String> = [
        "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
        "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
        "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<｜end▁of▁sentence｜>",
        "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>",
    ]

    /// The tokens of a vocabulary that end an answer.
    ///
    /// `declared` are those that the vocabulary itself gives. Where it types its tokens, only
    /// control and user-defined ones can be known by their text.
    static func tokens(
        _ table: TokenTable,
        areTyped: Bool,
        declared: [Int32?]
    ) -> Set<Int32> {
        var tokens = Set(declared.compactMap(\.self))
        for (id, text) in table.texts.enumerated() {
            let kind = table.kinds[id]
            guard kind == .control || kind == .userDefined || !areTyped else { continue }
            if names.contains(String(decoding: text, as: UTF8.self)) {
                tokens.insert(Int32(id))
            }
        }
        return tokens
    }
}
