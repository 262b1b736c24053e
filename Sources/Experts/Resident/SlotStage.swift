/// What is known of an expert that has a slot.
enum SlotStage: UInt8 {
    /// It is in memory, and was used.
    case settled
    /// It is on its way, and nobody chose it.
    case early
    /// It is on its way, and waited for.
    case awaited
    /// It came early, and nobody used it so far.
    case unused
}
