import Cluster
import Model
import Placement
import Testing

@Suite("Workers that are not exact")
struct LossyHelloTests {
    private static func membership(allowsLossy: Bool) -> Membership {
        Membership(
            setup: Membership.Setup(
                protocolVersions: 1...1,
                model: ModelIdentity(
                    fileByteCount: 1,
                    headerDigest: Array(repeating: 0, count: 32)
                ),
                expertCounts: [4],
                expected: .count(1),
                allowsLossy: allowsLossy
            )
        )
    }

    @Test(
        "are sent away by name with the next step, unless they are allowed",
        arguments: LossyKind.allCases
    )
    func refusal(kind: LossyKind) throws {
        let hello = Membership.Hello(
            protocolVersion: 1,
            name: try #require(WorkerName(rawValue: "alpha")),
            lossy: kind
        )
        let now = Instant(nanoseconds: 1)
        var exact = Self.membership(allowsLossy: false)
        guard
            case .refuse(_, let code, let text)? =
                exact.onHello(hello, from: PeerID([1]), now: now).first
        else {
            Issue.record("it was taken")
            return
        }
        #expect(code == .notAllowed && code.isPermanent)
        #expect(text.contains("'alpha'") && text.contains(kind.name))
        #expect(text.contains("coordinator.lossy") && text.contains("--lossy"))
        var lossy = Self.membership(allowsLossy: true)
        let actions = lossy.onHello(hello, from: PeerID([1]), now: now)
        #expect(actions.contains { if case .welcome = $0 { true } else { false } })
    }
}
