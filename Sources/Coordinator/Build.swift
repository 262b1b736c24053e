/// What this build calls itself to its peers.
enum Build {
    static let name = "moiety 0.1.0"
}
