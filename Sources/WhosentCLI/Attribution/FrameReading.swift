import Capture
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
        let source: MACAddress?
        let destination: MACAddress?
        let interfaceIndex: UInt32
        let interface: UInt16
        let direction: Direction
        let isNamed: Bool

        init(_ packet: PacketRecord, isNamed: Bool) {
            source = packet.sourceMAC
            destination = packet.destinationMAC
            interfaceIndex = packet.interfaceIndex
            interface = packet.interface
            direction = packet.direction
            self.isNamed = isNamed
        }

        fileprivate var place: Int {
            let macs = (source?.bits ?? 0) &* 0x9E37_79B9_7F4A_7C15 ^ (destination?.bits ?? 0) &* 0xBF58_476D_1CE4_E5B9
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
