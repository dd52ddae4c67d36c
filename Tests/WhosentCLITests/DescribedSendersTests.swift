import Records
import Testing

@testable import WhosentCLI

@Suite("What was written of the senders")
struct DescribedSendersTests {
    static func sending(_ pid: UInt32, at nanoseconds: Int64) -> DescribedSenders.Sending {
        let packet = IPPacket(source: IPAddress(v4: 1), destination: IPAddress(v4: 2), transport: .udp)
        return DescribedSenders.Sending(
            SendRecord(
                time: Timestamp(nanoseconds: nanoseconds), packet: packet,
                process: ProcessKey(pid: pid, startTime: 9), thread: pid, imageVersion: 1))
    }

    @Test("what is known no better is not written again, what is known better is, once")
    func completion() {
        var described = DescribedSenders()
        let first = Self.sending(7, at: 100)
        var description = ProcessDescription(pid: 7, name: "store")
        #expect(described.isNew(description, of: first) == false, "it was never described")
        described.insert(first, description)
        #expect(described.sendings(first.process).map(\.time) == [first.time])
        #expect(described.isNew(description, of: first) == false)
        description.sha256 = String(repeating: "0a", count: 32)
        #expect(described.isNew(description, of: first) == true)
        #expect(described.isNew(description, of: first) == false)
    }

    @Test("a sender whose own record comes late is known to lack its name until it is described with it")
    func lateName() {
        var described = DescribedSenders()
        let sending = Self.sending(7, at: 100)
        #expect(!described.lacksName(sending.process), "it was never described")
        described.insert(sending, ProcessDescription(pid: 7))
        #expect(described.lacksName(sending.process))
        #expect(described.isNew(ProcessDescription(pid: 7, name: "store"), of: sending) == true)
        #expect(!described.lacksName(sending.process))
    }

    @Test("a change is dated by the packet that had the process looked at again")
    func change() {
        var described = DescribedSenders()
        let first = Self.sending(7, at: 100)
        let second = Self.sending(7, at: 2_000_000_000)
        var description = ProcessDescription(pid: 7, name: "store")
        described.lookedAt(second)
        #expect(described.sendings(first.process).isEmpty)
        described.insert(first, description)
        described.lookedAt(second)
        #expect(described.sendings(first.process).map(\.time) == [first.time, second.time])
        description.image = .deleted
        #expect(described.isNew(description, of: second) == true)
        #expect(described.sendings(first.process).first?.time == second.time)
    }
}

@Suite("The sender of the last record")
struct LastSenderTests {
    private static func record(_ pid: UInt32, version: UInt32 = 1, cgroup: UInt64 = 1, at nanoseconds: Int64)
        -> SendRecord
    {
        let packet = IPPacket(source: IPAddress(v4: 1), destination: IPAddress(v4: 2), transport: .udp)
        return SendRecord(
            time: Timestamp(nanoseconds: nanoseconds), packet: packet, process: ProcessKey(pid: pid, startTime: 9),
            thread: pid, imageVersion: version, cgroup: cgroup)
    }

    @Test(
        "a burst is one question; another process, image or cgroup is another, and so is the same one later",
        arguments: [
            (record(7, at: 99_999_999), false), (record(7, at: 100_000_000), true), (record(8, at: 1), true),
            (record(7, version: 2, at: 1), true), (record(7, cgroup: 2, at: 1), true),
        ])
    func questions(record: SendRecord, isAnother: Bool) {
        var last = LastSender()
        let first = last.isAnother(Self.record(7, at: 0))
        let second = last.isAnother(record)
        #expect(first && second == isAnother)
    }
}
