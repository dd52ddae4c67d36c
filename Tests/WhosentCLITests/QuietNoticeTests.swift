import Testing

@testable import WhosentCLI

/// What a run that reports nothing says.
@Suite("Quiet notice")
struct QuietNoticeTests {
    private func begun(_ interface: String = "any", _ expression: String = "", isFiltered: Bool = false) -> QuietNotice
    {
        var notice = QuietNotice(interface: interface, expression: expression, isFiltered: isFiltered)
        notice.begin(at: 1_000_000_000)
        return notice
    }

    @Test("It comes after ten seconds, once")
    func once() {
        var notice = begun()
        #expect(notice.sentence(at: 10_999_999_999, captured: 0, reported: 0) == nil)
        #expect(notice.sentence(at: 11_000_000_000, captured: 0, reported: 0) != nil)
        #expect(notice.sentence(at: 99_000_000_000, captured: 0, reported: 0) == nil)
    }

    @Test("It does not come once something was reported, however quiet it is then")
    func reported() {
        var notice = begun()
        #expect(notice.sentence(at: 2_000_000_000, captured: 1, reported: 1) == nil)
        #expect(notice.sentence(at: 30_000_000_000, captured: 1, reported: 1) == nil)
    }

    @Test("It says what is waited for")
    func words() {
        var all = begun()
        #expect(
            all.sentence(at: .max, captured: 0, reported: 0)
                == "no packet in 10 s; still waiting for UDP or ICMP on any interface of this network namespace "
                + "(--netns NAME looks into another, Ctrl-C ends it)")
        var one = begun("eth0", "udp port 53")
        #expect(
            one.sentence(at: .max, captured: 0, reported: 0)
                == "no packet in 10 s; still waiting for UDP or ICMP on eth0 that passes \"udp port 53\" "
                + "(-i any looks everywhere, Ctrl-C ends it)")
        var filtered = begun("eth0", isFiltered: true)
        #expect(
            filtered.sentence(at: .max, captured: 7, reported: 0)
                == "7 packets in 10 s, none of it UDP or ICMP that the output options ask for; still waiting")
    }
}
