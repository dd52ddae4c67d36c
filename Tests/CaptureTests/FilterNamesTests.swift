import Capture
import Testing

@Suite("Names in filter expressions")
struct FilterNamesTests {
    @Test(
        "numbers and the filter language need no looking up",
        arguments: [
            "", "udp", "udp port 53 and not (src net 192.0.2.0/24 or dst host 2001:db8::1)",
            "icmp[icmptype] == icmp-echo && len<=64", "portrange 1024-65535", "ether host 02:00:5e:00:00:01",
            #"ip proto \udp"#, "udp[8:4]=0x11223344", "VLAN 5", "!arp",
        ])
    func none(expression: String) throws {
        #expect(PacketFilter.nameToLookUp(in: expression) == nil)
        // All of them are expressions that libpcap compiles.
        _ = try PacketFilter(expression.lowercased(), linkType: 1)
    }

    @Test(
        "names of hosts, ports and protocols do",
        arguments: [
            ("host mail.example", "mail.example"), ("udp port domain", "domain"), ("host cafe", "cafe"),
            ("net 192.0.2.0 mask face", "face"), ("port 53 or host 1and1.example", "1and1.example"),
            ("host 0xyz", "0xyz"), ("(host(dead))", "dead"), ("ip proto ospf", "ospf"), ("host ü", "ü"),
        ])
    func some(expression: String, name: String) { #expect(PacketFilter.nameToLookUp(in: expression) == name) }
}
