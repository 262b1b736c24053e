// Any bytes as a model file. `make fuzz TARGET=gguf` builds and runs it.

import CLibFuzzer
import Fuzzing
import Glibc

let probe = ModelProbe()
let file = try ScratchFile()
var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? =
    unsafe CommandLine.unsafeArgv
let status = unsafe LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
    let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
    do {
        try file.write(input)
    } catch {
        fatalError("\(error)")
    }
    _ = probe.outcome(ofFileAt: file.path)
    return 0
}
exit(status)
