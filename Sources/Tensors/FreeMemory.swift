internal import CLinux

/// Memory that is free and that the allocator keeps, so that the next ones to ask have it sooner.
public enum FreeMemory {
    /// Gives it back to the system; takes some milliseconds where it is much.
    public static func giveBack() { moiety_return_free_memory() }
}
