import Capture
import Classification
import PacketDecoding
import Records

// From a captured frame to the packet that is judged: the same for every command.

extension PacketRecord {
    /// What a frame says by itself.
    init(_ frame: CapturedFrame, _ decoded: DecodedFrame, ip: IPPacket, capture: UInt16 = 0, interface: UInt16 = 0) {
        self.init(
            time: frame.time, frame: frame.frame, capture: capture, interface: interface,
            direction: frame.direction == .unknown ? decoded.direction : frame.direction, packetID: frame.packetID,
            sourceMAC: decoded.sourceMAC, destinationMAC: decoded.destinationMAC,
            interfaceIndex: decoded.interfaceIndex, ip: ip)
        isBehindRareHeaders = decoded.isBehindRareHeaders
    }
}

extension PacketRecord {
    /// The same by a glance at the frame, in a capture whose link type alone says nothing more.
    init(_ glance: PacketGlance, at seen: Sighting) {
        self.init(
            time: seen.time, frame: seen.frame, capture: seen.capture, sourceMAC: glance.sourceMAC,
            destinationMAC: glance.destinationMAC, ip: IPPacket(glance))
    }
}

extension InterfaceNaming {
    /// Adds which way a packet went, and by which interfaces, as far as the machine's interfaces tell.
    mutating func locate(_ packet: inout PacketRecord, captured: String?) {
        let question = RecentLocations.Question(packet, isNamed: captured != nil)
        if let answer = recent[question] {
            packet.direction = answer.direction
            packet.egressIndex = answer.egressIndex
            packet.ingressIndex = answer.ingressIndex
            return
        }
        if packet.direction == .unknown {
            packet.direction = direction(
                source: packet.sourceMAC, destination: packet.destinationMAC, captured: captured)
        }
        packet.egressIndex = egressIndex(of: packet, captured: captured)
        packet.ingressIndex = ingressIndex(of: packet, captured: captured)
        recent[question] = RecentLocations.Answer(
            direction: packet.direction, egressIndex: packet.egressIndex, ingressIndex: packet.ingressIndex)
    }
}

/// What ``InterfaceNaming`` said lately: neighbours are few, and each packet's question takes several look-ups.
struct RecentLocations {
    /// All that an answer depends on, but the interface's name, which its number stands for.
    struct Question: Equatable {
        /// The link-layer addresses, and in the bits above them whether there are any, the direction, and whether the interface
        /// has a name.
        private let source: UInt64
        private let destination: UInt64
        private let interfaces: UInt64

        @inline(__always)
        init(_ packet: PacketRecord, isNamed: Bool) {
            let unknown = UInt64(1) << 48
            source = (packet.sourceMAC?.bits ?? unknown) | UInt64(packet.direction.rawValue) << 49
            destination = (packet.destinationMAC?.bits ?? unknown) | (isNamed ? 1 << 49 : 0)
            interfaces = UInt64(packet.interfaceIndex) << 16 | UInt64(packet.interface)
        }

        fileprivate var place: Int {
            let macs = source &* 0x9E37_79B9_7F4A_7C15 ^ destination &* 0xBF58_476D_1CE4_E5B9
            return Int(macs >> 58)
        }
    }

    struct Answer {
        let direction: Direction
        let egressIndex: UInt32
        let ingressIndex: UInt32
    }

    private var entries = [(question: Question, answer: Answer)?](repeating: nil, count: 64)

    subscript(question: Question) -> Answer? {
        get {
            guard let entry = entries[question.place], entry.question == question else { return nil }
            return entry.answer
        }
        set { entries[question.place] = newValue.map { (question, $0) } }
    }
}
