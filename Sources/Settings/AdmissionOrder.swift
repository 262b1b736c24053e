/// In which order jobs of one client and priority are let in.
public enum AdmissionOrder: String, CaseIterable, Sendable {
    /// By what is left of their objectives, and so that others keep theirs.
    case objectives
    /// First come, first served.
    case arrival
}

extension SettingKind<AdmissionOrder> {
    static var admissionOrder: SettingKind {
        SettingKind(
            allowed: "one of " + AdmissionOrder.allCases.map(\.rawValue).joined(separator: ", "),
            parse: { AdmissionOrder(rawValue: $0) },
            text: \.rawValue
        )
    }
}
