import Foundation
import Settings
import Testing

@Suite("Where a setting comes from")
struct PrecedenceTests {
    @Test("Command line wins over environment, environment over file, file over default")
    func order() throws {
        let text = """
            coordinator:
              threads: 3
              queued-jobs: 30
              running-jobs: 31
            """
        try withFile(text) { path in
            let settings = try CoordinatorSettings.load(
                commandLine: ["coordinator.threads": "1"],
                file: path,
                surroundings: surroundings([
                    "MOIETY_COORDINATOR_THREADS": "2",
                    "MOIETY_COORDINATOR_QUEUED_JOBS": "20",
                ])
            )
            #expect(settings.threadCount == 1)
            #expect(settings.queuedJobCount == 20)
            #expect(settings.runningJobCount == 31)
            #expect(settings.prefillRowCount == 256)

            let described = settings.describe()
            #expect(described["coordinator.threads"]?.origin == .commandLine)
            #expect(
                described["coordinator.queued-jobs"]?.origin
                    == .environment(name: "MOIETY_COORDINATOR_QUEUED_JOBS")
            )
            #expect(described["coordinator.running-jobs"]?.origin == .file(path: path))
            #expect(described["coordinator.prefill-rows"]?.origin == .builtIn)
        }
    }

    @Test("An empty value counts as not given, wherever it stands")
    func emptyFallsThrough() throws {
        try withFile("worker:\n  threads: 4\n  load-threads:\n") { path in
            let settings = try WorkerSettings.load(
                file: path,
                surroundings: surroundings(["MOIETY_WORKER_THREADS": ""])
            )
            #expect(settings.threadCount == 4)
            #expect(settings.loadThreadCount == 0)
        }
    }

    @Test("The user's file is found without being named, and the named one replaces it")
    func defaultFile() throws {
        let home = FileManager.default.temporaryDirectory
            .appending(path: "moiety-home-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: home) }
        let folder = home.appending(path: ".config/moiety")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("worker:\n  threads: 5\n".utf8).write(to: folder.appending(path: "worker.yaml"))

        let found = try WorkerSettings.load(surroundings: surroundings(["HOME": home.path]))
        #expect(found.threadCount == 5)
        try withFile("worker:\n  load-threads: 2\n") { path in
            let named = try WorkerSettings.load(
                file: path,
                surroundings: surroundings(["HOME": home.path])
            )
            #expect(named.threadCount == 0)
            #expect(named.loadThreadCount == 2)
        }
    }

    @Test("A description prints as key, value and origin in JSON")
    func describedAsJSON() throws {
        let settings = try WorkerSettings.load(
            commandLine: ["worker.threads": "2"],
            surroundings: surroundings()
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let lines = try settings.describe().map {
            String(decoding: try encoder.encode($0), as: UTF8.self)
        }
        #expect(
            lines.prefix(10) == [
                #"{"key":"worker.name","origin":"default","value":"alpha.example"}"#,
                #"{"key":"worker.model","origin":"default","value":null}"#,
                #"{"key":"worker.model-directory","origin":"default","value":null}"#,
                #"{"key":"worker.cache-directory","origin":"default","#
                    + #""value":"/nonexistent/home/.cache/moiety/experts"}"#,
                #"{"key":"worker.cache-size","origin":"default","value":"50GB"}"#,
                #"{"key":"worker.coordinator","origin":"default","value":"tcp://127.0.0.1:6644"}"#,
                #"{"key":"worker.key-file","origin":"default","value":null}"#,
                #"{"key":"worker.coordinator-key","origin":"default","value":null}"#,
                #"{"key":"worker.state-directory","origin":"default","#
                    + #""value":"/nonexistent/home/.local/state/moiety/worker-alpha.example"}"#,
                #"{"key":"worker.threads","origin":"command line","value":"2"}"#,
            ]
        )
    }

    @Test(
        "State goes where the user, XDG or systemd wants it",
        arguments: [
            (["HOME": "/home/ada"], false, "/home/ada/.local/state/moiety/coordinator"),
            (["HOME": "/home/ada", "XDG_STATE_HOME": "/s"], false, "/s/moiety/coordinator"),
            (["HOME": "/h", "XDG_STATE_HOME": "s"], false, "/h/.local/state/moiety/coordinator"),
            (["HOME": "/root"], true, "/root/.local/state/moiety/coordinator"),
            (["HOME": "/root", "INVOCATION_ID": "7"], true, "/var/lib/moiety/coordinator"),
            (["HOME": "/h", "INVOCATION_ID": "7"], false, "/h/.local/state/moiety/coordinator"),
        ]
    )
    func stateDirectory(variables: [String: String], userIsRoot: Bool, path: String) throws {
        let around = Surroundings(variables: variables, userIsRoot: userIsRoot, hostName: "a")
        let settings = try CoordinatorSettings.load(surroundings: around)
        #expect(settings.stateDirectory == path)
    }
}
