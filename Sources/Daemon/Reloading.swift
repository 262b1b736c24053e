import Dispatch
import Foundation
import Logging
import Messaging
import Settings
import Synchronization

/// Reads the settings anew at SIGHUP, and takes of them what a daemon that runs can take.
///
/// Not in a terminal: there the signal says that the terminal is gone, and ends the daemon.
final class Reloading: Sendable {
    private let source: Mutex<(any DispatchSourceSignal)?>

    init(_ reload: @escaping @Sendable () -> Void) {
        guard isatty(STDERR_FILENO) == 0 else {
            source = Mutex(nil)
            return
        }
        let hangUp = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
        hangUp.setEventHandler(handler: reload)
        hangUp.resume()
        source = Mutex(hangUp)
    }

    func cancel() { source.withLock { $0?.cancel() } }
}

/// The settings that a daemon runs with, and how they are read anew.
final class LiveSettings<Settings: DaemonSettings>: Sendable {
    private let inForce: Mutex<[DescribedSetting]>
    private let threshold: LogThreshold
    private let logger: Logger
    private let read: @Sendable () throws(SettingsError) -> Settings

    init(
        _ settings: Settings,
        threshold: LogThreshold,
        logger: Logger,
        read: @escaping @Sendable () throws(SettingsError) -> Settings
    ) {
        inForce = Mutex(settings.describe())
        self.threshold = threshold
        self.logger = logger
        self.read = read
    }

    /// Says what has changed, and what of that needs a start.
    func reload() {
        do throws(SettingsError) {
            let settings = try read()
            let changes = inForce.withLock { inForce in
                let changes = SettingsChanges(from: inForce, to: settings.describe())
                inForce = changes.inForce
                return changes
            }
            threshold.set(settings.logLevel)
            tell(changes)
        } catch {
            logger.warning(
                "Settings not read anew, those in force stay",
                metadata: ["reason": "\(error)"]
            )
        }
    }

    private func tell(_ changes: SettingsChanges) {
        var metadata: Logger.Metadata = [:]
        metadata["changed"] = Self.text(changes.taken)
        metadata["needsRestart"] = Self.text(changes.waiting)
        logger.notice("Settings read anew", metadata: metadata)
    }

    /// Nil where there is nothing to say.
    private static func text(_ changes: [SettingsChanges.Change]) -> Logger.MetadataValue? {
        guard !changes.isEmpty else { return nil }
        return "\(changes.map(\.description).joined(separator: ", "))"
    }
}
