import Messaging
import Model
import Wire

/// A message in a word or two, for the story.
struct MessageText: CustomStringConvertible {
    let description: String

    init(_ frames: [[UInt8]], at endpoint: Endpoint) {
        do {
            let text =
                switch endpoint {
                case .simulatedCoordinator: try Self.text(ControlMessage(frames: frames))
                case .simulatedShares: try Self.text(DataMessage(frames: frames))
                default: "\(try ClientMessage(frames: frames))"
                }
            description = String(text.prefix(while: { $0 != "[" }).prefix(160))
        } catch {
            description = "unreadable: \(error)"
        }
    }

    private static func text(_ message: ControlMessage) -> String {
        // The rest of it tells of the real machine.
        guard case .heartbeat(let heartbeat) = message else { return "\(message)" }
        return "heartbeat \(heartbeat.sequence) of \(heartbeat.incarnation)"
    }

    private static func text(_ message: DataMessage) -> String {
        switch message {
        case .share(let share):
            "share \(share.header.id) attempt \(share.header.attempt) "
                + "layer \(share.header.layer.rawValue)"
        case .partialRows(let rows):
            "partialRows \(rows.header.id) attempt \(rows.header.attempt) "
                + "layer \(rows.header.layer.rawValue)"
        case .shareRefused(let refusal): "shareRefused \(refusal.id) \(refusal.text)"
        case .hint(let hint): "hint layer \(hint.layer.rawValue) \(hint.experts)"
        case .outlook(let outlook): "outlook \(outlook.experts.count) experts"
        }
    }
}
