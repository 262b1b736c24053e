/// What goes over the control socket, between workers and the coordinator.
public enum ControlMessage: Equatable, Sendable {
    case hello(Hello)
    case welcome(Welcome)
    case refusal(Refusal)
    case manifest(Manifest)
    case assignment(Assignment)
    case loadProgress(LoadProgress)
    case loaded(Loaded)
    case loadFailed(LoadFailed)
    case heartbeat(Heartbeat)
    case heartbeatReply(HeartbeatReply)
    /// Finish the shares at hand and take no more.
    case drain
    case goodbye(Goodbye)
}

/// What goes over the data socket, between workers and the coordinator.
public enum DataMessage: Equatable, Sendable {
    case share(Share)
    case partialRows(PartialRows)
    case shareRefused(ShareRefused)
    case hint(Hint)
    case outlook(Outlook)
}

/// What goes over the client socket, between clients and the coordinator.
public enum ClientMessage: Equatable, Sendable {
    case clientHello(ClientHello)
    case clientWelcome(ClientWelcome)
    case refusal(Refusal)
    case submit(Submit)
    case accepted(Accepted)
    case tokens(GeneratedTokens)
    case progress(PromptProgress)
    case ended(Ended)
    case listJobs
    case jobs([JobReport])
    case cancel(Cancel)
    case cancelReply(CancelReply)
    case listNodes
    case nodes([NodeReport])
    case getStatus
    case status(StatusReport)
    case evaluate(Evaluate)
    case evaluation(EvaluationReply)
    case evaluationFailed(EvaluationFailed)
    case getPlan
    case planInForce(PlanInForce)
    case changePlan(ChangePlan)
    case changeReply(ChangeReply)
    case getPlanHistory
    case planHistory(PlanHistory)
    case drainNode(DrainNode)
    case getProfile(GetProfile)
    case profileOverview(ProfileOverview)
    case getProfilePart(GetProfilePart)
    case profileLayer(ProfileLayer)
    case profileSteps(ProfileSteps)
    case getCosts
    case clusterCosts(ClusterCosts)
    case findJob(FindJob)
    case jobFound(JobFound)
}
