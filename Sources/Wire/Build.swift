/// What this build calls itself, to people and to its peers.
public enum Build {
    public static let version = "0.1.0"
    public static let name = "moiety \(version)"
}
