import Model
import Testing
import Tokenizer

@Suite("Text survives the way to tokens and back")
struct RoundTripTests {
    @Test("Byte-level BPE gives back any bytes", arguments: Fixture.byteLevelNames)
    func randomBytes(name: String) throws {
        let tokenizer = try Tokenizer(Fixture(name).vocabulary)
        for seed in UInt64(0)..<40 {
            var generator = SeededRandom(seed: seed)
            let count = Int.random(in: 0...300, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let ids = try tokenizer.encode(bytes, addSpecial: false, parseSpecial: true)
            #expect(tokenizer.decode(ids, includeSpecial: true) == bytes, "seed \(seed)")
        }
    }

    @Test("Any Unicode text comes back", arguments: Fixture.names)
    func randomUnicode(name: String) throws {
        let tokenizer = try Tokenizer(Fixture(name).vocabulary)
        for seed in UInt64(0)..<40 {
            let text = Self.text(seed: seed)
            let ids = try tokenizer.encode(text)
            #expect(String(decoding: tokenizer.decode(ids), as: UTF8.self) == text, "seed \(seed)")
        }
    }

    @Test("A drip-fed decoder says what decode says, in whole characters", arguments: Fixture.names)
    func dripFed(name: String) throws {
        let tokenizer = try Tokenizer(Fixture(name).vocabulary)
        for seed in UInt64(0)..<40 {
            let ids = try tokenizer.encode(Self.text(seed: seed))
            var decoder = StreamingDecoder(tokenizer)
            var streamed = ""
            for id in ids {
                let chunk = decoder.push(id)
                #expect(!chunk.unicodeScalars.contains("\u{FFFD}"), "seed \(seed)")
                streamed += chunk
            }
            #expect(decoder.finish().isEmpty)
            #expect(Array(streamed.utf8) == tokenizer.decode(ids), "seed \(seed)")
        }
    }

    @Test("Random tokens stream as decode says, repaired", arguments: Fixture.names)
    func randomTokens(name: String) throws {
        let tokenizer = try Tokenizer(Fixture(name).vocabulary)
        for seed in UInt64(0)..<40 {
            var generator = SeededRandom(seed: seed)
            let ids = (0..<200).map { _ in
                Int32.random(in: -1...Int32(tokenizer.vocabularyCount), using: &generator)
            }
            for (includeSpecial, continuing) in [(false, false), (true, true)] {
                var decoder = StreamingDecoder(
                    tokenizer,
                    includeSpecial: includeSpecial,
                    continuing: continuing
                )
                let streamed = ids.map { decoder.push($0) }.joined() + decoder.finish()
                let decoded = tokenizer.decode(
                    ids,
                    includeSpecial: includeSpecial,
                    continuing: continuing
                )
                let repaired = String(decoding: decoded, as: UTF8.self)
                #expect(Array(streamed.utf8) == Array(repaired.utf8), "seed \(seed)")
            }
        }
    }

    @Test("An emoji in many tokens appears once it is whole, and half an emoji as U+FFFD")
    func emoji() throws {
        let tokenizer = try Tokenizer(Fixture("gpt-2").vocabulary)
        // One token a byte, so that the decoder holds every prefix once.
        let ids = try "🦦".utf8.map { try #require(try tokenizer.encode([$0]).first) }
        var decoder = StreamingDecoder(tokenizer)
        #expect(ids.map { decoder.push($0) } == ["", "", "", "🦦"])
        #expect(ids.dropLast().map { decoder.push($0) } == ["", "", ""])
        #expect(decoder.push(ids[0]) == "\u{FFFD}")
        #expect(decoder.finish() == "\u{FFFD}")
        #expect(decoder.finish().isEmpty)
    }

    /// Characters of all planes and lengths, with more white space and ASCII than chance gives.
    static func text(seed: UInt64) -> String {
        var generator = SeededRandom(seed: seed)
        let ranges: [ClosedRange<UInt32>] = [
            0x20...0x7E, 0x20...0x7E, 0x00...0x7F, 0xA0...0x24F, 0x300...0x5FF, 0x900...0x1FFF,
            0x2000...0x2580, 0x3000...0xD7FF, 0xE000...0xFFFC, 0x1F300...0x1FAFF,
            0x10000...0x10FFFF,
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...200, using: &generator) {
            let range = ranges.randomElement(using: &generator) ?? 0x20...0x20
            if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &generator)) {
                text.append(scalar)
            }
            if Bool.random(using: &generator) {
                let count = Int.random(in: 0...3, using: &generator)
                text.append(contentsOf: [" ", "\n", "\t"].prefix(count))
            }
        }
        return String(text)
    }
}
