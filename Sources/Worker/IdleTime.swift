/// What a step thread does while nothing comes: first nothing, then it loads what coming work is
/// expected to use, and at last it lets go of memory.
package struct IdleTime: Equatable, Sendable {
    package enum Act: Equatable, Sendable {
        case prepare
        case release
    }

    private enum Stage: Equatable, Sendable {
        /// Something came just now.
        case pausing
        case preparing
        case resting
        /// Nothing is left to do.
        case done
    }

    private var stage = Stage.done

    /// Longer than the coordinator computes between two layers, other than of the longest prompts:
    /// what the next one asks for has the disk to itself.
    package static let pause = Duration.milliseconds(50)
    /// Between two looks at loads under way.
    package static let lookTime = Duration.milliseconds(1)
    /// After so long without work, what a long prompt took goes back to the system.
    package static let restTime = Duration.seconds(2)

    package init() {}

    /// How long to wait for something to come; nil for ever.
    package var timeout: Duration? {
        switch stage {
        case .pausing: Self.pause
        case .preparing: Self.lookTime
        case .resting: Self.restTime
        case .done: nil
        }
    }

    /// Something came.
    package mutating func onEvent() { stage = .pausing }

    /// Nothing came.
    package mutating func onTimeUp() -> Act {
        switch stage {
        case .pausing, .preparing:
            stage = .preparing
            return .prepare
        case .resting, .done:
            stage = .done
            return .release
        }
    }

    /// - Parameter isUnderWay: whether loads go on.
    package mutating func onPrepared(isUnderWay: Bool) {
        stage = isUnderWay ? .preparing : .resting
    }
}
