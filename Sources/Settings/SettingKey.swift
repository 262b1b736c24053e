/// How a setting's key is spelled in each place.
///
/// In a file a key is nested maps (`coordinator:` then `silence-limit:`), elsewhere the same words
/// joined: `coordinator.silence-limit` in messages, `MOIETY_COORDINATOR_SILENCE_LIMIT` in the
/// environment.
enum SettingKey {
    static func components(of key: String) -> [String] {
        key.split(separator: ".").map(String.init)
    }

    static func environmentName(of key: String) -> String {
        let words = key.uppercased().map { $0 == "." || $0 == "-" ? "_" : String($0) }
        return "MOIETY_" + words.joined()
    }

    /// The known key that takes the fewest edits to reach, where that is few enough to be a slip.
    ///
    /// Equal distances go to the first in alphabetical order.
    static func nearest(to key: String, among known: some Sequence<String>) -> String? {
        let best = known.sorted()
            .map { (key: $0, distance: distance(key, $0)) }
            .min { $0.distance < $1.distance }
        guard let best, best.distance <= max(2, key.utf8.count / 3) else { return nil }
        return best.key
    }

    /// Insertions, removals and replacements of bytes between two keys (Levenshtein).
    static func distance(_ left: String, _ right: String) -> Int {
        let columns = Array(right.utf8)
        var row = Array(0...columns.count)
        for (index, byte) in left.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in columns.indices {
                let replaced = diagonal + (columns[column] == byte ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, row[column] + 1, diagonal + 1)
            }
        }
        return row[columns.count]
    }
}
