/// How a coordinator keeps keys and values; the names are those of the model format.
public enum KeyValueType: String, CaseIterable, Sendable {
    case f16
    case q8_0
}
