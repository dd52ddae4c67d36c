import PacketDecoding
import PcapNG
import Records

/// Reads a pcapng in which another tool named processes by packet comments.
final class ForeignCapture: RecordStream {
    let kind: EvidenceKind
    let isConverted = false
    let endedWithoutSummary = false
    let clock: EvidenceClock
    private(set) var coverage = Coverage.none

    private let file: String
    private let host: UInt16
    private var blocks: BlockReader
    private var position: UInt64
    private var seenDamage = 0
    private var findings: [Damage] = []
    private var ready: [EvidenceRecord] = []
    /// The packet at which the kind was recognised, which was read already.
    private var first: PacketBlock?
    private var named = RecentValues<ProcessSighting>(limit: 1 << 16)
    private var appearances = RecentValues<Appearance>(limit: 1 << 16)
    private var networkOffset = 0

    /// A packet as its layers show it: the same group id and the same headers.
    private struct Appearance: Hashable {
        var id: UInt64
        var action: TrafficRecord.Action
        var packet: IPPacket
    }

    init(_ opened: consuming OpenedForeignCapture, file: String, host: UInt16) {
        kind = opened.kind
        first = opened.first
        position = opened.position
        blocks = opened.blocks
        self.file = file
        self.host = host
        clock = EvidenceClock(
            relation: .captures, resolution: 1000, description: "the capturing machine's wall clock, 1 µs or better")
    }

    var damage: [Damage] { (blocks.damage + findings).sorted { $0.offset < $1.offset } }

    /// The current packet from its IP header on.
    var packetBytes: [UInt8] {
        Array(blocks.packetCopy.dropFirst(networkOffset))
    }

    func next() throws(EvidenceError) -> EvidenceRecord? {
        if let packet = first {
            first = nil
            take(packet)
        }
        while ready.isEmpty {
            let event: BlockReader.Event?
            do throws(ByteSourceError) {
                event = try blocks.next()
            } catch {
                throw .readFailed(file, error)
            }
            if let loss = newLoss() { ready.append(.lost(loss)) }
            if case .packet(let packet) = event {
                position += 1
                take(packet)
            }
            if event == nil { break }
        }
        return ready.isEmpty ? nil : ready.removeFirst()
    }

    private func newLoss() -> LossInterval? {
        guard blocks.damageCount > seenDamage else { return nil }
        let loss = LossInterval(
            kind: .send, count: UInt64(blocks.damageCount - seenDamage), start: .distantPast, stop: .distantFuture)
        seenDamage = blocks.damageCount
        coverage.add(loss, limit: 1000)
        return loss
    }

    private func take(_ packet: PacketBlock) {
        let comments = blocks.comments()
        guard let process = kind == .ptcpdump ? PtcpdumpComments.read(comments) : Etl2pcapngComments.read(comments),
            let pid = process.pid, let time = packet.time
        else { return }
        let linkType = blocks.interfaces[packet.interface].linkType
        let decoded = decodeFrame(blocks.packetBytes, linkType: linkType, originalLength: packet.originalLength)
        networkOffset = decoded.networkOffset
        guard let ip = decoded.ip, ip.transport != .other else { return }
        let traffic = traffic(ip, packet, process, pid: pid, time: time)
        if let id = packet.packetID, kind == .etl2pcapng {
            var headers = ip
            headers.hopLimit = 0
            guard appearances.insert(Appearance(id: id, action: traffic.action, packet: headers)) else { return }
        }
        if let sighting = sighting(process, pid: pid, time: time) { ready.append(.sighting(sighting)) }
        ready.append(.traffic(traffic))
    }

    private func traffic(
        _ ip: IPPacket, _ packet: PacketBlock, _ process: CommentedProcess, pid: UInt32, time: Timestamp
    ) -> TrafficRecord {
        let isSent = packet.direction == .egress
        let action: TrafficRecord.Action = isSent ? .sent : packet.direction == .ingress ? .received : .other
        return TrafficRecord(
            time: time, action: action, transport: ip.transport, localAddress: isSent ? ip.source : ip.destination,
            remoteAddress: isSent ? ip.destination : ip.source,
            localPort: isSent ? ip.sourcePort : ip.destinationPort,
            remotePort: isSent ? ip.destinationPort : ip.sourcePort, isOriented: action != .other,
            payloadLength: ip.payloadLength, pid: pid, thread: process.thread, packet: ip, packetID: packet.packetID,
            position: position, host: host)
    }

    /// What the comment says of the process beyond its id, where it was not said lately.
    private func sighting(_ process: CommentedProcess, pid: UInt32, time: Timestamp) -> ProcessSighting? {
        guard let executable = process.executable else { return nil }
        var sighting = ProcessSighting(
            occasion: .named, time: nil, pid: pid, parent: process.parent,
            imageName: String(executable.split(separator: "/").last ?? Substring(executable)),
            executable: executable, commandLine: process.commandLine, user: process.user.map { String($0) },
            position: 0, host: host)
        guard named.insert(sighting) else { return nil }
        sighting.time = time
        sighting.position = position
        return sighting
    }
}

/// The values that came last, each once.
struct RecentValues<Value: Hashable> {
    private let limit: Int
    private var values: Set<Value> = []
    private var order: [Value] = []
    private var oldest = 0

    init(limit: Int) { self.limit = limit }

    /// Adds a value; false where it came lately.
    mutating func insert(_ value: Value) -> Bool {
        guard values.insert(value).inserted else { return false }
        if order.count < limit {
            order.append(value)
        } else {
            values.remove(order[oldest])
            order[oldest] = value
            oldest = (oldest + 1) % limit
        }
        return true
    }
}
