import Correlation
import Records
import Reporting
import Testing

@Suite("Output filter")
struct OutputFilterTests {
    /// Frames of the sample run that pass.
    @Test(arguments: [
        (OutputFilter(), Array(1...18)),
        (OutputFilter(processIDs: [2136]), [1, 12, 13]),
        (OutputFilter(processIDs: [2136, 311]), [1, 2, 12, 13, 18]),
        (OutputFilter(processIDs: [11]), [4]),  // a candidate
        (OutputFilter(processIDs: [12]), [4, 5]),
        (OutputFilter(processNames: ["ping"]), [2, 18]),
        (OutputFilter(processNames: ["/opt/x/store"]), [1, 12, 13]),
        (OutputFilter(processNames: ["a"]), [4]),
        (OutputFilter(processNames: [Sample.hostile]), [4, 5]),
        (OutputFilter(processNames: [Sample.undecodable, "nobody"]), [6]),
        (OutputFilter(tags: ["newmail"]), [1]),
        (OutputFilter(tags: ["newmail", "dsaccess-ping"]), [1, 2]),
        (OutputFilter(tags: ["other"]), []),
        (OutputFilter(minimumConfidences: [.exact]), [1, 2, 5, 6, 7, 9, 10, 12, 13, 16, 18]),
        (OutputFilter(minimumConfidences: [.exact, .probable]), [1, 2, 3, 5, 6, 7, 8, 9, 10, 12, 13, 16, 17, 18]),
        (OutputFilter(minimumConfidences: [.ambiguous], verdicts: [.process]), [1, 2, 3, 4, 5, 6, 12, 13, 18]),
        (OutputFilter(verdicts: [.kernel, .received]), [7, 10, 16, 17]),
        (OutputFilter(processIDs: [311], tags: ["dsaccess-ping"], verdicts: [.process]), [2]),
        (OutputFilter(processIDs: [311], tags: ["newmail"]), []),
    ])
    func chooses(filter: OutputFilter, frames: [UInt64]) {
        #expect(Sample.packets.filter(filter.allows).map(\.packet.frame) == frames)
        #expect(filter.isEmpty == (frames.count == 18))
    }

    @Test func escapedAndRawNamesAreTheSame() {
        let raw = String(decoding: [UInt8](#"a\x41"#.utf8), as: UTF8.self)
        var reported = Sample.packets[0]
        reported.process?.name = #"a\x5cx41"#
        #expect(OutputFilter(processNames: [raw]).allows(reported))
        #expect(OutputFilter(processNames: [#"a\x5cx41"#]).allows(reported))
    }
}
