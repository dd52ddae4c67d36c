import PcapNG
import Testing

@testable import WhosentCLI

@Suite("Progress")
struct ProgressTests {
    @Test(
        "A count, a rate, and the time left as far as the file's size tells",
        arguments: [
            (1000, 2.0, ReadProgress(position: 25, size: 100), "1000 packets, 500/s, 25 %, 6 s left"),
            (1000, 2.0, ReadProgress(position: 1, size: 1000), "1000 packets, 500/s, 0 %, 33 min left"),
            (7, 10.0, ReadProgress(position: 1, size: 5000), "7 packets, 0/s, 0 %, 13 h left"),
            (1000, 2.0, ReadProgress(position: 100, size: 100), "1000 packets, 500/s, 100 %, 0 s left"),
            (1000, 2.0, nil, "1000 packets, 500/s"),
        ])
    func text(count: Int, seconds: Double, file: ReadProgress?, expected: String) {
        #expect(Progress.text(count, "packets", seconds: seconds, file) == expected)
    }
}
