// Any bytes as a chat template and a conversation. `make fuzz TARGET=templates` builds and runs it.

import CLibFuzzer
import Fuzzing
import Glibc

let probe = ChatProbe()
var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? =
    unsafe CommandLine.unsafeArgv
let status = unsafe LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
    let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
    if case .changed(let what) = probe.outcome(of: input) { fatalError(what) }
    return 0
}
exit(status)
