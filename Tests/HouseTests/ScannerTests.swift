import Testing

@Suite("What counts as code")
struct ScannerTests {
    @Test(
        "Comments and literals of Swift become spaces",
        arguments: [
            ("a // b", "a     "),
            ("a /* b /* c */ d */ e", "a                   e"),
            (#"a "b" c"#, "a     c"),
            (#"a "\"b" c"#, "a       c"),
            (##"a #"b"c"# d"##, "a         d"),
            (##"a "b\(c("d)"))e" f"##, "a                f"),
            ("a \"\"\"\nb \" c\n\"\"\" d", "a    \n     \n    d"),
            ("#if a\nb", "#if a\nb"),
            ("a \"b\nc", "a   \nc"),
        ]
    )
    func swift(text: String, code: String) {
        #expect(CodeScanner.code(of: text, language: .swift) == code)
    }

    @Test(
        "Comments and literals of C become spaces",
        arguments: [
            ("a '\"' b", "a     b"),
            ("a '\\'' b", "a      b"),
            ("a /* /* */ b", "a          b"),
            ("#x \"{\" }", "#x     }"),
        ]
    )
    func c(text: String, code: String) {
        #expect(CodeScanner.code(of: text, language: .c) == code)
    }

    @Test("Text that ends in the middle of anything is no trouble")
    func truncated() {
        let text = ##"a /* b */ "c\(d("e"))" #"f\#(g)"# """h""" '"##
        for count in 0...text.count {
            let prefix = String(text.prefix(count))
            for language in [CodeScanner.Language.swift, .c] {
                let code = CodeScanner.code(of: prefix, language: language)
                #expect(code.utf8.count == prefix.utf8.count)
            }
        }
    }
}
