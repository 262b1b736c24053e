import JSON

/// Takes the calls of tools out of an answer while it is written.
///
/// Feed it every piece of text and then `finish`. Text that may become a call is held back; what
/// turns out to be none comes out as it was written, so only white space around calls is lost.
/// How the answer is cut into pieces changes nothing about all of it.
public struct ToolCallParser: Sendable {
    public enum Event: Equatable, Sendable {
        case text(String)
        case call(ToolCall)
    }

    private enum State {
        case text
        /// Behind the opening, as far as it was looked at.
        case call(JSONScan)
        /// Behind a call, before its closing tag.
        case closing
    }

    /// Longest call; what is longer comes out as text.
    public static let callByteLimit = 1 << 20
    private static let closing = Array("</tool_call>".utf8)

    private let format: ToolCallFormat
    private let opening: [UInt8]
    private var held: [UInt8] = []
    private var state = State.text
    /// Whether a call came last, and not text.
    private var isBehindCall = false

    public init(_ format: ToolCallFormat) {
        self.format = format
        opening = Array(format.opening.utf8)
    }

    /// What can be told now.
    public mutating func push(_ text: String) -> [Event] {
        held += text.utf8
        var events: [Event] = []
        while advance(&events) {}
        return events
    }

    /// What is left when the answer ends.
    public mutating func finish() -> [Event] {
        defer { held = [] }
        switch state {
        case .text: return isBehindCall && Self.isBlank(held[...]) ? [] : Self.text(held[...])
        case .call: return Self.text((opening + held)[...])
        case .closing: return Self.isBlank(held[...]) ? [] : Self.text(held[...])
        }
    }

    /// - Returns: whether there may be more to do.
    private mutating func advance(_ events: inout [Event]) -> Bool {
        switch state {
        case .text: return takeText(&events)
        case .call(var scan):
            switch scan.goOn(in: held) {
            case .open where held.count <= Self.callByteLimit:
                state = .call(scan)
                return false
            case .open, .malformed: giveUp(&events)
            case .closed(let end): takeCall(end, &events)
            }
            return true
        case .closing: return takeClosing()
        }
    }

    /// Lets out what is before the next call, or as much as can be no beginning of one.
    private mutating func takeText(_ events: inout [Event]) -> Bool {
        let start = Text(bytes: held).firstRange(of: Text(bytes: opening))?.lowerBound
        let end = start ?? held.count - Self.overlap(of: held, with: opening)
        var ready = held[..<end]
        // White space in front of a call goes with it.
        while let last = ready.last, Self.isSpace(last) { ready.removeLast() }
        if !ready.isEmpty {
            let skipped = isBehindCall ? ready.prefix(while: Self.isSpace).count : 0
            events += Self.text(ready.dropFirst(skipped))
            isBehindCall = false
        }
        guard let start else {
            held = Array(held[ready.endIndex...])
            return false
        }
        held = Array(held[(start + opening.count)...])
        state = .call(JSONScan())
        return true
    }

    private mutating func takeCall(_ end: Int, _ events: inout [Event]) {
        guard let calls = Self.calls(in: held[..<end]) else { return giveUp(&events) }
        events += calls.map { .call($0) }
        held = Array(held[end...])
        isBehindCall = true
        state = format == .tagged ? .closing : .text
    }

    /// What looked like a call is text, up to where the next one may begin.
    private mutating func giveUp(_ events: inout [Event]) {
        events += Self.text(opening[...])
        isBehindCall = false
        state = .text
    }

    private mutating func takeClosing() -> Bool {
        let rest = held.drop(while: Self.isSpace)
        if rest.starts(with: Self.closing) {
            held = Array(rest.dropFirst(Self.closing.count))
        } else if rest.count < Self.closing.count, Self.closing.starts(with: rest) {
            return false
        }
        state = .text
        return true
    }

    // MARK: Bytes

    /// One call, or a list of them; nil where it is anything else.
    private static func calls(in json: ArraySlice<UInt8>) -> [ToolCall]? {
        do throws(JSONError) {
            let value = try TemplateValue(json: Array(json))
            let values = value.list ?? [value]
            let calls = values.compactMap { ToolCall($0) }
            return calls.count == values.count && !calls.isEmpty ? calls : nil
        } catch {
            return nil
        }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> [Event] {
        bytes.isEmpty ? [] : [.text(String(decoding: bytes, as: UTF8.self))]
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    private static func isBlank(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.allSatisfy(isSpace) }

    /// The longest end of `bytes` that is a beginning of `text`, but not all of it.
    private static func overlap(of bytes: [UInt8], with text: [UInt8]) -> Int {
        let longest = min(bytes.count, text.count - 1)
        guard longest > 0 else { return 0 }
        return (1...longest).reversed().first { text.starts(with: bytes.suffix($0)) } ?? 0
    }
}

/// Looks for the end of a JSON object or list in bytes that grow.
struct JSONScan {
    enum Progress: Equatable {
        case open
        /// Behind its last byte.
        case closed(Int)
        case malformed
    }

    private var position = 0
    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    /// Looks at what has come since it looked last.
    mutating func goOn(in bytes: [UInt8]) -> Progress {
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth <= 0 { return depth < 0 ? .malformed : .closed(position) }
            case UInt8(ascii: "\""): isInString = depth > 0
            case 0x20, 0x0A, 0x0D, 0x09: continue
            default: break
            }
            guard depth > 0 else { return .malformed }
        }
        return .open
    }
}
