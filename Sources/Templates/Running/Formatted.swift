/// `'%s of %d' % (a, b)` and the filter `format`.
extension Interpreter {
    /// One place in a format: flags, width, precision and what stands there.
    private struct Place {
        var isLeft = false
        var hasZeros = false
        var hasPlus = false
        var width = 0
        var precision: Int?
        var letter: UInt8 = 0
    }

    private static let widthLimit = 1000

    func formatted(_ format: Text, _ values: Value) throws(TemplateError) -> Text {
        var rest: ArraySlice<Value>
        if case .list(let list) = values, list.isTuple {
            rest = list.items[...]
        } else {
            rest = [values]
        }
        // Python lets what has items go unused.
        let mayGoUnused =
            switch values {
            case .dictionary, .undefined: true
            case .list(let list): !list.isTuple
            default: false
            }
        var result: [UInt8] = []
        var bytes = format.bytes[...]
        while let byte = bytes.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                result.append(byte)
                continue
            }
            let place = try takePlace(&bytes)
            if place.letter == UInt8(ascii: "%") {
                result.append(byte)
                continue
            }
            guard let value = rest.popFirst() else {
                let reason = "the format has more places than values"
                throw failure(.wrongArguments(of: "'%'", reason: reason))
            }
            result += try padded(try shown(value, at: place), place).bytes
            try charge(bytes: result.count / 16)
        }
        guard rest.isEmpty || mayGoUnused else {
            let reason = "the format has fewer places than values"
            throw failure(.wrongArguments(of: "'%'", reason: reason))
        }
        return Text(bytes: result)
    }

    private func takePlace(_ bytes: inout ArraySlice<UInt8>) throws(TemplateError) -> Place {
        var place = Place()
        while let flag = bytes.first, "-0+ ".utf8.contains(flag) {
            place.isLeft = place.isLeft || flag == UInt8(ascii: "-")
            place.hasZeros = place.hasZeros || flag == UInt8(ascii: "0")
            place.hasPlus = place.hasPlus || flag == UInt8(ascii: "+")
            bytes.removeFirst()
        }
        place.width = try takeNumber(&bytes) ?? 0
        if bytes.first == UInt8(ascii: ".") {
            bytes.removeFirst()
            place.precision = try takeNumber(&bytes) ?? 0
        }
        guard let letter = bytes.popFirst(), "%sdifrxX".utf8.contains(letter) else {
            let reason = "after '%' must stand s, d, i, f, r, x, X or %"
            throw failure(.wrongArguments(of: "'%'", reason: reason))
        }
        place.letter = letter
        return place
    }

    private func takeNumber(_ bytes: inout ArraySlice<UInt8>) throws(TemplateError) -> Int? {
        let digits = bytes.prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty else { return nil }
        bytes.removeFirst(digits.count)
        guard let number = Int(String(decoding: digits, as: UTF8.self)), number <= Self.widthLimit
        else { throw failure(.notInRange("a width in a format")) }
        return number
    }

    private func shown(_ value: Value, at place: Place) throws(TemplateError) -> Text {
        switch place.letter {
        case UInt8(ascii: "s"), UInt8(ascii: "r"):
            var bytes: [UInt8] = []
            if place.letter == UInt8(ascii: "r") {
                try represent(value, into: &bytes)
            } else {
                bytes = try shown(value).bytes
            }
            guard let precision = place.precision else { return Text(bytes: bytes) }
            return Text(
                String(String(decoding: bytes, as: UTF8.self).unicodeScalars.prefix(precision))
            )
        case UInt8(ascii: "f"):
            guard let number = value.number else {
                throw failure(.wrongType(operation: "write as a number", found: value.kind))
            }
            let digits = Decimal.text(number, digits: place.precision ?? 6)
            guard let digits else { throw failure(.notInRange("\(number), to be written out,")) }
            return Text((place.hasPlus && number >= 0 ? "+" : "") + digits)
        default:
            let truncated = value.number.flatMap { Int(exactly: $0.rounded(.towardZero)) }
            guard let integer = value.integer ?? truncated else {
                throw failure(.wrongType(operation: "write as a number", found: value.kind))
            }
            let isDecimal = "di".utf8.contains(place.letter)
            let digits = String(
                integer,
                radix: isDecimal ? 10 : 16,
                uppercase: place.letter == UInt8(ascii: "X")
            )
            return Text((place.hasPlus && integer >= 0 ? "+" : "") + digits)
        }
    }

    private func padded(_ text: Text, _ place: Place) throws(TemplateError) -> Text {
        let missing = max(0, place.width - text.count)
        guard missing > 0 else { return text }
        let isNumber = !"sr".utf8.contains(place.letter)
        if place.isLeft {
            return Text(bytes: text.bytes + [UInt8](repeating: 0x20, count: missing))
        }
        guard place.hasZeros, isNumber else {
            return Text(bytes: [UInt8](repeating: 0x20, count: missing) + text.bytes)
        }
        let sign = text.bytes.prefix { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
        let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: missing)
        return Text(bytes: sign + zeros + text.bytes.dropFirst(sign.count))
    }
}

/// Numbers with so many digits behind the point, rounded as Python rounds.
enum Decimal {
    /// Up to here powers of ten are exact.
    private static let digitLimit = 22

    /// The number times 10^`digits`, rounded to a whole one; ties go to the even one.
    private static func scaled(_ number: Double, digits: Int) -> (whole: Double, power: Double)? {
        guard (0...digitLimit).contains(digits), number.isFinite else { return nil }
        var power = 1.0
        for _ in 0..<digits { power *= 10 }
        let product = number * power
        // What rounding the product to a double took away; it decides between ties.
        let rest = (-product).addingProduct(number, power)
        guard product.magnitude < 0x1p52 else { return nil }
        var whole = product.rounded(.toNearestOrEven)
        let distance = product - whole
        if distance == 0.5, rest > 0 { whole = product.rounded(.up) }
        if distance == -0.5, rest < 0 { whole = product.rounded(.down) }
        return (whole, power)
    }

    static func rounded(_ number: Double, digits: Int) -> Double {
        guard let (whole, power) = scaled(number, digits: digits) else { return number }
        return whole / power
    }

    /// - Returns: nil for what is too large to be written out.
    static func text(_ number: Double, digits: Int) -> String? {
        guard let (whole, _) = scaled(number, digits: digits) else { return nil }
        let isNegative = number.sign == .minus
        var text = String(Int64(whole.magnitude))
        while text.utf8.count <= digits { text = "0" + text }
        let point = text.index(text.endIndex, offsetBy: -digits)
        let sign = isNegative ? "-" : ""
        guard digits > 0 else { return sign + text }
        return sign + text[..<point] + "." + text[point...]
    }
}
