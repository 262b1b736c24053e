#!/usr/bin/env python3
"""Makes the fixtures of TemplatesTests with Jinja itself (PyPI jinja2 3.1).

Templates run as the Python library transformers runs chat templates: sandboxed, nothing mutable,
trim_blocks, lstrip_blocks, loopcontrols, `tojson` without escapes for HTML. Without arguments it
writes Fixtures/cases.json and Fixtures/random.json beside it; with --check it only compares.
"""
import datetime, json, pathlib, random, sys, warnings
import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment
sys.dont_write_bytecode = True
from cases import CASES, FAILURES, CHATS

# Random templates index numbers, of which Python warns.
warnings.simplefilter("ignore", SyntaxWarning)

HERE = pathlib.Path(__file__).parent / "Fixtures"
DATE = datetime.datetime(2026, 2, 3, 4, 5, 6)


class Generation(Extension):
    """`{% generation %}`: marks what an assistant says; prints it as it is."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("_show", [])
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _show(self, caller):
        return caller()


def environment(optimized=True):
    env = ImmutableSandboxedEnvironment(
        optimized=optimized, trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(
            x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
        )

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda format: DATE.strftime(format)
    return env


def run(template, variables, optimized=True):
    """What Jinja prints, or None where it refuses."""
    try:
        return environment(optimized).from_string(template).render(**variables)
    except Exception:
        return None


def golden(name, template, variables):
    return {
        "name": name, "template": template, "variables": variables,
        "output": run(template, variables),
    }


# Random templates: a grammar over names that have values of every kind.

VARIABLES = {
    "s": "Hello, World", "t": "  a b\tc \n", "u": "Grüße 🙂 ñ", "e": "", "n": 7, "z": 0, "f": 2.5,
    "b": True, "w": False, "nil": None, "xs": [3, 1, 2], "ys": ["b", "A", "c", "b"], "os": [],
    "d": {"a": 1, "b": "two", "c": [1, 2], "items": "x"}, "od": {},
    "ms": [
        {"role": "system", "content": "Be brief. "},
        {"role": "user", "content": "What is 2 + 2?\n"},
        {"role": "assistant", "content": "<think>\nsum\n</think>\n\n4", "tool_calls": None},
        {"role": "user", "content": [{"type": "text", "text": "q"}]},
    ],
}
NAMES = list(VARIABLES) + ["missing", "other"]
TEXTS = ["'a'", "'b'", "' '", "'l'", "''", "'</think>'", "'role'", "'Hello'", "'\\n'", "', '"]
FILTERS = [
    "upper", "lower", "trim", "length", "first", "last", "list", "string", "int", "float", "abs",
    "tojson", "title", "capitalize", "reverse|list", "sort", "unique|list", "join", "join(', ')",
    "default('dflt')", "default('dflt', true)", "items|list", "replace('l', 'L')", "sum", "max",
    "min", "map('upper')|list", "map(attribute='role')|list", "selectattr('role')|list",
    "selectattr('role', 'equalto', 'user')|list|length", "rejectattr('role', 'eq', 'user')|list",
    "select('string')|list", "reject('none')|list", "indent(2)", "indent(2, true)", "dictsort",
    "tojson(indent=2)", "round", "round(1)", "wordcount", "truncate(8)", "batch(2)|list",
    "slice(2)|list", "center(12)", "e", "count", "d('x')", "tojson(sort_keys=true)",
    "tojson(ensure_ascii=true)", "sort(reverse=true)", "map('length')|list", "safe",
]
TESTS = [
    "defined", "undefined", "none", "string", "mapping", "iterable", "sequence", "number",
    "boolean", "true", "false", "integer", "float", "odd", "even", "callable", "upper", "lower",
    "not none", "not string", "in [1, 'a']", "divisibleby 2", "eq(7)", "ne 'a'", "not defined",
    "sameas true", "gt 1", "le(3)",
]
METHODS = [
    ".strip()", ".upper()", ".lower()", ".split()", ".split(' ')", ".split('l', 1)",
    ".rsplit('l', 1)", ".startswith('He')", ".endswith('d')", ".replace('l', '')", ".lstrip()",
    ".rstrip()", ".title()", ".find('o')", ".count('l')", ".split(',')[-1].strip()", ".keys()|list",
    ".items()|list", ".values()|list", ".get('a')", ".get('q', 5)", ".get('b', 'x')", ".a", ".b",
    "['a']", "[0]", "[-1]", "[1:]", "[:2]", "[::-1]", "[-3:-1]", "[::2]", "[5:1:-2]", ".role",
    "['role']", ".content", "[0].role", "[0]['content']", ".0", ".c[1]", ".splitlines()",
    ".isdigit()", ".partition(',')", ".capitalize()", ".strip('Hd')", ".zfill(9)", ".index('o')",
]
OPERATORS = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in",
             "and", "or", "**"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, items):
        return items[self.random.randrange(len(items))]

    def atom(self):
        kind = self.random.randrange(12)
        if kind < 6:
            return self.pick(NAMES)
        if kind < 8:
            return self.pick(TEXTS)
        if kind < 10:
            return str(self.random.randrange(-3, 12))
        if kind == 10:
            return self.pick(["1.5", "true", "none", "[1, 'x', none]", "(1, 2)", "{'k': 1}", "0.1"])
        return "range(%d)|list" % self.random.randrange(5)

    def expression(self, depth):
        if depth == 0:
            return self.atom()
        kind = self.random.randrange(14)
        inner = self.expression(depth - 1)
        if kind < 3:
            return "%s|%s" % (self.grouped(inner), self.pick(FILTERS))
        if kind < 6:
            method = self.pick(METHODS)
            # Jinja makes slices of constants that are no sequences undefined, of others errors.
            if ":" in method and not inner.isidentifier():
                return "(%s)%s" % (self.grouped(inner) + "|string", method)
            return self.grouped(inner) + method
        if kind < 8:
            return "%s %s %s" % (self.grouped(inner), self.pick(OPERATORS), self.grouped(self.atom()))
        if kind < 10:
            return "%s is %s" % (self.grouped(inner), self.pick(TESTS))
        if kind == 10:
            return "not " + self.grouped(inner)
        if kind == 11:
            return "%s if %s else %s" % (self.grouped(inner), self.grouped(self.atom()), self.atom())
        if kind == 12:
            return "[%s, %s]" % (inner, self.atom())
        return inner

    def grouped(self, text):
        return text if text.isidentifier() else "(%s)" % text

    def space(self):
        return self.pick(["", "", " ", "\n", "\n  ", "  \n", "x", "\t"])

    def tag(self, content, block=True):
        left, right = self.pick(["", "", "-", "+"]), self.pick(["", "", "-", "+"])
        if block:
            return "{%%%s %s %s%%}" % (left, content, right)
        left, right = left.replace("+", ""), right.replace("+", "")
        return "{{%s %s %s}}" % (left, content, right)

    def statement(self, depth):
        kind = self.random.randrange(12)
        if depth == 0 or kind < 4:
            return self.tag(self.expression(self.random.randrange(3)), block=False)
        body = self.body(depth - 1)
        if kind < 6:
            result = self.tag("if " + self.expression(1)) + body
            if self.random.randrange(2):
                result += self.tag("else") + self.body(depth - 1)
            return result + self.tag("endif")
        if kind < 9:
            items = self.pick(["xs", "ys", "ms", "d", "os", "d.items()", "range(3)", "s", "missing"])
            target = "k, v" if "items" in items else "x"
            test = self.pick(["", "", " if x", " if not loop"]) if target == "x" else ""
            test = test.replace(" if not loop", " if x != 2")
            extra = self.pick(["", "{{ loop.index0 }}", "{{ loop.last }}", "{% if loop.first %}F{% endif %}",
                               "{% if loop.index == 2 %}{% continue %}{% endif %}",
                               "{% if loop.index == 3 %}{% break %}{% endif %}",
                               "{{ loop.previtem|default('P') }}"])
            result = self.tag("for %s in %s%s" % (target, items, test)) + extra + body
            if self.random.randrange(4) == 0:
                result += self.tag("else") + "none"
            return result + self.tag("endfor")
        if kind == 9:
            name = self.pick(["v", "n", "q"])
            return self.tag("set %s = %s" % (name, self.expression(1))) + body + "{{ %s }}" % name
        if kind == 10:
            return self.tag("set q") + body + self.tag("endset") + "{{ q|length }}"
        return "{#" + self.pick(["", "-"]) + " note " + self.pick(["", "-"]) + "#}" + body

    def body(self, depth):
        return self.space().join([""] + [self.statement(depth) for _ in range(1 + self.random.randrange(2))] + [""])


# Where we differ on purpose: lazy sequences and functions have no text of their own, what is
# unsafe is undefined, and whole numbers are of 64 bits.
def is_comparable(output):
    return output is None or not any(
        word in output for word in ["<generator", "<built-in", "<bound", "dict_", "<LoopContext",
                                    "<reversed", "<jinja2", "LoopContext", "<method"]
    )


def random_cases(count):
    cases, seed, refusals = [], 0, 0
    while len(cases) < count:
        maker = Maker(seed)
        template = maker.body(2)
        result = golden("seed %d" % seed, template, {})
        del result["variables"]
        result["output"] = run(template, VARIABLES)
        seed += 1
        # Jinja's optimizer makes nothing of some constants that are refused otherwise.
        if not is_comparable(result["output"]) or result["output"] != run(template, VARIABLES, False):
            continue
        if result["output"] is None:
            # Enough of those that are refused; texts that come out say more.
            refusals += 1
            if refusals * 4 > count:
                continue
        cases.append(result)
    return {"variables": VARIABLES, "cases": cases}


def text(value):
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def main():
    files = {
        "cases.json": text(
            [golden(name, *case) for name, case in CASES.items()]
            + [golden(name, *case) for name, case in FAILURES.items()]
        ),
        "chats.json": text([golden(*chat) for chat in CHATS]),
        "random.json": text(random_cases(int(sys.argv[2]) if len(sys.argv) > 2 else 600)),
    }
    wrong = [n for n in FAILURES if run(*FAILURES[n]) is not None]
    wrong += [n for n in CASES if run(*CASES[n]) is None]
    if wrong:
        sys.exit("cases that do not do what they are listed for: %s" % wrong)
    if sys.argv[1:2] == ["--check"]:
        differ = [n for n, content in files.items() if (HERE / n).read_text() != content]
        sys.exit("these differ: %s" % differ if differ else 0)
    for name, content in files.items():
        (HERE / name).write_text(content)


if __name__ == "__main__":
    main()
