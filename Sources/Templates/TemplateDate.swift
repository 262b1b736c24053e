/// A day and a time of day, as `strftime_now` writes them.
public struct TemplateDate: Equatable, Sendable {
    public var year: Int
    /// From 1 on.
    public var month: Int
    /// From 1 on.
    public var day: Int
    public var hour: Int
    public var minute: Int
    public var second: Int

    public init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
    }

    /// In universal time; what lies outside years 1 to 9999 becomes the nearest of them.
    public init(secondsSince1970 seconds: Int) {
        let clamped = max(-62_135_596_800, min(253_402_300_799, seconds))
        let days = (clamped - Self.modulo(clamped, 86_400)) / 86_400
        let time = Self.modulo(clamped, 86_400)
        // Years begin in March here, so that the leap day is the last (Hinnant's algorithm).
        let shifted = days + 719_468
        let era = (shifted - Self.modulo(shifted, 146_097)) / 146_097
        let dayOfEra = Self.modulo(shifted, 146_097)
        let leaps = dayOfEra / 1460 - dayOfEra / 36_524 + dayOfEra / 146_096
        let yearOfEra = (dayOfEra - leaps) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        self.init(
            year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
            month: month,
            day: dayOfYear - (153 * monthFromMarch + 2) / 5 + 1,
            hour: time / 3600,
            minute: time / 60 % 60,
            second: time % 60
        )
    }

    private static func modulo(_ value: Int, _ divisor: Int) -> Int {
        ((value % divisor) + divisor) % divisor
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ]
    private static let weekdays = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]

    /// Sunday is 0 (Sakamoto's algorithm).
    private var weekday: Int {
        let offsets = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4]
        let year = month < 3 ? self.year - 1 : self.year
        let offset = offsets.indices.contains(month - 1) ? offsets[month - 1] : 0
        return Self.modulo(year + year / 4 - year / 100 + year / 400 + offset + day, 7)
    }

    private var dayOfYear: Int {
        let isLeap = year % 4 == 0 && year % 100 != 0 || year % 400 == 0
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
        let days = before.indices.contains(month - 1) ? before[month - 1] : 0
        return days + day + (isLeap && month > 2 ? 1 : 0)
    }

    /// As C's `strftime` does it, in English; unknown letters stay as they are.
    func formatted(_ format: String) -> String {
        var result = ""
        var rest = format.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "%", var letter = rest.popFirst() else {
                result.unicodeScalars.append(scalar)
                continue
            }
            let isShort = letter == "-" && !rest.isEmpty
            if isShort, let next = rest.popFirst() { letter = next }
            if let field = field(letter) {
                result += isShort ? Self.withoutZeros(field) : field
            } else {
                result += isShort ? "%-\(letter)" : "%\(letter)"
            }
        }
        return result
    }

    private static func withoutZeros(_ field: String) -> String {
        let rest = field.drop { $0 == "0" }
        return rest.isEmpty ? "0" : String(rest)
    }

    private static func padded(_ number: Int, _ width: Int = 2, with pad: String = "0") -> String {
        let digits = String(number)
        return String(repeating: pad, count: max(0, width - digits.utf8.count)) + digits
    }

    private func field(_ letter: Unicode.Scalar) -> String? {
        let monthName = Self.months.indices.contains(month - 1) ? Self.months[month - 1] : ""
        let hour12 = hour % 12 == 0 ? 12 : hour % 12
        return switch letter {
        case "Y": Self.padded(year, 4)
        case "y": Self.padded(Self.modulo(year, 100))
        case "m": Self.padded(month)
        case "d": Self.padded(day)
        case "e": Self.padded(day, with: " ")
        case "B": monthName
        case "b", "h": String(monthName.prefix(3))
        case "A": Self.weekdays[weekday]
        case "a": String(Self.weekdays[weekday].prefix(3))
        case "w": String(weekday)
        case "j": Self.padded(dayOfYear, 3)
        case "H": Self.padded(hour)
        case "I": Self.padded(hour12)
        case "M": Self.padded(minute)
        case "S": Self.padded(second)
        case "p": hour < 12 ? "AM" : "PM"
        case "F": "\(Self.padded(year, 4))-\(Self.padded(month))-\(Self.padded(day))"
        case "T": "\(Self.padded(hour)):\(Self.padded(minute)):\(Self.padded(second))"
        case "%": "%"
        default: nil
        }
    }
}
