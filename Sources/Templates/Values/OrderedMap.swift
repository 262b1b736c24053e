/// Keys and values in the order in which the keys came.
struct OrderedMap<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private(set) var keys: [Key] = []
    private(set) var values: [Value] = []
    /// Where each key stands; made only once there are more than are compared quickly.
    private var places: [Key: Int] = [:]

    private static var comparedCount: Int { 8 }

    var count: Int { keys.count }

    private func place(of key: Key) -> Int? {
        places.isEmpty ? keys.firstIndex(of: key) : places[key]
    }

    /// The value of a key; setting nil changes nothing.
    subscript(key: Key) -> Value? {
        get { place(of: key).map { values[$0] } }
        set {
            guard let newValue else { return }
            if let place = place(of: key) {
                values[place] = newValue
                return
            }
            keys.append(key)
            values.append(newValue)
            if keys.count == Self.comparedCount + 1 {
                for (place, key) in keys.enumerated() { places[key] = place }
            } else if keys.count > Self.comparedCount {
                places[key] = keys.count - 1
            }
        }
    }
}
