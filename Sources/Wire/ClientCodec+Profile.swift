import CWire

// The messages about what the routers chose and what shares cost.
extension ClientMessage {
    init(
        profiling raw: Moiety__V1__ClientEnvelope,
        _ reader: MessageReader
    ) throws(WireError) {
        switch unsafe raw.body_case {
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_GET_PROFILE:
            self = .getProfile(try unsafe GetProfile(reader.body(raw.get_profile), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_PROFILE_OVERVIEW:
            self = .profileOverview(
                try unsafe ProfileOverview(reader.body(raw.profile_overview), reader)
            )
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_GET_PROFILE_PART:
            self = .getProfilePart(
                try unsafe GetProfilePart(reader.body(raw.get_profile_part), reader)
            )
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_PROFILE_LAYER:
            self = .profileLayer(try unsafe ProfileLayer(reader.body(raw.profile_layer), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_PROFILE_STEPS:
            self = .profileSteps(try unsafe ProfileSteps(reader.body(raw.profile_steps), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_GET_COSTS:
            self = .getCosts
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_CLUSTER_COSTS:
            self = .clusterCosts(try unsafe ClusterCosts(reader.body(raw.cluster_costs), reader))
        default:
            self = try unsafe Self(finding: raw, reader)
        }
    }

    /// Writes nothing for other messages.
    func writeProfiling(to raw: inout Moiety__V1__ClientEnvelope, _ writer: MessageWriter) {
        switch self {
        case .getProfile(let wish):
            unsafe raw.get_profile = wish.raw(writer)
        case .profileOverview(let overview):
            unsafe raw.profile_overview = overview.raw(writer)
        case .getProfilePart(let wish):
            unsafe raw.get_profile_part = wish.raw(writer)
        case .profileLayer(let layer):
            unsafe raw.profile_layer = layer.raw(writer)
        case .profileSteps(let steps):
            unsafe raw.profile_steps = steps.raw(writer)
        case .getCosts:
            unsafe raw.get_costs = writer.message(moiety__v1__get_costs__init)
        case .clusterCosts(let costs):
            unsafe raw.cluster_costs = costs.raw(writer)
        default: break
        }
    }
}
