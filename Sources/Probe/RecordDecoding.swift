internal import CAttributionEvents
internal import PacketDecoding
internal import Records
internal import TextEscaping

/// A record of one of the packet rings, with its packet's bytes.
struct PacketBytes: ~Escapable {
    let bytes: RawSpan
    let originalLength: Int

    /// The bytes that follow a record's fixed part; nil where the record is shorter than it says.
    @_lifetime(copy record)
    init?(_ record: RawSpan, header: Int, packet: attribution_packet) {
        let count = Int(packet.captured)
        guard header + count <= record.byteCount else { return nil }
        bytes = record.extracting(header..<header + count)
        originalLength = Int(packet.length)
    }
}

extension SendRecord {
    init(_ event: attribution_send, packet: IPPacket, clock: BootClock) {
        self.init(
            time: clock.wallClock(event.time), packet: packet, process: ProcessKey(event.sender),
            thread: event.sender.tid, threadName: TaskName(event.sender), imageVersion: event.sender.image_version,
            user: event.sender.euid, group: event.sender.egid, namespace: event.packet.netns,
            interface: event.packet.ifindex, socketCookie: event.socket_cookie, cgroup: event.sender.cgroup,
            segmentSize: event.packet.segment_size,
            path: Path(event.path), proof: Proof(event.proof))
    }
}

extension SendRecord.Path {
    init(_ path: UInt8) {
        switch UInt32(path) {
        case ATTRIBUTION_PATH_PACKET_SOCKET.rawValue: self = .packetSocket
        case ATTRIBUTION_PATH_TRANSMIT.rawValue: self = .transmit
        default: self = .cgroupEgress
        }
    }
}

extension SendRecord.Proof {
    init(_ proof: UInt8) {
        switch UInt32(proof) {
        case ATTRIBUTION_PROOF_SYSTEM_CALL.rawValue, ATTRIBUTION_PROOF_SUBMISSION.rawValue: self = .verified
        case ATTRIBUTION_PROOF_NONE.rawValue: self = .unverified
        default: self = .borrowed
        }
    }
}

extension WireRecord {
    init(_ event: attribution_wire, packet: IPPacket, ingressName: String?, clock: BootClock) {
        self.init(
            time: clock.wallClock(event.time), packet: packet,
            origin: event.forwarded != 0
                ? .forwarded(ingressInterface: event.ingress_ifindex, ingressName: ingressName) : .kernel,
            namespace: event.packet.netns, interface: event.packet.ifindex, hasKernelSocket: event.kernel_socket != 0,
            beforeNAT: event.translated != 0 ? UntranslatedTuple(event.before, packet: packet) : nil)
        innerOffset = event.inner_offset
        isAtPort = event.at_port != 0
    }
}

extension UntranslatedTuple {
    /// The tuple that ends a send record of a translated packet.
    init?(endOf record: RawSpan, packet: IPPacket) {
        let size = MemoryLayout<attribution_tuple>.size
        guard record.byteCount >= size,
            let tuple = record.extracting(last: size).loadPrefix(as: attribution_tuple.self)
        else { return nil }
        self.init(tuple, packet: packet)
    }

    init(_ tuple: attribution_tuple, packet: IPPacket) {
        let isVersion4 = packet.version == .v4
        func address(_ words: (UInt32, UInt32, UInt32, UInt32)) -> IPAddress {
            isVersion4 ? IPAddress(v4: UInt32(bigEndian: words.0)) : IPAddress(words: words)
        }
        self.init(
            source: address(tuple.source), destination: address(tuple.destination),
            sourcePort: UInt16(bigEndian: tuple.source_port),
            destinationPort: packet.transport == .udp ? UInt16(bigEndian: tuple.destination_port) : 0)
    }
}

extension IPAddress {
    /// An IPv6 address in network byte order.
    fileprivate init(words: (UInt32, UInt32, UInt32, UInt32)) {
        func half(_ first: UInt32, _ second: UInt32) -> UInt64 {
            UInt64(UInt32(bigEndian: first)) << 32 | UInt64(UInt32(bigEndian: second))
        }
        self.init(v6High: half(words.0, words.1), low: half(words.2, words.3))
    }
}

extension ProcessKey {
    init(_ task: attribution_task) { self.init(pid: task.tgid, startTime: task.start_time) }
}

extension TaskName {
    init(_ task: attribution_task) {
        // The first byte is the highest of the half.
        let name = (task.comm.0.bigEndian, task.comm.1.bigEndian)
        self.init(high: Self.cut(name.0), low: Self.hasZero(name.0) ? 0 : Self.cut(name.1))
    }

    private static func hasZero(_ half: UInt64) -> Bool {
        stride(from: UInt64(0), through: 56, by: 8).contains { (half >> $0) & 0xFF == 0 }
    }

    /// The kernel leaves what an earlier, longer name had behind the terminating zero.
    private static func cut(_ half: UInt64) -> UInt64 {
        for shift in stride(from: UInt64(56), through: 0, by: -8) where (half >> shift) & 0xFF == 0 {
            return shift == 56 ? 0 : (half >> (shift + 8)) << (shift + 8)
        }
        return half
    }
}
