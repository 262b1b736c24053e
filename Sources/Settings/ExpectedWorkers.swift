import Cluster
import Placement

extension SettingKind<Membership.Expected> {
    /// More workers than one coordinator's sockets are meant for.
    private static let mostWorkers = 1024

    /// `3`, or `a,b,c`: digits alone are a count, so no worker in a list may be called that.
    static var expectedWorkers: SettingKind {
        SettingKind(
            allowed: "a count from 1 to \(mostWorkers), or a list of different worker"
                + " names that are not all digits",
            parse: { Int($0) == nil ? names($0) : count($0) },
            text: text(of:)
        )
    }

    private static func count(_ text: String) -> Membership.Expected? {
        SettingKind<Int>.number(in: 1...mostWorkers).parse(text).map { .count($0) }
    }

    private static func names(_ text: String) -> Membership.Expected? {
        var names: [WorkerName] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let name = part.split(separator: " ").joined(separator: " ")
            guard let name = WorkerName(rawValue: name), Int(name.rawValue) == nil else {
                return nil
            }
            names.append(name)
        }
        guard names.count <= mostWorkers, Set(names).count == names.count else { return nil }
        return .names(names)
    }

    private static func text(of expected: Membership.Expected) -> String {
        switch expected {
        case .count(let count): String(count)
        case .names(let names): names.map(\.rawValue).joined(separator: ",")
        }
    }
}
