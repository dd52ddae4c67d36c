import CLinux
import Glibc
import Synchronization
import Testing

@testable import ProcessMetadata

@Suite struct DescriptorTableTests {
    /// A thread that holds a socket in a table of its own, where the process does not show it.
    private final class Hider: Sendable {
        let inode = Atomic<UInt64>(0)
        let mayEnd = Atomic(false)
        let hasEnded = Atomic(false)

        func start() -> Bool {
            SystemCalls.startThread { [self] in
                var socketInode: UInt64 = .max
                if unshare(CLONE_FILES) == 0 {
                    let number = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
                    var status = stat()
                    if unsafe fstat(number, &status) == 0 { socketInode = UInt64(status.st_ino) }
                }
                inode.store(socketInode, ordering: .releasing)
                while !mayEnd.load(ordering: .acquiring) { usleep(1000) }
                hasEnded.store(true, ordering: .releasing)
            }
        }

        func end() {
            mayEnd.store(true, ordering: .releasing)
            for _ in 0..<2000 where !hasEnded.load(ordering: .acquiring) { usleep(1000) }
        }
    }

    @Test func aThreadsOwnSocketIsItsProcesss() throws {
        let hider = Hider()
        try #require(hider.start())
        defer { hider.end() }
        for _ in 0..<2000 where hider.inode.load(ordering: .acquiring) == 0 { usleep(1000) }
        let inode = hider.inode.load(ordering: .acquiring)
        try #require(inode != 0 && inode != .max)
        let holders = SocketHolders(of: [inode], procfs: ProcFS())
        let found = try #require(holders.found[UInt32(getpid())])
        #expect(found.map(\.inode) == [inode] && found.allSatisfy(SocketHolders.isHeld))
        #expect(found.allSatisfy { $0.folder.contains("/task/") })
        #expect(holders.found.count == 1)
    }

    @Test func beyondTheBoundItIsNotTheWhole() throws {
        let hider = Hider()
        try #require(hider.start())
        defer { hider.end() }
        for _ in 0..<2000 where hider.inode.load(ordering: .acquiring) == 0 { usleep(1000) }
        for (tables, isWhole) in [(1024, true), (0, false)] {
            var budget = DescriptorBudget(tables: tables)
            let seen = ProcFS().descriptorTables(of: UInt32(getpid()), &budget)
            #expect(seen.isWhole == isWhole && (seen.tables.count > 1) == isWhole)
        }
        var fewThreads = DescriptorBudget(threads: 0)
        #expect(!ProcFS().descriptorTables(of: UInt32(getpid()), &fewThreads).isWhole)
    }
}
