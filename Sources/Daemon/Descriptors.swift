import CLinux
import Logging

/// Open files and connections of a daemon.
enum Descriptors {
    /// Descriptors of a process.
    ///
    /// Seven eighths may be connections, of some 30 kB each while nothing waits on them: more than
    /// a cluster has workers and clients, little enough memory for whoever opens connections only.
    /// Shells give 1024, which a few hundred clients with some files would use up.
    static let limit: UInt = 4096

    /// Takes what is needed of what the system allows.
    static func claim(_ logger: Logger) {
        let count = moiety_limit_descriptors(limit)
        guard count >= 0 else {
            return logger.warning(
                "Limit of open files not set",
                metadata: ["errno": "\(-count)"]
            )
        }
        logger.debug("Limit of open files", metadata: ["descriptors": "\(count)"])
    }
}
