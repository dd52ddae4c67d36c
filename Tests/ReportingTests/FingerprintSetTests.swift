import Testing

@testable import Reporting

@Suite("Sets of fingerprints")
struct FingerprintSetTests {
    @Test("It has what was put into it, once, and grows")
    func againstSet() {
        var set = FingerprintSet()
        var state: UInt64 = 1
        var known: Set<UInt64> = []
        for _ in 0..<10_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // Few bits differ, so that many come twice and many lie side by side.
            let fingerprint = state >> 50 | 1
            #expect(set.insert(fingerprint) == known.insert(fingerprint).inserted)
        }
        #expect(set.count == known.count && known.allSatisfy { set.contains($0) })
        #expect(!set.contains(0xFFFF_FFFF_FFFF_0000))
    }

    @Test("Beyond its limit it takes nothing more, and knows what it has")
    func limit() {
        var set = FingerprintSet()
        for fingerprint in UInt64(1)...3 { #expect(set.note(fingerprint, limit: 3) == .new) }
        #expect(set.note(4, limit: 3) == .beyondLimit)
        #expect(set.note(2, limit: 3) == .known)
        #expect(set.count == 3 && !set.contains(4))
    }
}
