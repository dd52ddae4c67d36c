import Records
import Testing

@Suite("Spans of loss")
struct LossHistoryTests {
    private func loss(_ kind: LossInterval.Kind, at milliseconds: Int64, count: UInt64 = 1) -> LossInterval {
        let start = Timestamp(nanoseconds: milliseconds * 1_000_000)
        return LossInterval(kind: kind, count: count, start: start, stop: start.advanced(by: 10_000_000))
    }

    @Test func neighboursAreOneSpan() {
        var history = LossHistory(capacity: 16)
        for step: Int64 in 0..<50 { history.add(loss(step % 2 == 0 ? .send : .process, at: step * 10)) }
        #expect(history.intervals.map(\.kind) == [.send, .process])
        #expect(history.intervals.map(\.count) == [25, 25])
        #expect(history.intervals[0].stop == Timestamp(nanoseconds: 490_000_000))
    }

    @Test func aSpanIsASecondAtMost() {
        var history = LossHistory(capacity: 16)
        for step: Int64 in 0..<300 { history.add(loss(.send, at: step * 10)) }
        #expect(history.intervals.count == 3 || history.intervals.count == 4)
        #expect(history.intervals.allSatisfy { $0.stop.since($0.start) <= 1_000_000_000 })
        #expect(history.intervals.map(\.count).reduce(0, +) == 300)
    }

    @Test func nothingIsForgottenWhenItIsFull() {
        var history = LossHistory(capacity: 16)
        for step: Int64 in 0..<1000 { history.add(loss(.send, at: step * 5000)) }
        #expect(history.intervals.count == 16)
        let whole = history.count(
            [.send], from: Timestamp(nanoseconds: 0), to: Timestamp(nanoseconds: 5_000_000_000_000))
        #expect(whole == 1000)
        #expect(history.count([.send], from: .distantPast, to: Timestamp(nanoseconds: 0)) > 0)
        #expect(history.count([.wire], from: .distantPast, to: .distantFuture) == 0)
    }

    @Test func takenOutItIsEmpty() {
        var history = LossHistory(capacity: 16)
        history.add(loss(.table, at: 0, count: 0))
        #expect(history.isEmpty)
        history.add(loss(.table, at: 0, count: 5))
        #expect(history.removeAll() == [loss(.table, at: 0, count: 5)])
        #expect(history.isEmpty)
    }
}
