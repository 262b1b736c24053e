/// Many strings in one piece of memory: a vocabulary has hundreds of thousands.
public struct GGUFStrings: RandomAccessCollection, Equatable, Sendable {
    /// All strings, one after the other.
    private(set) var bytes: [UInt8] = []
    /// Where each string ends in `bytes`.
    private var ends: [Int] = []

    public init() {}

    public init(_ strings: some Sequence<[UInt8]>) {
        for string in strings { append(string) }
    }

    public init(_ strings: some Sequence<String>) {
        for string in strings { append(Array(string.utf8)) }
    }

    public mutating func append(_ string: [UInt8]) {
        bytes.append(contentsOf: string)
        ends.append(bytes.count)
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { ends.count }

    public subscript(index: Int) -> [UInt8] {
        Array(bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]])
    }

    mutating func reserveCapacity(_ count: Int) { ends.reserveCapacity(count) }

    /// Appends `piece` to the string that `endString` will end.
    mutating func extendString(with piece: ArraySlice<UInt8>) {
        bytes.append(contentsOf: piece)
    }

    mutating func endString() { ends.append(bytes.count) }
}
