import Generation
import Inference
import Model
import Testing

@Suite("Stop texts")
struct StopTextsTests {
    /// What is printed of pieces, and whether a stop text ended them.
    private func print(_ pieces: [String], stops: [String]) -> (String, Bool) {
        var watcher = StopTexts(stops)
        var printed = ""
        for piece in pieces {
            let (text, stopped) = watcher.push(piece)
            printed += text
            if stopped { return (printed, true) }
        }
        return (printed + watcher.finish(), false)
    }

    @Test("A stop text is met across any borders of tokens")
    func borders() {
        let text = "Hello wörld 🦊 END and more"
        let characters = text.map(String.init)
        for size in 1...characters.count {
            let pieces = stride(from: 0, to: characters.count, by: size).map {
                characters[$0..<min($0 + size, characters.count)].joined()
            }
            #expect(print(pieces, stops: ["END"]) == ("Hello wörld 🦊 ", true))
            #expect(print(pieces, stops: ["🦊 E"]) == ("Hello wörld ", true))
            #expect(print(pieces, stops: ["FIN"]) == (text, false))
        }
    }

    @Test("The stop text that begins first wins")
    func overlapping() {
        #expect(print(["abcdef"], stops: ["cd", "bcde", "ef"]) == ("a", true))
        #expect(print(["aab"], stops: ["ab"]) == ("a", true))
        #expect(print(["a", "a", "a", "b"], stops: ["aab"]) == ("a", true))
    }

    @Test("What may become a stop text is held back, and printed when it does not")
    func held() {
        var watcher = StopTexts(["<end>"])
        #expect(watcher.push("one <e").printable == "one ")
        #expect(watcher.push("n").printable == "")
        #expect(watcher.push("try>").printable == "<entry>")
        #expect(watcher.push("<").printable == "")
        #expect(watcher.finish() == "<")
        #expect(watcher.finish() == "")
    }

    @Test("Without stop texts, or with empty ones, everything is printed at once")
    func none() {
        #expect(print(["a", "", "b"], stops: []) == ("ab", false))
        #expect(print(["ab"], stops: [""]) == ("ab", false))
    }

    @Test("Whatever the pieces, the text before the first stop text is printed")
    func random() {
        let seed: UInt64 = 5
        Swift.print("stop texts: seed \(seed)")
        var random = SeededRandom(seed: seed)
        for round in 0..<300 {
            let text = String((0..<40).map { _ in "abä".randomElement(using: &random) ?? "a" })
            let stop = String((0..<3).map { _ in "abä".randomElement(using: &random) ?? "a" })
            var pieces: [String] = []
            var rest = text[...]
            while !rest.isEmpty {
                let count = Int.random(in: 0...5, using: &random)
                pieces.append(String(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let found = text.firstRange(of: stop)
            let expected = found.map { String(text[..<$0.lowerBound]) } ?? text
            #expect(print(pieces, stops: [stop]) == (expected, found != nil), "round \(round)")
        }
    }
}
