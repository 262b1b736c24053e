import Foundation
package import Kernels
package import Messaging
package import Model
package import Placement
package import Settings

/// What a worker has for as long as its process lives: a name, cores, perhaps a model file.
package struct Machine: Sendable {
    let name: WorkerName
    /// Nil where no file was named: experts then come from elsewhere.
    let model: ModelFile?
    /// Of that file.
    let identity: ModelIdentity?
    /// Where it is remembered what that file's experts hashed to; nil for nowhere.
    let stateDirectory: String?
    /// Where the coordinator's file is looked for where none was named.
    let modelDirectory: String?
    /// Where experts are kept that came from the coordinator.
    let cache: CachePlace?
    let instructionSet: InstructionSet
    let threads: ComputeThreads
    let loadThreadCount: Int
    /// How long the step thread looks for shares before it sleeps.
    let spinTime: Duration
    let coordinator: Endpoint
    /// Opens connections to it.
    let dialer: Dialer

    /// A cache's directory, and the bytes that it may take.
    struct CachePlace: Sendable {
        let path: String
        let byteLimit: Int
    }

    let coreCount = ProcessInfo.processInfo.activeProcessorCount
    /// What experts may fill of its memory, or of its disk, where they stay there.
    let memoryByteCount: UInt64
    /// What the whole process may have in memory; nil for what it takes.
    ///
    /// Within a budget, experts of the model file stay on disk, and some are in memory.
    let budget: Int?
    /// How accuracy is given for speed where experts do not fit into it; nil for exact answers.
    let lossy: LossySettings?

    /// A machine with one thread and a model that is open already.
    package init(
        name: WorkerName,
        model: ModelFile,
        identity: ModelIdentity,
        instructionSet: InstructionSet,
        coordinator: Endpoint,
        memoryByteCount: UInt64 = ProcessInfo.processInfo.physicalMemory,
        budget: Int? = nil,
        lossy: LossySettings? = nil
    ) {
        self.memoryByteCount = memoryByteCount
        self.name = name
        self.model = model
        self.identity = identity
        self.instructionSet = instructionSet
        self.coordinator = coordinator
        dialer = Dialer(to: coordinator)
        stateDirectory = nil
        modelDirectory = nil
        cache = nil
        self.budget = budget
        self.lossy = lossy
        threads = ComputeThreads(count: 1)
        loadThreadCount = 1
        spinTime = .zero
    }

    init(
        settings: WorkerSettings,
        instructionSet chosen: InstructionSet?
    ) throws(WorkerError) {
        name = settings.name
        spinTime = settings.spinTime
        budget = settings.memoryBudget
        lossy = settings.lossy
        loadThreadCount = settings.loadThreadCount > 0 ? settings.loadThreadCount : coreCount
        do throws(KernelsError) {
            if let chosen {
                instructionSet = chosen
            } else {
                instructionSet = try .chosen(environment: ProcessInfo.processInfo.environment)
            }
            threads = try ComputeThreads(wanted: settings.threadCount, cpus: settings.cpus)
        } catch {
            throw .kernels(error)
        }
        stateDirectory = settings.stateDirectory
        modelDirectory = settings.modelDirectory
        cache = CachePlace(path: settings.cacheDirectory, byteLimit: settings.cacheByteCount)
        do throws(ModelError) {
            model = try settings.modelPath.map { path throws(ModelError) in
                try ModelFile(path: path)
            }
            identity = try model?.identity()
        } catch {
            throw .model(error)
        }
        let physical = ProcessInfo.processInfo.physicalMemory
        // On disk there is room for all of them; plans leave a part of what is told free.
        let onDisk = budget == nil ? 0 : 2 * (identity?.fileByteCount ?? 0)
        memoryByteCount = min(settings.memoryByteCount ?? .max, max(physical, onDisk))
        do throws(MessagingError) {
            coordinator = try Endpoint(settings.coordinatorEndpoint.rawValue)
        } catch {
            throw .messaging(error)
        }
        do throws(KeyError) {
            let security = try settings.keys.map { keys throws(KeyError) in
                try SocketSecurity.client(
                    keyPath: keys.keyPath,
                    coordinatorKeyPath: keys.coordinatorKeyPath
                )
            }
            dialer = Dialer(to: coordinator, security: security)
        } catch {
            throw .key(error)
        }
    }
}

/// Bytes of memory that this process occupies, 0 where the system does not say.
package func residentByteCount() -> UInt64 {
    // The second number is resident pages.
    guard let text = FileManager.default.contents(atPath: "/proc/self/statm"),
        let field = String(decoding: text, as: UTF8.self).split(separator: " ").dropFirst().first,
        let pages = UInt64(field)
    else { return 0 }
    return pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
}
