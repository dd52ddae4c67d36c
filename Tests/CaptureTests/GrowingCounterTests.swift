import Testing

@testable import Capture

@Suite("Counters of 32 bits")
struct GrowingCounterTests {
    @Test func growsOverTheWrap() {
        var counter = GrowingCounter()
        for value in [0, 5, 0xFFFF_FFF0, 0x10, 0x10, 0xFFFF_FFFF, 0] as [UInt32] { counter.update(value) }
        #expect(counter.total == 0x2_0000_0000)
    }
}
