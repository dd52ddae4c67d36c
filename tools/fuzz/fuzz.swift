// The entry that libFuzzer calls. FUZZ_TARGET names the target.

import Foundation

private let target = ProcessInfo.processInfo.environment["FUZZ_TARGET"].flatMap(FuzzTarget.init(rawValue:))

/// Takes one input of libFuzzer's.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard let target else { fatalError("FUZZ_TARGET names no target") }
    unsafe target.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}
