/// Cuts text into the pieces within which byte-level BPE merges.
///
/// The pieces are those of PyPI `tokenizers` for the models that each name stands for, and of
/// llama.cpp, whose names and aliases these are. Contractions are those of llama.cpp: they do not
/// take "ſ" for an "s".
struct PreTokenizer: Sendable {
    /// Applied one after another, each to the pieces that the one before it left.
    private let stages: [Pattern]
    /// Whether a piece that is a token as it stands becomes that token without merging.
    let takesWholePieces: Bool
    /// Whether a text begins with BOS when the vocabulary does not say.
    let addsBOS: Bool

    /// Takes `tokenizer.ggml.pre`; files from before that key existed mean "default".
    init(named name: String?) throws(TokenizerError) {
        let name = name ?? "default"
        guard let patterns = Self.patterns[name] else {
            throw .unknownPreTokenizer(name, known: Self.patterns.keys.sorted())
        }
        var stages: [Pattern] = []
        for pattern in patterns {
            stages.append(try Pattern(Self.expand(pattern)))
        }
        self.stages = stages
        takesWholePieces = Self.llama3Names.contains(name)
        addsBOS = takesWholePieces
    }

    /// The pieces of a range of well-formed UTF-8, in order and without loss.
    func pieces(
        of text: [UInt8],
        in range: Range<Int>
    ) throws(TokenizerError) -> [Range<Int>] {
        var pieces = [range]
        for stage in stages {
            var cut: [Range<Int>] = []
            cut.reserveCapacity(pieces.count)
            for piece in pieces {
                try stage.cut(text, in: piece, into: &cut)
            }
            pieces = cut
        }
        return pieces
    }
}

extension PreTokenizer {
    /// Names that mean Llama 3's own tokenizer, which is more than its pattern.
    private static let llama3Names: Set = [
        "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
    ]

    /// The patterns by the name under which a model file asks for them.
    private static let patterns: [String: [String]] = {
        var patterns: [String: [String]] = [:]
        func define(_ names: some Sequence<String>, _ stages: String...) {
            for name in names {
                patterns[name] = stages
            }
        }
        define(
            ["gpt-2", "olmo", "mpt", "phi-2", "jais", "trillion", "exaone4", "granite-docling"]
                + ["gigachat", "mellum", "a.x-4.0"],
            gpt2
        )
        define(
            ["qwen2", "deepseek-r1-qwen", "kormo", "megrez", "stablelm2", "hunyuan", "solar-open"]
                + ["grok-2", "bailingmoe", "bailingmoe2", "llada-moe"],
            words(letter: #"\p{L}"#, digits: #"\p{N}"#)
        )
        define(["qwen35"], words(letter: #"\p{L}\p{M}"#, digits: #"\p{N}"#))
        define(
            llama3Names.union(["dbrx", "smaug-bpe", "glm4", "chatglm-bpe"]),
            words(letter: #"\p{L}"#, digits: #"\p{N}{1,3}"#)
        )
        define(
            ["starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b"]
                + ["mellum2"],
            #"\p{N}"#,
            gpt2
        )
        define(["falcon"], #"[\p{P}$+<=>^~|`]+"#, gpt2, "[0-9][0-9][0-9]")
        define(["default"], #"[\p{P}$+<=>^~|]+"#, gpt2, #"\p{N}+"#, "[0-9][0-9][0-9]")
        define(
            ["deepseek-coder"],
            #"[\r\n]"#,
            #"\s?\p{L}+"#,
            #"\s?\p{P}+"#,
            #"[\x{800}-\x{9FA5}\x{AC00}-\x{D7FF}]+"#,
            #"\p{N}"#
        )
        define(
            ["deepseek-v3", "hunyuan-dense", "joyai-llm"],
            #"\p{N}{1,3}"#,
            #"[\x{4E00}-\x{9FA5}\x{3040}-\x{30FF}]+"#,
            #"[!-\/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"#
                + #"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        )
        return patterns
    }()

    private static let gpt2 =
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    /// The shape that GPT-4's tokenizer began.
    ///
    /// Words may begin with one character that is neither letter nor digit, and punctuation keeps
    /// the line ends behind it.
    private static func words(letter: String, digits: String) -> String {
        #"'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])"#
            + #"|[^\r\n\p{L}\p{N}]?[\#(letter)]+|\#(digits)"#
            + #"| ?[^\s\#(letter)\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }

    /// Spells out what `\s` and `\S` mean to the engines that these patterns were written for.
    ///
    /// PCRE2's own `\s` also takes U+180E, which is not white space any more.
    private static func expand(_ pattern: String) -> String {
        pattern
            .replacing(#"\s"#, with: #"\p{White_Space}"#)
            .replacing(#"\S"#, with: #"\P{White_Space}"#)
    }
}
