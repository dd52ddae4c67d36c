// libFuzzer targets of the control channel: segments, DCE/RPC units and MAPI stubs out of any bytes. What is done with
// them is what the tests do with the corpus. Built by tools/fuzz/fuzz; FUZZ_TARGET says which.
import Foundation

private let target = ProcessInfo.processInfo.environment["FUZZ_TARGET"].flatMap(FuzzTarget.init(rawValue:))

/// One input of the fuzzer; a broken promise traps.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard let target else { fatalError("FUZZ_TARGET names no target") }
    target.run(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}
