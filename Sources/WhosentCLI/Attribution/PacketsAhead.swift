import Capture
import Records
import Synchronization

/// The tagged packets of one capture file, read on a thread of its own where there is a processor for it.
///
/// The packets are the same in the same order, so the thread shows in nothing but the time that it takes.
struct PacketsAhead: ~Copyable {
    /// See ``FillingThread/init(group:_:)``.
    private static let group = 3

    private let reading: PacketReading
    private let thread: FillingThread<TaggedPackets>
    private let isAhead: Bool
    private var isReading = true

    /// Begins to read.
    ///
    /// - Parameter file: nothing else may be asked of it before the end, but its progress.
    init(_ file: Savefile, _ tagger: PacketTagger) {
        let reading = PacketReading(file, tagger)
        self.reading = reading
        thread = FillingThread(group: Self.group) { reading.read(into: &$0) }
        isAhead = file.mayBeReadAhead && thread.start(TaggedPackets())
    }

    /// What is read already is the last: what was to come is left out.
    func end() { reading.isStopped.store(true, ordering: .relaxed) }

    /// Takes the next packets; false at the end.
    mutating func next(_ packets: inout TaggedPackets) -> Bool {
        guard isReading else { return false }
        if isAhead { thread.take(&packets) } else { _ = reading.read(into: &packets) }
        isReading = !packets.areLast
        return true
    }

    /// Ends the reading, wherever it is.
    ///
    /// - Returns: the tagger as it then is.
    consuming func stop() -> PacketTagger {
        if isAhead { thread.stop() }
        return reading.tagger
    }
}

/// The file and the tagger, which one thread uses at a time: see ``FillingThread``.
private final class PacketReading: @unchecked Sendable {
    /// So many packets that handing them over costs little, so few that they stay in the processor's caches.
    private static let enough = 1 << 11
    /// So many frames of other kinds that whoever waits for packets can be stopped soon.
    private static let enoughOthers: UInt64 = 1 << 14

    let isStopped = Atomic(false)
    /// What is read is there: nobody waits for it in vain.
    private let mayWait: Bool
    private let file: Savefile
    private(set) var tagger: PacketTagger

    init(_ file: Savefile, _ tagger: PacketTagger) {
        self.file = file
        self.tagger = tagger
        mayWait = file.mayBeReadAhead
    }

    /// True for the last batch.
    func read(into packets: inout TaggedPackets) -> Bool {
        packets.removeAll()
        repeat {
            let batch = isStopped.load(ordering: .relaxed) ? nil : file.nextBatch()
            if let batch { tagger.add(batch, to: &packets) }
            if batch?.isLast ?? true { tagger.end(&packets) }
        } while !packets.areLast && mayWait && packets.packets.count < Self.enough
            && packets.others < Self.enoughOthers
        return packets.areLast
    }
}
