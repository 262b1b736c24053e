import Placement

/// What values a setting takes: from text, to text, and in words.
struct SettingKind<Value> {
    /// Completes "must be …" in the error for anything else.
    let allowed: String

    let parse: (String) -> Value?

    /// The form a settings file takes.
    let text: (Value) -> String
}

extension SettingKind<String> {
    /// Kept as written; nothing is looked up on disk here, the daemon that opens it says more.
    static var path: SettingKind {
        SettingKind(
            allowed: "a path without NUL characters",
            parse: { $0.utf8.contains(0) ? nil : $0 },
            text: { $0 }
        )
    }
}

extension SettingKind<Int> {
    static func number(in range: ClosedRange<Int>, meaning: String = "") -> SettingKind {
        SettingKind(
            allowed: "a whole number from \(range.lowerBound) to \(range.upperBound)\(meaning)",
            parse: { text in Int(text).flatMap { range.contains($0) ? $0 : nil } },
            text: { String($0) }
        )
    }

    /// 0 leaves the choice to the daemon: one thread per core, or per CPU that is named.
    static var threads: SettingKind { number(in: 0...1024, meaning: " (0: one per core)") }
}

extension SettingKind<Int> {
    /// Bytes of memory, of a disk, or of what leaves in a second.
    static var byteCount: SettingKind {
        SettingKind(
            allowed: "a number of bytes such as 500MB, 20GB or 1TB (0: see its description)",
            parse: ByteCountText.byteCount(of:),
            text: ByteCountText.text(of:)
        )
    }
}

extension SettingKind<Bool> {
    static var truth: SettingKind {
        SettingKind(allowed: "true or false", parse: { Bool($0) }, text: { "\($0)" })
    }
}

extension SettingKind<[Int]> {
    static var cpus: SettingKind {
        SettingKind(
            allowed: CPUList.allowed,
            parse: CPUList.cpus(of:),
            text: CPUList.text(of:)
        )
    }
}

extension SettingKind<Duration> {
    static func duration(in range: ClosedRange<Duration>) -> SettingKind {
        let lowest = DurationText.text(of: range.lowerBound)
        let highest = DurationText.text(of: range.upperBound)
        return SettingKind(
            allowed: "a time such as 500ms, 2s or 1m, from \(lowest) to \(highest)",
            parse: { text in
                DurationText.duration(of: text).flatMap { range.contains($0) ? $0 : nil }
            },
            text: DurationText.text(of:)
        )
    }
}

extension SettingKind<EndpointAddress> {
    /// Where a daemon listens.
    static var listening: SettingKind {
        SettingKind(
            allowed: "tcp://HOST:PORT (port 0: any free one), ipc://PATH or inproc://NAME",
            parse: { EndpointAddress(rawValue: $0) },
            text: \.rawValue
        )
    }

    /// Where a daemon connects to: a port has to be known.
    static var connecting: SettingKind {
        SettingKind(
            allowed: "tcp://HOST:PORT, ipc://PATH or inproc://NAME",
            parse: { text in
                EndpointAddress(rawValue: text).flatMap { $0.hasWildcardPort ? nil : $0 }
            },
            text: \.rawValue
        )
    }
}

extension SettingKind<WorkerName> {
    static var workerName: SettingKind {
        SettingKind(
            allowed: "1 to \(WorkerName.longest) letters, digits, dots, dashes or underscores",
            parse: { WorkerName(rawValue: $0) },
            text: \.rawValue
        )
    }
}

extension SettingKind<KeyValueType> {
    static var keyValueType: SettingKind {
        SettingKind(
            allowed: "one of " + KeyValueType.allCases.map(\.rawValue).joined(separator: ", "),
            parse: { KeyValueType(rawValue: $0) },
            text: \.rawValue
        )
    }
}

extension SettingKind<LogLevel> {
    static var logLevel: SettingKind {
        SettingKind(
            allowed: "one of " + LogLevel.allCases.map(\.rawValue).joined(separator: ", "),
            parse: { LogLevel(rawValue: $0) },
            text: \.rawValue
        )
    }
}
