/// Watches generated text for stop texts, holding back what may become one.
package struct StopTexts: Sendable {
    private let texts: [[UInt8]]
    /// Text that is the beginning of a stop text so far.
    private var held: [UInt8] = []

    package init(_ texts: [String]) {
        self.texts = texts.map { Array($0.utf8) }.filter { !$0.isEmpty }
    }

    /// Takes the next piece of text.
    ///
    /// - Returns: what can be printed now, and whether a stop text was met, which ends it.
    package mutating func push(_ text: String) -> (printable: String, stopped: Bool) {
        guard !texts.isEmpty else { return (text, false) }
        held += Array(text.utf8)
        if let start = texts.compactMap({ Self.position(of: $0, in: held) }).min() {
            let printable = held[..<start]
            held = []
            return (String(decoding: printable, as: UTF8.self), true)
        }
        let kept = texts.map { Self.overlap(of: held, with: $0) }.max() ?? 0
        let printable = held.dropLast(kept)
        held = Array(held.suffix(kept))
        return (String(decoding: printable, as: UTF8.self), false)
    }

    /// What was held back when generation ends for another reason.
    package mutating func finish() -> String {
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }

    private static func position(of text: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= text.count else { return nil }
        return (0...bytes.count - text.count).first { bytes[$0...].starts(with: text) }
    }

    /// The longest end of `bytes` that is a proper beginning of `text`.
    private static func overlap(of bytes: [UInt8], with text: [UInt8]) -> Int {
        let longest = min(bytes.count, text.count - 1)
        guard longest > 0 else { return 0 }
        return (1...longest).reversed().first { text.starts(with: bytes.suffix($0)) } ?? 0
    }
}
