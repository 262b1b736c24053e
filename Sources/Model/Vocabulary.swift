/// The tokenizer's section of a model file, as it stands there.
public struct Vocabulary: Equatable, Sendable {
    /// `tokenizer.ggml.model`: "gpt2" is byte-level BPE, "llama" is SentencePiece-style BPE.
    public var model: String
    /// `tokenizer.ggml.pre`: how byte-level BPE cuts text before merging.
    public var preTokenizer: String?
    /// The text of each token, by id.
    public var tokens: [[UInt8]]
    /// GGML's token types by id; empty where the file has none.
    ///
    /// 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte.
    public var types: [Int32]
    /// By id; the higher score merges first.
    ///
    /// Empty where the file has none.
    public var scores: [Float]
    /// Pairs "left right" in order of rank.
    public var merges: [[UInt8]]
    public var bos: Int?
    public var eos: Int?
    public var eot: Int?
    public var unknown: Int?
    public var padding: Int?
    public var addsBOS: Bool?
    public var addsEOS: Bool?
    public var addsSpacePrefix: Bool?

    public init(
        model: String,
        preTokenizer: String? = nil,
        tokens: [[UInt8]],
        types: [Int32] = [],
        scores: [Float] = [],
        merges: [[UInt8]] = [],
        bos: Int? = nil,
        eos: Int? = nil,
        eot: Int? = nil,
        unknown: Int? = nil,
        padding: Int? = nil,
        addsBOS: Bool? = nil,
        addsEOS: Bool? = nil,
        addsSpacePrefix: Bool? = nil
    ) {
        self.model = model
        self.preTokenizer = preTokenizer
        self.tokens = tokens
        self.types = types
        self.scores = scores
        self.merges = merges
        self.bos = bos
        self.eos = eos
        self.eot = eot
        self.unknown = unknown
        self.padding = padding
        self.addsBOS = addsBOS
        self.addsEOS = addsEOS
        self.addsSpacePrefix = addsSpacePrefix
    }
}
