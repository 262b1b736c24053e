import Cluster
import Logging
import Messaging
import Settings

/// The thread that runs a `ChunkServer`.
struct ChunkThread {
    /// Where commands go.
    let inbox: Mailbox<ChunkCommand>
    let thread: NamedThread
    /// Where workers connect for chunks.
    let endpoint: Endpoint
    let figures: Latest<ChunkFigures>

    /// Bytes of a frame that may come here: requests are small.
    ///
    /// Twice the largest envelope, so that one that is too large is told of, where the library
    /// would only cut the connection.
    private static let receivedFrameByteCount = 2 << 20
    /// Chunks that wait for one worker, and its requests that wait for us: twice what a worker has
    /// under way, because what it asked for before it lost patience may still be there.
    private static let messageCount = 2 * ExpertFetch.Limits().window

    /// Starts the thread; it ends after `ChunkCommand.stop`.
    ///
    /// It has a context of its own, and with it a thread of the library's, so that shares do not
    /// queue behind chunks there either.
    init(
        served: ServedModel,
        settings: CoordinatorSettings,
        access: Access?,
        reports: Mailbox<LoopCommand>,
        logger: Logger
    ) throws(MessagingError) {
        let inbox = try Mailbox<ChunkCommand>(limit: ChunkCommand.queueLimit)
        var options = SocketOptions()
        options.limits = MessagingLimits(
            receivedFrameByteCount: Self.receivedFrameByteCount,
            queuedMessageCount: Self.messageCount,
            receivedMessageCount: Self.messageCount
        )
        options.security = access.map { .server($0.pair, door: .workers) }
        let context = try MessagingContext()
        let keeper = try access.map { access throws(MessagingError) in
            try access.keeper(of: context, logger: logger)
        }
        let socket = try Socket(.router, in: context, options: options)
        endpoint = try socket.bind(.init(settings.chunkEndpoint.rawValue))
        let figures = Latest(ChunkFigures())
        self.inbox = inbox
        self.figures = figures
        let rate = settings.chunkBandwidth > 0 ? settings.chunkBandwidth : nil
        thread = try NamedThread("moiety-chunks") {
            let clock = LoopClock()
            let server = ChunkServer(
                served: served,
                socket: socket,
                inbox: inbox,
                rate: rate,
                clock: clock,
                figures: figures,
                logger: logger
            )
            do throws(MessagingError) {
                try Self.run(server, socket: socket, inbox: inbox, clock: clock)
            } catch {
                _ = reports.post(.report(.broken("the chunk socket failed: \(error)")))
            }
            keeper?.stop()
        }
    }

    private static func run(
        _ server: ChunkServer,
        socket: Socket,
        inbox: Mailbox<ChunkCommand>,
        clock: LoopClock
    ) throws(MessagingError) {
        var poller = Poller()
        while true {
            while try server.turn() {}
            guard !server.isStopped else { return }
            let pause = server.pauseEnd.map { max(.zero, $0 - clock.now) }
            _ = try poller.wait(for: pause == nil ? [socket] : [], or: inbox.waker, timeout: pause)
        }
    }
}
