import Foundation

/// A batch file, read line by line: it may be larger than memory.
struct BatchInput {
    private let file: FileHandle
    private let path: String
    private var buffer: [UInt8] = []
    private var position = 0
    private var isAtEnd = false
    /// Of the line that was read last, from 1.
    private(set) var lineNumber = 0

    /// Bytes read at a time.
    private static let pieceByteCount = 1 << 18
    /// A prompt may have a megabyte, and escapes make it longer.
    private static let lineByteCount = 8 << 20

    init(path: String) throws {
        self.path = path
        do {
            file = try FileHandle(forReadingFrom: URL(filePath: path))
        } catch {
            throw CommandFailure(
                "\(path) cannot be read: \(error.localizedDescription)",
                code: CommandFailure.dataError
            )
        }
    }

    /// The next line that is not empty, without its end; nil after the last one.
    mutating func next() throws -> [UInt8]? {
        while let line = try nextLine() {
            if line.contains(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\r") }) {
                return line
            }
        }
        return nil
    }

    private mutating func nextLine() throws -> [UInt8]? {
        var searched = position
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { position = end + 1 }
                lineNumber += 1
                return Array(buffer[position..<end])
            }
            searched = buffer.count
            guard !isAtEnd else { break }
            guard buffer.count - position <= Self.lineByteCount else {
                throw failure("the line is longer than \(Self.lineByteCount) bytes")
            }
            try readOn(&searched)
        }
        guard position < buffer.count else { return nil }
        defer { position = buffer.count }
        lineNumber += 1
        return Array(buffer[position...])
    }

    private mutating func readOn(_ searched: inout Int) throws {
        searched -= position
        buffer.removeFirst(position)
        position = 0
        let piece: Data?
        do {
            piece = try file.read(upToCount: Self.pieceByteCount)
        } catch {
            throw failure(error.localizedDescription)
        }
        isAtEnd = piece?.isEmpty != false
        if let piece { buffer += piece }
    }

    /// What is wrong with the line that was read last.
    func failure(_ reason: String) -> CommandFailure {
        CommandFailure("\(path):\(lineNumber): \(reason)", code: CommandFailure.dataError)
    }

    /// Reads the whole file once, so that nothing is submitted of one that is not in order.
    ///
    /// - Returns: how many lines have a job.
    static func check(_ path: String) throws -> Int {
        var input = try BatchInput(path: path)
        var count = 0
        while let line = try input.next() {
            do throws(BatchError) {
                _ = try BatchLine(line)
            } catch {
                throw input.failure("\(error)")
            }
            count += 1
        }
        return count
    }
}
