#if _endian(big)
    #error("raw frames are copied as they lie in memory, and on the wire they are little-endian")
#endif

/// What raw frames are arrays of: numbers of which every bit pattern is one.
protocol FrameElement: BitwiseCopyable {
    static var zero: Self { get }
}

extension Int8: FrameElement {}
extension Int32: FrameElement {}
extension UInt32: FrameElement {}
extension UInt8: FrameElement {}
extension UInt16: FrameElement {}
extension Float: FrameElement {}
extension UInt64: FrameElement {}
extension Double: FrameElement {}

/// A raw frame with the memory of `values`.
func frame<Element: FrameElement>(_ values: [Element]) -> [UInt8] {
    unsafe values.withUnsafeBytes { unsafe Array($0) }
}

/// The values of a raw frame that lies anywhere.
///
/// - Precondition: the frame is exactly that long; the reader has checked it.
func values<Element: FrameElement>(of frame: RawSpan, count: Int) -> [Element] {
    precondition(frame.byteCount == count * MemoryLayout<Element>.size)
    return unsafe Array(unsafeUninitializedCapacity: count) { buffer, initializedCount in
        unsafe frame.withUnsafeBytes { bytes in
            unsafe UnsafeMutableRawBufferPointer(buffer).copyBytes(from: bytes)
        }
        initializedCount = count
    }
}

/// The values of a raw frame.
///
/// - Precondition: the frame is exactly that long; the reader has checked it.
func values<Element: FrameElement>(of frame: [UInt8], count: Int) -> [Element] {
    precondition(frame.count == count * MemoryLayout<Element>.size)
    return unsafe Array(unsafeUninitializedCapacity: count) { buffer, initializedCount in
        unsafe UnsafeMutableRawBufferPointer(buffer).copyBytes(from: frame)
        initializedCount = count
    }
}
