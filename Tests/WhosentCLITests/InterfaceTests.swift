import Records
import Testing

@testable import WhosentCLI

@Suite("Interfaces and sightings")
struct InterfaceTests {
    private static let mac = MACAddress(bits: 0x0053_0000_0001)
    private static let other = MACAddress(bits: 0x0053_0000_0002)

    private static func naming(_ namespace: UInt32? = nil) -> InterfaceNaming {
        InterfaceNaming(
            [
                Coverage(
                    start: .distantPast,
                    interfaces: [
                        HostInterface(index: 2, name: "eth0", namespace: 1, mac: mac),
                        HostInterface(index: 3, name: "veth-a", namespace: 1),
                        HostInterface(index: 3, name: "eth0", namespace: 2),
                    ])
            ], namespace: namespace)
    }

    private static func packet(index: UInt32 = 0, direction: Direction = .egress) -> PacketRecord {
        let ip = IPPacket(
            source: IPAddress(v4: 0xC000_0201), destination: IPAddress(v4: 0xC633_6407), transport: .udp)
        return PacketRecord(
            time: Timestamp(nanoseconds: 5), frame: 1, direction: direction, interfaceIndex: index, ip: ip)
    }

    @Test func anIndexThatTwoNamespacesUseNamesNeither() {
        #expect(Self.naming().name(of: Self.packet(index: 2), captured: "any") == "eth0")
        #expect(Self.naming().name(of: Self.packet(index: 3), captured: "any") == nil)
        #expect(Self.naming(1).name(of: Self.packet(index: 3), captured: "any") == "veth-a")
        #expect(Self.naming().name(of: Self.packet(), captured: "wlan0") == "wlan0")
        #expect(Self.naming().name(of: Self.packet(), captured: "any") == nil)
    }

    @Test func theInterfaceOfArrival() {
        func index(_ packet: PacketRecord, _ captured: String?, in namespace: UInt32? = 1) -> UInt32 {
            Self.naming(namespace).ingressIndex(of: packet, captured: captured)
        }
        #expect(index(Self.packet(index: 3, direction: .ingress), "any") == 3)
        #expect(index(Self.packet(direction: .ingress), "veth-a") == 3)
        #expect(index(Self.packet(direction: .ingress), "eth0", in: nil) == 0)
        #expect(index(Self.packet(index: 3), "any") == 0)
        var packet = Self.packet(direction: .unknown)
        #expect(index(packet, nil) == 0)
        packet.destinationMAC = Self.mac
        #expect(index(packet, nil) == 2)
    }

    @Test func ethernetDirectionsComeFromTheAddresses() {
        let naming = Self.naming()
        #expect(naming.direction(source: Self.mac, destination: Self.other, captured: "eth0") == .egress)
        #expect(naming.direction(source: Self.other, destination: Self.mac, captured: "eth0") == .ingress)
        #expect(naming.direction(source: Self.other, destination: Self.mac, captured: nil) == .ingress)
        #expect(naming.direction(source: Self.other, destination: Self.other, captured: nil) == .unknown)
        #expect(naming.direction(source: nil, destination: nil, captured: "eth0") == .unknown)
    }

    @Test func aCopyAtAnotherInterfaceIsNoNewPacket() {
        var sightings = DistinctPackets(seed: 7)
        var first: Bool
        first = sightings.isFirstSighting(Self.packet(index: 2))
        #expect(first)
        first = sightings.isFirstSighting(Self.packet(index: 3))
        #expect(!first)
        first = sightings.isFirstSighting(Self.packet(index: 2, direction: .ingress))
        #expect(!first)
        first = sightings.isFirstSighting(Self.packet(index: 2))
        #expect(first, "a repeat at the same place is a packet of its own")
        var routed = Self.packet(index: 4)
        routed.ip.hopLimit = 63
        first = sightings.isFirstSighting(routed)
        #expect(!first)
        var later = Self.packet(index: 3)
        later.time = Timestamp(nanoseconds: 2_000_000_000)
        first = sightings.isFirstSighting(later)
        #expect(first)
    }
}
