import Records
import Testing

@testable import ProcessMetadata

@Suite struct BoundTests {
    @Test func exitedProcessesAreKeptForAWhile() {
        var table = ProcessTable([], limits: .init(live: 100, exited: 10, ancestors: 10))
        for pid: UInt32 in 1...50 {
            table.add(exec(key(pid, UInt64(pid)), "p\(pid)", version: 1, at: Int64(pid)))
            table.add(exit(key(pid, UInt64(pid)), at: Int64(pid) + 1))
        }
        #expect(table.counts.exited == 10 && table.counts.evictedExited == 40 && table.counts.live == 0)
        #expect(table.describe(key(50, 50), version: 1, at: 50)?.name == "p50")
        #expect(table.describe(key(40, 40), version: 1, at: 40) == nil)
    }

    @Test func whatIsAskedForStaysLonger() {
        var table = ProcessTable([], limits: .init(live: 100, exited: 10, ancestors: 10))
        for pid: UInt32 in 1...200 {
            table.add(exec(key(pid, UInt64(pid)), "p\(pid)", version: 1, at: Int64(pid)))
            table.add(exit(key(pid, UInt64(pid)), at: Int64(pid) + 1))
            #expect(table.describe(key(1, 1), version: 1, at: 1)?.name == "p1")
        }
    }

    @Test func aForkBombPushesNoLivingProcessOut() {
        let daemon = key(2, 20)
        let bomb = key(3, 30)
        var table = ProcessTable(
            [exec(daemon, "daemon", version: 1, at: 0), exec(bomb, "bomb", version: 1, at: 0)],
            limits: .init(live: 64, exited: 32, ancestors: 8))
        for index: UInt32 in 0..<10_000 {
            let process = key(100 + index % 1000, 1000 + UInt64(index))
            table.add(fork(process, of: bomb, "bomb", version: 1, at: Int64(index)))
            table.add(exit(process, at: Int64(index) + 1))
        }
        #expect(table.describe(daemon, version: 1, at: 20_000)?.name == "daemon")
        #expect(table.counts == .init(live: 2, exited: 32, evictedExited: 9968, evictedLive: 0))
        #expect(table.store.entries.count <= 64 + 32 + 8)
        #expect(table.store.images.byteCount < 2000, "forked processes share one image")
    }

    @Test func livingProcessesBeyondTheLimitAreCounted() {
        var table = ProcessTable([], limits: .init(live: 50, exited: 10, ancestors: 10))
        for pid: UInt32 in 1...1000 {
            table.add(exec(key(pid, UInt64(pid)), "p", version: 1, at: Int64(pid)))
            _ = table.describe(key(1, 1), version: 1, at: 1)
        }
        #expect(table.counts.live == 50 && table.counts.evictedLive == 950)
        #expect(table.describe(key(1, 1), version: 1, at: 1)?.name == "p", "the one in use stays")
        let letGo = table.takeLetGo()
        #expect(letGo.map(\.kind) == [.processTable] && letGo.map(\.count) == [950])
        #expect(table.takeLetGo().isEmpty)
    }

    @Test func whatEndedLongAgoIsLetGoWithoutAWord() {
        var table = ProcessTable([], limits: .init(live: 100, exited: 10, ancestors: 10))
        for pid: UInt32 in 1...50 {
            table.add(exec(key(pid, UInt64(pid)), "p\(pid)", version: 1, at: Int64(pid) * 1_000_000_000))
            table.add(exit(key(pid, UInt64(pid)), at: Int64(pid) * 1_000_000_000))
        }
        #expect(table.counts.evictedExited == 40 && table.takeLetGo().isEmpty)
    }

    @Test func longArgumentsAreBounded() {
        let long = [String](repeating: String(repeating: "a", count: 100), count: 100)
        var table = ProcessTable([], limits: .init(live: 10_000, exited: 10, ancestors: 10, textBytes: 1 << 20))
        for pid: UInt32 in 1...2000 {
            table.add(exec(key(pid, UInt64(pid)), "p", version: 1, at: Int64(pid), arguments: long))
        }
        #expect(table.store.images.byteCount <= 1 << 20)
        #expect(table.counts.evictedLive > 0)
        let arguments = table.describe(key(2000, 2000), version: 1, at: 2000)?.arguments
        #expect(arguments?.count == 82 && arguments?.last == "…")
    }

    @Test func everyImageIsReleasedInTheEnd() {
        var table = ProcessTable([], limits: .init(live: 4, exited: 4, ancestors: 4))
        for round: UInt64 in 0..<500 {
            let parent = key(10 + UInt32(round % 3), 1000 + round * 10)
            let child = key(20 + UInt32(round % 5), 1001 + round * 10)
            let at = Int64(round) * 10
            table.add(exec(parent, "a", version: 1, at: at))
            table.add(fork(child, of: parent, "a", version: 1, at: at + 1))
            table.add(snapshot(child, "a", at: at + 2))
            table.add(exec(child, "b", version: 2, at: at + 3))
            table.add(snapshot(child, "zombie", at: at + 8))
            table.add(exit(child, at: at + 4))
            table.add(exit(parent, at: at + 5))
            _ = table.describe(child, version: 2, at: at + 3)
        }
        let held = table.store.entries.reduce(0) { $0 + $1.timeline.moments.compactMap(\.image).count }
        #expect(table.store.entries.count <= 14)
        #expect(table.store.images.byteCount <= held * 400)
        #expect(table.store.images.byteCount > 0)
    }

    @Test func anEndedParentOfALivingProcessIsKept() {
        var table = ProcessTable([], limits: .init(live: 100, exited: 10, ancestors: 10))
        table.add(exec(key(5, 50), "launcher", version: 1, at: 0))
        table.add(fork(key(6, 60), of: key(5, 50), "launcher", version: 1, at: 1))
        table.add(exit(key(5, 50), at: 2))
        for pid: UInt32 in 100..<1000 {
            table.add(exec(key(pid, UInt64(pid)), "p", version: 1, at: Int64(pid)))
            table.add(exit(key(pid, UInt64(pid)), at: Int64(pid) + 1))
        }
        #expect(table.describe(key(6, 60), version: 1, at: 5000)?.parents.map(\.name) == ["launcher"])
    }
}
