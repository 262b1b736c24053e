internal import CPCRE2

/// A compiled PCRE2 pattern that cuts UTF-8 text into pieces.
///
/// Owns the compiled code and the match context. Neither changes once made, so any number of
/// threads may match at once; what PCRE2 writes while matching is made anew for each call.
@safe
final class Pattern: Sendable {
    /// Steps of one match after which PCRE2 gives up.
    ///
    /// Our patterns need a few steps a byte, so only a mistake in a pattern gets here, and then
    /// as an error instead of a hang.
    private static let matchLimit: UInt32 = 1 << 28

    private nonisolated(unsafe) let code: OpaquePointer
    private nonisolated(unsafe) let context: OpaquePointer

    init(_ pattern: String) throws(TokenizerError) {
        var error: Int32 = 0
        var offset = 0
        let bytes = Array(pattern.utf8)
        let options = PCRE2_UTF | PCRE2_UCP
        let code = unsafe pcre2_compile_8(bytes, bytes.count, options, &error, &offset, nil)
        guard let code = unsafe code else {
            throw .patternRefused(pattern: pattern, code: error, offset: offset)
        }
        guard let context = unsafe pcre2_match_context_create_8(nil) else {
            unsafe pcre2_code_free_8(code)
            throw .matchingFailed(code: PCRE2_ERROR_NOMEMORY)
        }
        // Where PCRE2 cannot compile to machine code, its interpreter finds the same pieces.
        _ = unsafe pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE)
        _ = unsafe pcre2_set_match_limit_8(context, Self.matchLimit)
        unsafe self.code = code
        unsafe self.context = context
    }

    deinit {
        unsafe pcre2_match_context_free_8(context)
        unsafe pcre2_code_free_8(code)
    }

    /// Cuts a range into its matches and what lies between them, in order and without loss.
    ///
    /// The pattern sees nothing outside the range.
    ///
    /// - Parameters:
    ///   - text: must be well-formed UTF-8 within the range; PCRE2 is told not to check.
    ///   - range: bytes of `text`, cut at character boundaries.
    ///   - pieces: the pieces are appended here, none of them empty.
    /// - Throws: `matchingFailed` if PCRE2 runs out of steps or memory.
    func cut(
        _ text: [UInt8],
        in range: Range<Int>,
        into pieces: inout [Range<Int>]
    ) throws(TokenizerError) {
        guard let match = unsafe pcre2_match_data_create_8(1, nil) else {
            throw .matchingFailed(code: PCRE2_ERROR_NOMEMORY)
        }
        defer { unsafe pcre2_match_data_free_8(match) }

        var position = range.lowerBound
        while position < range.upperBound {
            guard let found = unsafe try find(in: text, range, from: position, match: match) else {
                break
            }
            if position < found.lowerBound {
                pieces.append(position..<found.lowerBound)
            }
            pieces.append(found)
            position = found.upperBound
        }
        if position < range.upperBound {
            pieces.append(position..<range.upperBound)
        }
    }

    /// The first non-empty match at or after a position, or nil.
    private func find(
        in text: [UInt8],
        _ range: Range<Int>,
        from position: Int,
        match: OpaquePointer
    ) throws(TokenizerError) -> Range<Int>? {
        let result = unsafe text.withUnsafeBufferPointer { bytes in
            let subject = unsafe UnsafeBufferPointer(rebasing: bytes[range])
            return unsafe pcre2_match_8(
                code,
                subject.baseAddress,
                subject.count,
                position - range.lowerBound,
                PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY,
                match,
                context
            )
        }
        guard result != PCRE2_ERROR_NOMATCH else { return nil }
        guard result >= 0, let ends = unsafe pcre2_get_ovector_pointer_8(match) else {
            throw .matchingFailed(code: result)
        }
        return unsafe range.lowerBound + ends[0]..<range.lowerBound + ends[1]
    }
}
