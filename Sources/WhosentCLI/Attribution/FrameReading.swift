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

extension CapturedFrame {
    /// The capture cut it inside its IP header: without both addresses nothing can be said of the packet, though it may
    /// have been UDP or ICMP.
    func isCutInNetworkHeader(_ decoded: DecodedFrame) -> Bool {
        decoded.problem?.kind == .networkHeaderCut && capturedLength < originalLength
    }
}

extension InterfaceNaming {
    /// Adds which way a packet went, and by which interfaces, as far as the machine's interfaces tell.
    func locate(_ packet: inout PacketRecord, captured: String?) {
        if packet.direction == .unknown {
            packet.direction = direction(
                source: packet.sourceMAC, destination: packet.destinationMAC, captured: captured)
        }
        packet.egressIndex = egressIndex(of: packet, captured: captured)
        packet.ingressIndex = ingressIndex(of: packet, captured: captured)
    }
}
