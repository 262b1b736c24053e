import Foundation
import Settings
import Testing

@Suite("A file of tasks")
struct TasksFileTests {
    private static let text = """
        tasks:
          code:
            keywords: def class, Return
          questions:
            keywords: what why snake_case
        """

    @Test(
        "tells a prompt's task by its words",
        arguments: [
            ("def f(x):\n  return x", "code"),
            ("What is a class, and why?", "questions"),
            // One each: the first by name.
            ("WHY RETURN", "code"),
            ("snake_case snake case", "questions"),
            ("defer classes", nil), ("", nil), ("\u{0} \u{1F600}", nil),
        ]
    )
    func tasks(prompt: String, task: String?) throws {
        let file = try withFile(Self.text) { try TasksFile(path: $0) }
        #expect(file.names == ["code", "questions"])
        #expect(file.task(of: prompt) == task)
    }

    @Test(
        "with a slip is refused with the key",
        arguments: [
            ("tasks:\n  a:\n    keyword: b", "tasks.a.keyword", "did you mean tasks.a.keywords?"),
            ("tasks:\n  a:\n    keywords: \", ;\"", "tasks.a.keywords", "one at least"),
            ("tasks:\n  a:\n    keywords: b\ncost: 3", "unknown setting cost", "remove it"),
            ("other: 1", "describes no tasks", "malformed"),
        ]
    )
    func refused(text: String, key: String, reason: String) throws {
        let error = try withFile(text) { path in
            settingsError { _ = try TasksFile(path: path) }
        }
        #expect(error?.description.contains(key) == true, "\(String(describing: error))")
        #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
    }

    @Test("that is shown in Config can be read")
    func shown() throws {
        let top = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = try TasksFile(path: top.appending(path: "Config/tasks.yaml").path)
        #expect(file.names == ["code", "conversation", "questions", "summary"])
        #expect(file.task(of: "Please summarise this article") == "summary")
    }
}
