/// What this build calls itself, to people and to peers.
enum Build {
    static let version = "0.1.0"
}
