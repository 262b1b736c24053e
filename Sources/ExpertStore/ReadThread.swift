import CLinux
import Glibc
import Tensors

/// A thread that reads blocks until its board is closed.
final class ReadThread: Sendable {
    private let thread: pthread_t

    private final class Start: Sendable {
        let name: String
        let cpus: [Int32]
        let board: ReadBoard

        init(name: String, cpus: [Int], board: ReadBoard) {
            self.name = name
            self.cpus = cpus.compactMap { Int32(exactly: $0) }
            self.board = board
        }

        func run() {
            unsafe moiety_thread_set_name(name)
            // A refusal changes only speed.
            if !cpus.isEmpty { _ = unsafe moiety_thread_set_affinity(cpus, Int32(cpus.count)) }
            ReadThread.serve(board)
        }
    }

    init(_ name: String, _ cpus: [Int], _ board: ReadBoard) {
        var thread = pthread_t()
        let start = Start(name: name, cpus: cpus, board: board)
        let context = unsafe Unmanaged.passRetained(start).toOpaque()
        let code = unsafe pthread_create(
            &thread,
            nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue().run()
                return nil
            },
            context
        )
        precondition(code == 0, "cannot start thread \(name): error \(code)")
        self.thread = thread
    }

    func join() { pthread_join(thread, nil) }

    private static func serve(_ board: ReadBoard) {
        while let task = board.take() {
            do throws(StoreError) {
                let part = try task.source.read(
                    task.block,
                    of: task.expert,
                    into: board.memory,
                    slot: task.slot
                )
                board.finish(task, .success(part))
            } catch {
                board.finish(task, .failure(error))
            }
        }
    }
}
