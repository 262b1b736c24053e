/// CPUs as people write them: numbers and ranges with commas, `0,2` or `0-3`.
public enum CPUList {
    /// What the list may be; completes "must be …".
    public static let allowed = "CPU numbers such as 0,2 or 0-3, each below \(limit) and once"

    /// What the kernel's fixed-size sets can hold.
    private static let limit = 1024

    /// The CPUs in the order given; nil where the text is no list, or names none or one twice.
    public static func cpus(of text: String) -> [Int]? {
        var cpus: [Int] = []
        var seen: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let range = range(of: part) else { return nil }
            for cpu in range {
                guard seen.insert(cpu).inserted else { return nil }
                cpus.append(cpu)
            }
        }
        return cpus
    }

    /// The list as `cpus(of:)` reads it, without ranges.
    static func text(of cpus: [Int]) -> String {
        cpus.map(String.init).joined(separator: ",")
    }

    private static func range(of part: Substring) -> ClosedRange<Int>? {
        let ends = part.split(separator: "-", omittingEmptySubsequences: false).map(number)
        guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
            first <= last
        else { return nil }
        return first...last
    }

    private static func number(_ text: Substring) -> Int? {
        let bare = text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
        guard let number = Int(String(bare)), (0..<limit).contains(number) else { return nil }
        return number
    }
}
