import Foundation
import Tensors
import Testing

@Suite("Lock files")
struct LockFileTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test("A file that is held is held once, and free when its holder goes")
    func once() throws {
        let path = directory.path("lock")
        do {
            let first = try LockFile(path: path)
            #expect(first?.path == path)
            #expect(try LockFile(path: path) == nil)
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(text == "\(ProcessInfo.processInfo.processIdentifier)\n")
            withExtendedLifetime(first) {}
        }
        #expect(try LockFile(path: path) != nil)
    }

    @Test("A directory that is not there is named")
    func missingDirectory() throws {
        let path = directory.path("nowhere/lock")
        #expect {
            _ = try LockFile(path: path)
        } throws: { error in
            "\(error)".contains("\(path): cannot open")
        }
    }
}
