import Foundation
import Fuzzing

/// Requests that fuzzing starts from: between them they have every field.
enum RequestSeeds {
    static func all() -> [Seed] {
        bodies.enumerated().map { index, seed in
            Seed(
                fuzzer: "http",
                name: "seed-\(index)",
                bytes: RequestProbe.input(seed.kind, body: Array(seed.body.utf8))
            )
        }
    }

    private static let bodies: [(kind: RequestProbe.Kind, body: String)] = [
        (.completion, #"{"prompt":"NAME","max_tokens":16,"n":2,"seed":-1,"user":"a"}"#),
        (
            .completion,
            #"{"prompt":[[1,2],"a"],"stream":true,"stream_options":{"include_usage":true}}"#
        ),
        (
            .completion,
            #"{"prompt":[1,2,3],"temperature":0.5,"top_p":1,"min_p":0.05,"top_k":-1,"logprobs":3}"#
        ),
        (
            .completion,
            #"{"prompt":"a","presence_penalty":2,"frequency_penalty":-2,"repetition_penalty":1.1,"#
                + #""logit_bias":{"7":-100,"8":1.5},"stop":["x","y"],"stop_token_ids":[1],"#
                + #""min_tokens":1,"ignore_eos":true,"task":"t","priority":-3,"best_of":1}"#
        ),
        (.completion, #"{"prompt":"\ud83d\ude00\u0000","response_format":{"type":"json_object"}}"#),
        (
            .completion,
            #"{"prompt":"a","response_format":{"type":"json_schema","json_schema":{"name":"r","#
                + #""strict":true,"schema":{"$defs":{"M":{"enum":["a","ab",1,null]},"#
                + #""P":{"type":"object","properties":{"x":{"type":"integer"},"#
                + #""y":{"type":"number"}},"#
                + #""required":["x"],"additionalProperties":false}},"type":"object","properties":"#
                + ##"{"m":{"$ref":"#/$defs/M"},"p":{"type":"array","items":{"$ref":"#/$defs/P"},"##
                + #""minItems":1,"maxItems":2},"t":{"anyOf":[{"type":"string"},{"type":"null"}]},"#
                + #""b":{"type":["boolean","null"]},"any":true},"required":["m","p"]}}}}"#
        ),
        (
            .taggedChat,
            #"{"messages":[{"role":"system","content":"a"},{"role":"user","#
                + #""content":[{"type":"text","text":"b"}]}],"max_completion_tokens":8,"#
                + #""logprobs":true,"top_logprobs":2,"#
                + #""modalities":["text"],"store":false,"service_tier":"auto"}"#
        ),
        (
            .taggedChat,
            #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":null,"#
                + #""tool_calls":[{"id":"1","type":"function","function":{"name":"f","#
                + #""arguments":"{\"a\":1}"}}]},{"role":"tool","content":"b","tool_call_id":"1"}],"#
                + #""tools":["# + tool + #"],"tool_choice":"auto","chat_template_kwargs":{"k":1}}"#
        ),
        (
            .listedChat,
            #"{"messages":[{"role":"developer","content":"a"}],"tools":["# + tool
                + #",{"type":"function","function":{"name":"g"}}],"parallel_tool_calls":false}"#
        ),
        (
            .taggedChat,
            #"{"messages":[{"role":"user","content":"a"}],"tools":["# + tool
                + #"],"tool_choice":{"type":"function","function":{"name":"f"}}}"#
        ),
        (
            .listedChat,
            #"{"messages":[{"role":"user","content":"a"}],"tools":["# + tool
                + #",{"type":"function","function":{"name":"g"}}],"tool_choice":"required"}"#
        ),
        (.template, #"{"messages":[{"role":"user","content":"a","name":"n"}]}"#),
        (.tokenize, #"{"content":"a","add_special":true,"parse_special":false}"#),
        (.detokenize, #"{"tokens":[0,1,32767]}"#),
    ]

    private static let tool =
        #"{"type":"function","function":{"name":"f","description":"d","strict":true,"#
        + #""parameters":{"type":"object","properties":{"c":{"enum":["x","y"]}},"required":["c"],"#
        + #""additionalProperties":false}}}"#
}

/// Chat templates that fuzzing starts from: those of families, with a conversation that calls a
/// tool, and a few of what is rarer.
enum ChatSeeds {
    static func all() throws -> [Seed] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "TemplatesTests/Fixtures/chats")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        var seeds = try names.map { name in
            let source = try Data(contentsOf: folder.appending(path: name))
            return Seed(
                fuzzer: "templates",
                name: "seed-\(name.prefix { $0 != "." })",
                bytes: ChatProbe.input(template: Array(source), conversation: [])
            )
        }
        for (index, source) in sources.enumerated() {
            let bytes = ChatProbe.input(
                template: Array(source.utf8),
                conversation: Array(conversation.utf8)
            )
            seeds.append(Seed(fuzzer: "templates", name: "seed-\(index)", bytes: bytes))
        }
        return seeds
    }

    private static let sources = [
        #"{% for m in messages %}{% for c in m.tool_calls or [] %}<tool_call>"#
            + #"{{ c.function | tojson }}</tool_call>{% else %}{{ m.content }}{% endfor %}"#
            + "{% endfor %}",
        #"[TOOL_CALLS] [{{ messages[1].tool_calls[0].function | tojson(indent=2) }}]"#,
        #"{% macro f(a, b='x') %}{{ a ~ b }}{% endmacro %}{% set n = namespace(i=0) %}"#
            + #"{% for m in messages[::-1] if m.role != 'tool' %}{% set n.i = n.i + loop.index0 %}"#
            + #"{{ f(m.role|upper, n.i) }}{% if loop.last %}{% break %}{% endif %}{% endfor %}"#,
        #"{% filter trim %}{% with x = 'a,b'.split(',') %}{{ x|join('-')|replace('a', 'c') }}"#
            + #"{{ '%s:%d' % ('q', 3) }}{{ strftime_now('%d %b %Y') }}{% endwith %}"#
            + "{% endfilter %}",
        #"{{ messages|selectattr('role', 'equalto', 'user')|map(attribute='content')|list }}"#
            + #"{{ {'b': 1, 'a': [2.5, none]}|dictsort }}{{ 7 // 2 ** 2 }}{{ range(3)|list }}"#,
    ]

    private static let conversation =
        #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":null,"#
        + #""tool_calls":[{"id":"1","type":"function","function":{"name":"f","#
        + #""arguments":"{\"a\": 1}"}}]},{"role":"tool","content":"b","tool_call_id":"1"}],"#
        + #""tools":[{"type":"function","function":{"name":"f"}}],"enable_thinking":false}"#
}
