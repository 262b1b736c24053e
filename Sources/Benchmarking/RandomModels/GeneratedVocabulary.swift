import GGUF
import Model
import Tokenizer

/// A byte-level vocabulary of any size: the 256 bytes, merges of made-up pairs, special tokens.
///
/// All pairs of letters come first, in random order, then pairs drawn from what was made before, as
/// training would do it; so text of small letters becomes tokens of several letters.
struct GeneratedVocabulary {
    static let specialTokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    static let leastCount = 256 + specialTokens.count

    private static let longestToken = 12

    private(set) var tokens: [String]
    private(set) var merges: [String] = []

    /// What merges join: the space before a word, small letters, and what was made of them.
    private var parts = [letters[32]] + (97...122).map { letters[$0] }
    private var known: Set<String> = []

    /// - Precondition: at least `leastCount`.
    init(count: Int, seed: UInt64) {
        precondition(count >= Self.leastCount, "a vocabulary of \(count) has no room for bytes")
        tokens = Self.letters
        var random = SeededRandom(seed: seed)
        let wanted = count - Self.specialTokens.count
        let single = parts
        var pairs = single.flatMap { first in single.map { (first, $0) } }
        while tokens.count < wanted, !pairs.isEmpty {
            let (first, second) = pairs.remove(at: Self.place(in: pairs, using: &random))
            merge(first, second)
        }
        while tokens.count < wanted {
            merge(
                parts[Self.place(in: parts, using: &random)],
                parts[Self.place(in: parts, using: &random)]
            )
        }
        tokens += Self.specialTokens
    }

    private static func place(in list: [some Any], using random: inout SeededRandom) -> Int {
        Int(random.next() % UInt64(list.count))
    }

    /// Adds a merge unless its result is there, too long, or has a space inside, where the
    /// pre-tokenizer cuts.
    private mutating func merge(_ first: String, _ second: String) {
        let joined = first + second
        guard second.first != Self.letters[32].first, joined.count <= Self.longestToken,
            known.insert(joined).inserted
        else { return }
        merges.append("\(first) \(second)")
        tokens.append(joined)
        parts.append(joined)
    }

    /// How byte-level vocabularies spell bytes.
    private static let letters = ByteAlphabet.characters.map { String($0) }

    func add(to metadata: inout GGUFMetadata) {
        let special = tokens.count - Self.specialTokens.count
        // Types of tokens: 1 is normal, 3 control.
        let types = tokens.indices.map { Int32($0 < special ? 1 : 3) }
        metadata["tokenizer.ggml.model"] = .text("gpt2")
        metadata["tokenizer.ggml.pre"] = .text("qwen2")
        metadata["tokenizer.ggml.tokens"] = .array(.strings(GGUFStrings(tokens)))
        metadata["tokenizer.ggml.token_type"] = .array(.int32(types))
        metadata["tokenizer.ggml.merges"] = .array(.strings(GGUFStrings(merges)))
        metadata["tokenizer.ggml.bos_token_id"] = .uint32(UInt32(special))
        metadata["tokenizer.ggml.eos_token_id"] = .uint32(UInt32(special + 2))
        metadata["tokenizer.ggml.padding_token_id"] = .uint32(UInt32(special))
        metadata["tokenizer.ggml.add_bos_token"] = .bool(false)
        metadata["tokenizer.chat_template"] = .text(Self.chatTemplate)
    }

    private static let chatTemplate = """
        {% for m in messages %}<|im_start|>{{m['role']}}
        {{m['content']}}<|im_end|>
        {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
        {% endif %}
        """
}
