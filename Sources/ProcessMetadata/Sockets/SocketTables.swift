public import Records
internal import SystemPackage

/// Reads again and again which UDP, ping and raw sockets there are in this network namespace and who holds them, for
/// machines that do not let anybody see the sends themselves.
///
/// Each reading is done by another thread, so that the packet path never waits. It takes at most about a tenth of one
/// processor: the more processes and descriptors there are, the rarer the readings become.
public final class SocketTables {
    /// One reading.
    public struct Reading: Sendable {
        /// The sockets and their holders.
        public var snapshot: SocketSnapshot
        /// The holders, and the parents of those that are new.
        public var processes: [ProcessRecord]
    }

    /// Nanoseconds from one reading's end to the next one's begin, at least.
    static let interval: Int64 = 250_000_000
    /// The same where a packet came from a socket that the last reading does not show.
    static let hurriedInterval: Int64 = 50_000_000

    /// What the process records hold for.
    public let machine: ProcessTable.Machine

    private let worker: BackgroundWorker<Void, Reading>
    private var lastEnd: Int64 = 0
    private var duration: Int64 = 0
    private var isAsked = false

    /// Nothing is read before ``poll(hurried:)``.
    public init(procfs: ProcFS = ProcFS()) {
        let clocks = SystemCalls.clocks()
        machine = ProcessTable.Machine(
            bootID: LiveProcesses.bootID(procfs: procfs.root), bootTimeOffset: clocks.wall - clocks.boot,
            startTimeTick: procfs.tick)
        let images = SeenImages()
        worker = BackgroundWorker(queueLimit: 1, patience: 60_000_000_000, standsBack: true) {
            Self.read(procfs, images)
        }
    }

    /// What was read since the last call, and asks for the next reading where it is time.
    ///
    /// - Parameter hurried: the last reading does not show what has to be known.
    public func poll(hurried: Bool) -> [Reading] {
        let readings = worker.takeAnswers()
        let now = SystemCalls.clocks().boot
        if let last = readings.last {
            isAsked = false
            lastEnd = now
            duration = last.snapshot.ended.since(last.snapshot.began)
        }
        let wait = hurried ? max(Self.hurriedInterval, 4 * duration) : max(Self.interval, 10 * duration)
        if !isAsked, lastEnd == 0 || now - lastEnd >= wait { isAsked = worker.request(()) }
        return readings
    }

    /// Waits for the first reading, at most `milliseconds`; empty where it took longer.
    public func first(waitingUpTo milliseconds: Int = 10_000) -> [Reading] {
        let deadline = SystemCalls.clocks().boot + Int64(milliseconds) * 1_000_000
        while SystemCalls.clocks().boot < deadline {
            let readings = poll(hurried: true)
            if !readings.isEmpty { return readings }
            SystemCalls.pause(milliseconds: 2)
        }
        return []
    }

    // MARK: On the other thread

    private static func read(_ procfs: ProcFS, _ images: SeenImages) -> Reading {
        let began = now()
        // The tracker first: an entry lives for longer than a reading takes.
        let translations = ConnectionTable.read(procfs: procfs.root)
        let listed = SocketListing.read(procfs: procfs.root)
        let holders = SocketHolders(of: Set(listed.map(\.inode)).subtracting([0]), procfs: procfs)
        var byInode: [UInt64: [SocketHolder]] = [:]
        var processes: [ProcessRecord] = []
        var doubtful = Set<UInt64>()
        var running = Set<ProcessKey>()
        for (pid, descriptors) in holders.found.sorted(by: { $0.key < $1.key }) {
            guard let (holder, records) = images.holder(pid, descriptors, procfs) else {
                doubtful.formUnion(descriptors.map(\.inode))
                continue
            }
            running.insert(holder.process)
            processes += records
            for inode in Set(descriptors.map(\.inode)) { byInode[inode, default: []].append(holder) }
        }
        images.keep(running)
        let sockets = listed.map { socket in
            OpenSocket(
                kind: socket.kind, address: socket.address, isDual: socket.isDual, port: socket.port,
                inode: socket.inode, holders: byInode[socket.inode] ?? [],
                hasUnknownHolder: doubtful.contains(socket.inode))
        }
        let snapshot = SocketSnapshot(
            began: began, ended: now(), sockets: sockets, hidesProcesses: holders.hidesProcesses,
            translations: translations)
        return Reading(snapshot: snapshot, processes: processes)
    }

    private static func now() -> Timestamp { Timestamp(nanoseconds: SystemCalls.clocks().wall) }
}
