import Templates
import Testing

@Suite("Limits of templates")
struct LimitTests {
    private func problem(
        of source: String,
        _ variables: TemplateDictionary = [:],
        limits: Limits = Limits()
    ) -> TemplateError.Problem? {
        do throws(TemplateError) {
            _ = try Template(source, limits: limits).render(variables)
            return nil
        } catch {
            return error.problem
        }
    }

    @Test("A template that is too long is refused before it is read")
    func source() {
        var limits = Limits()
        limits.sourceByteCount = 10
        #expect(problem(of: "0123456789", limits: limits) == nil)
        #expect(
            problem(of: "0123456789a", limits: limits) == .tooLong(byteCount: 11, limit: 10)
        )
    }

    @Test(
        "What is nested too deep is refused, whatever it is made of",
        arguments: [
            ("(", "1", ")"), ("[", "1", "]"), ("{1: ", "1", "}"), ("not ", "1", ""),
            ("- ", "1", ""), ("x[", "1", "]"), ("f(", "1", ")"), ("1|default(", "1", ")"),
            ("1 if 1 else ", "1", ""), ("x.y(a=", "1", ")"), ("x[1:", "1", "]"),
        ]
    )
    func nestedExpression(left: String, middle: String, right: String) {
        let expression =
            String(repeating: left, count: 20_000) + middle
            + String(repeating: right, count: 20_000)
        let limits = Limits()
        #expect(problem(of: "{{ \(expression) }}") == .tooDeep(limit: limits.depth))
    }

    @Test(
        "Chains grow deep as well",
        arguments: [
            " + 1", " * 1", " ** 1", " and 1", " or 1", ".a", "[0]", "|abs", "()",
        ]
    )
    func chains(link: String) {
        let expression = "x" + String(repeating: link, count: 20_000)
        #expect(problem(of: "{{ \(expression) }}") == .tooDeep(limit: Limits().depth))
    }

    @Test(
        "Tags nest to a limit",
        arguments: [
            ("{% if 1 %}", "{% endif %}"), ("{% for x in [1] %}", "{% endfor %}"),
            ("{% set x %}", "{% endset %}"), ("{% with %}", "{% endwith %}"),
            ("{% macro f() %}", "{% endmacro %}"), ("{% filter upper %}", "{% endfilter %}"),
            ("{% generation %}", "{% endgeneration %}"),
        ]
    )
    func nestedTags(open: String, close: String) {
        let source = String(repeating: open, count: 5000) + String(repeating: close, count: 5000)
        #expect(problem(of: source) == .tooDeep(limit: Limits().depth))
    }

    @Test("As deep as the limit allows is fine, for every kind of nesting")
    func deepButFine() {
        let depth = 50
        let parentheses =
            String(repeating: "(", count: depth) + "1" + String(repeating: ")", count: depth)
        #expect(problem(of: "{{ \(parentheses) }}") == nil)
        let tags =
            String(repeating: "{% if 1 %}", count: depth)
            + String(repeating: "{% endif %}", count: depth)
        #expect(problem(of: tags) == nil)
    }

    @Test("A macro that calls itself for ever ends at the depth")
    func recursion() {
        let depth = Limits().depth
        #expect(
            problem(of: "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}") == .tooDeep(limit: depth)
        )
        let mutual = """
            {% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}
            """
        #expect(problem(of: mutual) == .tooDeep(limit: depth))
    }

    @Test("Values that grow deeper in a loop end at the depth")
    func nestedValues() {
        let depth = Limits().depth
        for wrapped in ["[ns.x]", "{1: ns.x}", "(ns.x,)", "{'a': [ns.x]}", "[ns.x, ns.x]|list"] {
            let source = """
                {% set ns = namespace(x=1) %}{% for i in range(99999) %}\
                {% set ns.x = \(wrapped) %}{% endfor %}
                """
            #expect(problem(of: source) == .tooDeep(limit: depth), "\(wrapped)")
        }
    }

    @Test("Values that are given too deep are refused")
    func deepVariables() {
        var value: TemplateValue = 1
        for _ in 0..<500 { value = [value] }
        #expect(problem(of: "x", ["v": value]) == .tooDeep(limit: Limits().depth))
    }

    @Test("Loops in loops end at the limit of steps")
    func steps() {
        let source = """
            {% for a in range(99999) %}{% for b in range(99999) %}{% if a %}{% endif %}\
            {% endfor %}{% endfor %}
            """
        var limits = Limits()
        limits.steps = 100_000
        #expect(problem(of: source, limits: limits) == .tooManySteps(limit: 100_000))
    }

    @Test(
        "Looking at long texts costs steps",
        arguments: ["'b' in s", "s == s", "s|length", "s|upper"]
    )
    func longTexts(expression: String) {
        var limits = Limits()
        limits.valueByteCount = 1 << 40
        let text = TemplateValue.string(String(repeating: "a", count: 1_000_000))
        let source = "{% for i in range(99999) %}{% set x = \(expression) %}{% endfor %}"
        #expect(
            problem(of: source, ["s": text], limits: limits) == .tooManySteps(limit: limits.steps)
        )
    }

    @Test("Output ends at its limit")
    func output() {
        var limits = Limits()
        limits.outputByteCount = 1000
        let source = "{% for i in range(500) %}abc{% endfor %}"
        #expect(problem(of: source, limits: limits) == .tooMuchOutput(limit: 1000))
        let captured = "{% set x %}\(source){% endset %}"
        #expect(problem(of: captured, limits: limits) == .tooMuchOutput(limit: 1000))
    }

    @Test(
        "What would take too much memory is refused before it takes it",
        arguments: [
            "{{ 'a' * 99999999999 }}", "{{ [1] * 99999999999 }}",
            "{{ ('ab' * 9223372036854775807) }}",
            "{{ [1, 2] * 9223372036854775807 }}", "{{ 'a'.ljust(99999999999) }}",
            "{{ 'a'.zfill(9223372036854775807) }}", "{{ 'a'|center(99999999999) }}",
            "{{ ('a' * 9999999)|replace('a', 'b' * 9999999) }}",
            "{{ ('a' * 9999999).replace('', 'b' * 9999999) }}",
            "{{ ('a' * 9999999)|list }}", "{{ ('a ' * 9999999).split() }}",
            "{{ ('\\n' * 9999999)|indent('x' * 9999) }}",
            "{{ ('\\n' * 9999999)|tojson|tojson|tojson|tojson }}",
            "{{ (['a'] * 999999)|join('b' * 99999) }}",
            "{% set ns = namespace(s='a') %}"
                + "{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
            "{% set ns = namespace(s='a') %}"
                + "{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
            "{% set ns = namespace(s=[1]) %}"
                + "{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
            "{{ '%s%s' % ('a' * 99999999, 'b' * 99999999) }}",
            "{% set x = ('a' * 9999999,) * 20 %}{{ x|map('string')|list|length }}",
        ]
    )
    func memory(source: String) {
        let limit = Limits().valueByteCount
        #expect(problem(of: source) == .tooMuchMemory(limit: limit), "\(source)")
    }

    @Test(
        "Numbers that leave 64 bits are refused",
        arguments: [
            "9223372036854775807 + 1", "-9223372036854775807 - 2", "9223372036854775807 * 2",
            "2 ** 64", "10 ** 9223372036854775807", "(0 - 9223372036854775807 - 1) // -1",
            "99999999999999999999", "-(0 - 9223372036854775807 - 1)", "1e300|int",
            "(0 - 9223372036854775807 - 1)|abs",
        ]
    )
    func overflow(expression: String) {
        guard case .notInRange = problem(of: "{{ \(expression) }}") else {
            Issue.record("\(expression) was taken")
            return
        }
    }

    @Test(
        "Extreme places and steps of slices and ranges are fine",
        arguments: [
            "'abc'[9223372036854775807]", "'abc'[-9223372036854775807:9223372036854775807]",
            "[1, 2][::9223372036854775807]", "[1, 2][::-9223372036854775807]", "[][-1:1:-1]",
            "range(0, 9223372036854775807, 9223372036854775807)|list",
            "range(-9223372036854775807, 5, 9223372036854775807)|list",
            "(0 - 9223372036854775807 - 1) % -1", "1 ** 9223372036854775807",
            "'a'|truncate(9223372036854775807, leeway=0)",
        ]
    )
    func extremes(expression: String) {
        #expect(problem(of: "{{ \(expression) }}") == nil)
    }

    @Test("A range has a longest length")
    func range() {
        #expect(problem(of: "{{ range(100000)|length }}") == nil)
        let limit = Limits().rangeCount
        #expect(
            problem(of: "{{ range(100001)|length }}") == .rangeTooLong(count: 100_001, limit: limit)
        )
        #expect(
            problem(of: "{{ range(-9223372036854775807, 9223372036854775807) }}")
                == .rangeTooLong(count: .max, limit: limit)
        )
    }
}
