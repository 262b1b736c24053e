import Diagnosis
import Kernels
import Messaging
import Testing

@Suite("What a diagnosis makes of facts")
struct FindingTests {
    private let machine = MachineFacts(
        clockIsSynchronised: true,
        coreCount: 8,
        instructionSet: .avx2,
        nodeCount: 1,
        memoryByteCount: 64_000_000_000,
        availableByteCount: 60_000_000_000,
        swapByteCount: 0,
        hugePages: "madvise",
        descriptorLimit: 1 << 20,
        lockableByteCount: nil
    )

    @Test("A sound machine gives nothing to do")
    func soundMachine() {
        #expect(machine.findings.state == .ok)
        #expect(machine.findings.allSatisfy { $0.advice == nil })
        #expect(machine.findings.map(\.topic) == ["clock", "processor", "memory", "huge pages"])
    }

    @Test("Memory that is to be locked must be allowed to be, and is no matter otherwise")
    func lockedMemory() {
        var bounded = machine
        bounded.lockableByteCount = 8 << 20
        #expect(machine.lockedMemory(isWanted: true)?.state == .ok)
        #expect(bounded.lockedMemory(isWanted: true)?.state == .warn)
        #expect(bounded.lockedMemory(isWanted: true)?.advice?.contains("LimitMEMLOCK") == true)
        #expect(bounded.lockedMemory(isWanted: false) == nil)
    }

    @Test("Each weakness of a machine is told, with what to do")
    func weakMachine() {
        let weaknesses: [(topic: String, change: (inout MachineFacts) -> Void)] = [
            ("clock", { $0.clockIsSynchronised = false }),
            ("processor", { $0.instructionSet = .scalar }), ("processor", { $0.nodeCount = 2 }),
            ("memory", { $0.swapByteCount = 1 << 30 }),
            ("huge pages", { $0.hugePages = "never" }),
            ("open files", { $0.descriptorLimit = 1024 }),
        ]
        for (topic, change) in weaknesses {
            var machine = machine
            change(&machine)
            let worse = machine.findings.filter { $0.state != .ok }
            #expect(worse.map(\.topic) == [topic])
            #expect(worse.map(\.state) == [.warn])
            #expect(worse.allSatisfy { $0.advice?.isEmpty == false })
        }
    }

    @Test("What the kernel does not tell is no weakness")
    func unknown() {
        var machine = machine
        machine.clockIsSynchronised = nil
        machine.hugePages = nil
        #expect(machine.findings.state == .ok)
    }

    @Test("A model must fit the coordinator's machine and the workers' together")
    func model() {
        let model = ModelFacts.read(name: "m", experts: 90_000_000_000, rest: 10_000_000_000)
        func state(_ workers: UInt64?) -> Finding.State {
            model.findings(machine: machine, workerMemory: workers).state
        }
        #expect(state(nil) == .ok)
        #expect(state(100_000_000_000) == .ok)
        #expect(state(99_000_000_000) == .fail)
        let large = ModelFacts.read(name: "m", experts: 0, rest: 58_000_000_000)
        #expect(large.findings(machine: machine, workerMemory: nil).state == .fail)
        #expect(ModelFacts.unnamed.findings(machine: machine, workerMemory: nil).state == .fail)
        let broken = ModelFacts.unusable("no GGUF file").findings(
            machine: machine,
            workerMemory: nil
        )
        #expect(broken.map(\.text) == ["no GGUF file"])
    }

    @Test("A port counts by who has it")
    func ports() {
        func state(_ state: PortFacts.State, served: Bool) -> Finding.State {
            PortFacts(setting: "s", address: "tcp://127.0.0.1:1", state: state)
                .finding(isServed: served).state
        }
        #expect(state(.free, served: false) == .ok)
        #expect(state(.taken, served: true) == .ok)
        #expect(state(.taken, served: false) == .fail)
        #expect(state(.free, served: true) == .warn)
        #expect(state(.unusable("no such address"), served: false) == .fail)
    }

    @Test("A disk that may fill up is told, one that cannot be looked at too")
    func disk() {
        func state(_ free: UInt64?) -> Finding.State {
            DiskFacts(purpose: "cache", path: "/c", free: free, wanted: 100).finding.state
        }
        #expect(state(100) == .ok)
        #expect(state(99) == .warn)
        #expect(state(nil) == .warn)
    }

    @Test("A coordinator of another release, a worker that is away, and slow links are told")
    func answer() {
        func worker(_ name: String, _ milliseconds: Int, _ bandwidth: Double, ready: Bool = true)
            -> AnswerFacts.Worker
        {
            AnswerFacts.Worker(
                name: name,
                isReady: ready,
                state: ready ? "ready" : "lost",
                message: "",
                memoryByteCount: 8_000_000_000,
                link: .init(roundTrip: .milliseconds(milliseconds), bandwidth: bandwidth)
            )
        }
        var answer = AnswerFacts(
            endpoint: "tcp://head:6645",
            build: "moiety 1",
            isReady: true,
            status: "ready",
            workers: [worker("a", 1, 1e8)]
        )
        #expect(answer.findings(build: "moiety 1").state == .ok)
        #expect(answer.findings(build: "moiety 2").map(\.state) == [.warn, .ok, .ok])
        answer.isReady = false
        answer.workers = [
            worker("a", 3, 1e8), worker("b", 1, 1e7), worker("c", 1, 1e8, ready: false),
            worker("d", 1, .nan),
        ]
        let findings = answer.findings(build: "moiety 1")
        #expect(findings.map(\.state) == [.ok, .warn, .warn, .warn, .warn, .ok])
        #expect(findings[2].text.hasPrefix("3000 us there and back, 100 MB/s"))
        #expect(answer.workerMemory == 32_000_000_000)
        answer.workers[0].memoryByteCount = 0
        #expect(answer.workerMemory == nil)
    }

    @Test("Workers that give accuracy for speed are told by name, and are nothing to mend")
    func accuracy() {
        func worker(_ name: String, _ lossy: String?) -> AnswerFacts.Worker {
            AnswerFacts.Worker(
                name: name,
                isReady: true,
                state: "ready",
                message: "",
                memoryByteCount: 0,
                link: nil,
                lossy: lossy
            )
        }
        var answer = AnswerFacts(
            endpoint: "tcp://head:6645",
            build: "moiety 1",
            isReady: true,
            status: "ready",
            workers: [worker("a", nil), worker("b", nil)]
        )
        func told() -> [Finding] {
            answer.findings(build: "moiety 1").filter { $0.topic == "accuracy" }
        }
        #expect(told().isEmpty)
        answer.workers[1].lossy = "resident q3"
        answer.workers.append(worker("c", "hobbit"))
        #expect(told().map(\.state) == [.ok])
        #expect(told().first?.text.hasPrefix("not exact: b (resident q3), c (hobbit); ") == true)
    }

    @Test("The worst finding is the state of all")
    func worst() {
        #expect([Finding]().state == .ok)
        let all: [Finding] = [.ok("a", ""), .fail("b", "", ""), .warn("c", "", "")]
        #expect(all.state == .fail)
        #expect(all.dropLast().first?.advice == nil)
    }
}
