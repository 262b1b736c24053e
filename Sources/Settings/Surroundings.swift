import Foundation
import Glibc

/// What a daemon finds around it: its environment, its user and its machine's name.
///
/// A value, so that tests can say what is there.
public struct Surroundings: Equatable, Sendable {
    public var variables: [String: String]
    public var userIsRoot: Bool
    public var hostName: String

    public init(variables: [String: String], userIsRoot: Bool, hostName: String) {
        self.variables = variables
        self.userIsRoot = userIsRoot
        self.hostName = hostName
    }

    /// The process's own.
    public static var current: Surroundings {
        var variables = ProcessInfo.processInfo.environment
        // Services often start without HOME; the user database knows it.
        variables["HOME"] = variables["HOME"] ?? NSHomeDirectory()
        return Surroundings(
            variables: variables,
            userIsRoot: getuid() == 0,
            hostName: kernelHostName()
        )
    }

    /// Read from the kernel, because Foundation's answer may ask a name server and wait for it.
    private static func kernelHostName() -> String {
        let file = FileManager.default.contents(atPath: "/proc/sys/kernel/hostname") ?? Data()
        return String(decoding: file, as: UTF8.self).filter { !$0.isWhitespace }
    }
}

extension Surroundings {
    /// Where a daemon keeps what must outlive it.
    ///
    /// `/var/lib/moiety` for a service that systemd runs as root, else the user's own state
    /// directory as the XDG specification places it.
    func stateDirectory(of daemon: String) -> String {
        if userIsRoot, variables["INVOCATION_ID"] != nil { return "/var/lib/moiety/\(daemon)" }
        return xdgDirectory("XDG_STATE_HOME", beneathHome: ".local/state") + "/moiety/\(daemon)"
    }

    /// Where workers keep experts that came from a coordinator: one place for all of a machine, or
    /// of a user.
    var cacheDirectory: String {
        if userIsRoot, variables["INVOCATION_ID"] != nil { return "/var/cache/moiety/experts" }
        return xdgDirectory("XDG_CACHE_HOME", beneathHome: ".cache") + "/moiety/experts"
    }

    /// Where a settings file is looked for when none is named, first to last.
    func settingsFiles(of daemon: String) -> [String] {
        [
            xdgDirectory("XDG_CONFIG_HOME", beneathHome: ".config") + "/moiety/\(daemon).yaml",
            "/etc/moiety/\(daemon).yaml",
        ]
    }

    /// Relative paths in XDG variables are ignored, as the specification asks.
    private func xdgDirectory(_ variable: String, beneathHome directory: String) -> String {
        if let path = variables[variable], path.hasPrefix("/") { return path }
        guard let home = variables["HOME"], home.hasPrefix("/") else { return "/" + directory }
        return home + "/" + directory
    }
}
