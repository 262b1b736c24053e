import Foundation
package import Placement
import Tensors

/// What a coordinator remembers between its lives.
///
/// How many there were, its plan, its model's digests. Files are replaced whole, never edited.
package struct StateDirectory: Sendable {
    let url: URL

    /// Makes the directory, private to its owner, where it is missing.
    package init(path: String) throws(CoordinatorError) {
        url = URL(filePath: path, directoryHint: .isDirectory)
        do {
            try FileManager.default.createDirectory(
                at: url,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw .state(
                "cannot make the state directory \(path): \(error.localizedDescription) Name "
                    + "another with --state-directory"
            )
        }
    }

    /// Takes the directory for as long as the result lives.
    ///
    /// Two coordinators at a time would count one life, and give out the same numbers.
    func claim() throws(CoordinatorError) -> LockFile {
        let path = url.appending(path: "lock").path
        do throws(FileError) {
            if let lock = try LockFile(path: path) { return lock }
        } catch {
            throw .state("\(error)")
        }
        throw .state(
            "another coordinator uses the state directory \(url.path) (the number of its "
                + "process stands in \(path)): stop it, or give this one a directory of its own "
                + "with --state-directory"
        )
    }

    /// Counts this life and says which one it is, from 1.
    package func beginLife() throws(CoordinatorError) -> UInt32 {
        let name = "lives"
        let text = try read(name).map { String(decoding: $0, as: UTF8.self) } ?? "0\n"
        guard let lives = UInt32(text.trimmingCharacters(in: .whitespacesAndNewlines)),
            lives < UInt32.max
        else {
            throw .state("\(url.path)/\(name) holds no count of lives; remove it to start anew")
        }
        try write("\(lives + 1)\n", to: name)
        return lives + 1
    }

    /// The plan of the last life, if there was one.
    package func plan() throws(CoordinatorError) -> Plan? {
        guard let data = try read("plan.json") else { return nil }
        do {
            return try Plan(json: Array(data))
        } catch {
            throw .state("\(url.path)/plan.json: \(error); remove it to plan anew")
        }
    }

    /// The highest epoch that workers were told of, also of a plan that never came into force.
    func lastEpoch() throws(CoordinatorError) -> Epoch {
        let name = "epoch"
        guard let data = try read(name) else { return Epoch(rawValue: 0) }
        let text = String(decoding: data, as: UTF8.self)
        guard let number = UInt64(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw .state("\(url.path)/\(name) holds no epoch; remove it together with plan.json")
        }
        return Epoch(rawValue: number)
    }

    /// Workers that plans are to give nothing, one per line.
    func drained() throws(CoordinatorError) -> Set<WorkerName> {
        guard let data = try read("drained") else { return [] }
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
        return Set(lines.compactMap { WorkerName(rawValue: String($0)) })
    }

    func save(drained: Set<WorkerName>) throws(CoordinatorError) {
        try write(drained.sorted().map { "\($0)\n" }.joined(), to: "drained")
    }

    func save(_ epoch: Epoch) throws(CoordinatorError) { try write("\(epoch)\n", to: "epoch") }

    package func save(_ plan: Plan) throws(CoordinatorError) {
        try write(Data(plan.json()), to: "plan.json")
    }

    /// Writes a small text for people and scripts to find.
    func write(_ text: String, to name: String) throws(CoordinatorError) {
        try write(Data(text.utf8), to: name)
    }

    /// Replaces a file that may lack its last lines where the machine loses its power.
    ///
    /// Nobody waits for the disk, which takes seconds where others write much.
    func writeSoon(_ text: String, to name: String) throws(CoordinatorError) {
        let file = url.appending(path: name)
        do {
            try Data(text.utf8).write(to: file, options: .atomic)
        } catch {
            throw .state("cannot write \(file.path): \(error.localizedDescription)")
        }
    }

    func remove(_ name: String) throws(CoordinatorError) {
        let file = url.appending(path: name)
        guard FileManager.default.fileExists(atPath: file.path) else { return }
        do {
            try FileManager.default.removeItem(at: file)
        } catch {
            throw .state("cannot remove \(file.path): \(error.localizedDescription)")
        }
    }

    func read(_ name: String) throws(CoordinatorError) -> Data? {
        let file = url.appending(path: name)
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        do {
            return try Data(contentsOf: file)
        } catch {
            throw .state("cannot read \(file.path): \(error.localizedDescription)")
        }
    }

    /// Replaces a file, on disk before this returns.
    func write(_ data: Data, to name: String) throws(CoordinatorError) {
        do throws(FileError) {
            let file = try AtomicFile(path: url.appending(path: name).path)
            try file.append(Array(data))
            try file.commit()
        } catch {
            throw .state("\(error)")
        }
    }
}
