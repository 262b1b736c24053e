import Cluster
import Kernels
import Model
import Settings
import Wire

extension Hello {
    /// The session's hello with what the machine adds.
    init(_ hello: Membership.Hello, of machine: Machine) {
        self.init(
            protocolVersion: hello.protocolVersion,
            build: Build.name,
            name: hello.name,
            incarnation: hello.incarnation,
            model: hello.model,
            heldEpoch: hello.heldEpoch,
            heldExpertCount: hello.heldExpertCount,
            coreCount: machine.coreCount,
            memoryByteCount: machine.memoryByteCount,
            instructionSet: machine.instructionSet.name,
            readBandwidth: 0,
            takesHints: machine.budget != nil && machine.lossy?.kind != .resident,
            lossy: machine.lossy?.kind
        )
    }
}

extension WorkerSession.Welcome {
    init(_ welcome: Welcome) {
        self.init(
            incarnation: welcome.incarnation,
            heartbeatInterval: welcome.heartbeatInterval,
            silenceLimit: welcome.silenceLimit
        )
    }
}

extension WorkerSession.Manifest {
    init(_ manifest: Manifest) {
        self.init(
            model: manifest.model,
            layerCount: manifest.layerCount,
            expertCount: manifest.expertCount
        )
    }
}
