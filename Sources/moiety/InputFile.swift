import Foundation
import Placement

/// Files that a command is told to read whole.
enum InputFile {
    static func read(_ path: String) throws -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw CommandFailure(
                "\(path) cannot be read: \(error.localizedDescription)",
                code: CommandFailure.dataError
            )
        }
    }

    /// A plan file; what is wrong with it is told with its name.
    static func plan(
        _ path: String,
        check: (Plan) throws(PlanError) -> Void = { _ in }
    ) throws -> Plan {
        let text = try read(path)
        do throws(PlanError) {
            let plan = try Plan(json: text)
            try check(plan)
            return plan
        } catch {
            throw CommandFailure("\(path): \(error)", code: CommandFailure.dataError)
        }
    }

    static func profile(_ path: String) throws -> Profile {
        let text = try read(path)
        do throws(ProfileError) {
            return try Profile(json: text)
        } catch {
            throw CommandFailure("\(path): \(error)", code: CommandFailure.dataError)
        }
    }

    static func trace(_ path: String) throws -> RoutingTrace {
        let bytes = try read(path)
        do throws(ProfileError) {
            return try RoutingTrace(bytes: bytes)
        } catch {
            throw CommandFailure("\(path): \(error)", code: CommandFailure.dataError)
        }
    }
}
