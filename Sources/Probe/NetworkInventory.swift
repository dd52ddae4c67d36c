internal import CLinux
internal import Glibc
public import Records
internal import TextEscaping

/// The interfaces of every network namespace that a process or a name in /run/netns leads to.
///
/// Interfaces that went away stay in it: packets that they carried are still to be explained.
public struct NetworkInventory: Sendable {
    private struct Key: Hashable {
        var namespace: UInt32
        var index: UInt32
    }

    /// What waits in the machine's netfilter queues.
    struct Queues: Hashable {
        /// Some process listens to some queue.
        var exist = false
        /// Packets that are held at this moment.
        var waiting: UInt64 = 0

        /// Adds what /proc/net/netfilter/nfnetlink_queue says: a line a queue, the third number is how many wait.
        mutating func add(_ content: [UInt8]) {
            for line in content.split(separator: UInt8(ascii: "\n")) {
                let numbers = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
                guard numbers.count > 2 else { continue }
                exist = true
                // What cannot be read may be any number.
                waiting += UInt64(numbers[2]) ?? 1
            }
        }
    }

    private var known: [Key: HostInterface] = [:]
    /// As the last look showed them.
    private(set) var queues = Queues()

    /// An inventory of nothing; ``refresh()`` fills it.
    public init() {}

    /// All interfaces that were ever seen, by namespace and index.
    public var interfaces: [HostInterface] {
        known.values.sorted { ($0.namespace, $0.index) < ($1.namespace, $1.index) }
    }

    /// The interface with an index in a namespace (its inode), or nil.
    public func interface(namespace: UInt32, index: UInt32) -> HostInterface? {
        known[Key(namespace: namespace, index: index)]
    }

    /// Looks again. Takes about a millisecond for each namespace; namespaces that cannot be entered are left out.
    public mutating func refresh() {
        var found: [HostInterface] = []
        var queues = Queues()
        // Entering a namespace changes the thread for good.
        _ = DedicatedThread.run {
            let own = HostFacts().networkNamespace
            // That of the caller needs no privilege, and has to be read before another one is entered.
            found += InterfaceList.read(namespace: own)
            queues.add(Self.queueListing())
            for (namespace, path) in Self.namespacePaths() where namespace != own {
                guard let descriptor = try? OwnedDescriptor(opening: path, flags: O_RDONLY),
                    (try? descriptor.inode()) == UInt64(namespace),
                    setns(descriptor.number, CLONE_NEWNET) == 0
                else { continue }
                found += InterfaceList.read(namespace: namespace)
                queues.add(Self.queueListing())
            }
        }
        self.queues = queues
        for interface in found { known[Key(namespace: interface.namespace, index: interface.index)] = interface }
    }

    /// The netfilter queues of the calling thread's namespace; nothing where the kernel has none.
    private static func queueListing() -> [UInt8] {
        contents(ofPath: "/proc/thread-self/net/netfilter/nfnetlink_queue") ?? []
    }

    /// A path for each namespace, by inode.
    private static func namespacePaths() -> [UInt32: String] {
        var paths: [UInt32: String] = [:]
        func add(_ path: String) {
            guard let inode = inode(ofPath: path) else { return }
            let namespace = UInt32(truncatingIfNeeded: inode)
            if paths[namespace] == nil { paths[namespace] = path }
        }
        add("/proc/self/ns/net")
        for name in directoryEntries(ofPath: "/proc") where name.utf8.first.map(isDigit) == true {
            add("/proc/\(name)/ns/net")
        }
        for name in NetworkNamespace.names { add(NetworkNamespace.path(of: name)) }
        return paths
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

/// The interfaces of the calling thread's network namespace (getifaddrs(3)).
private enum InterfaceList {
    /// ARPHRD_ETHER of linux/if_arp.h, which cannot be imported beside net/if.h.
    private static let ethernet: UInt16 = 1

    static func read(namespace: UInt32) -> [HostInterface] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&list) == 0 else { return [] }
        defer { unsafe freeifaddrs(list) }
        var interfaces: [String: HostInterface] = [:]
        var entry = unsafe list
        while let current = unsafe entry {
            unsafe entry = current.pointee.ifa_next
            guard let label = unsafe current.pointee.ifa_name else { continue }
            guard let address = unsafe current.pointee.ifa_addr else {
                // A device without a link layer of its own, such as TUN.
                let index = unsafe if_nametoindex(label)
                let name = unsafe String(cString: label)
                interfaces[name] = HostInterface(index: index, name: LosslessEscape.text(name), namespace: namespace)
                continue
            }
            // An IPv4 address may have a label of its own behind a colon.
            let name = unsafe String(cString: label).prefix { $0 != ":" }
            unsafe add(address, mask: current.pointee.ifa_netmask, to: &interfaces, name: String(name), namespace)
        }
        markKinds(&interfaces)
        return Array(interfaces.values)
    }

    /// Asks each interface's driver for its name (ethtool's ETHTOOL_GDRVINFO): that of TUN and TAP devices is "tun"
    /// (drivers/net/tun.c). The other end of veth, netkit, macvlan and ipvlan may be in a container of this machine, and so
    /// may be what stands behind a bridge where the namespace has any of these.
    private static func markKinds(_ interfaces: inout [String: HostInterface]) {
        let number = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { return }
        defer { close(number) }
        var bridges: [String] = []
        for name in interfaces.keys {
            switch driver(name, number) {
            case "tun": interfaces[name]?.isTunnel = true
            case "veth", "netkit", "macvlan", "ipvlan": interfaces[name]?.isVirtual = true
            case "bridge": bridges.append(name)
            default: break
            }
        }
        guard interfaces.values.contains(where: { $0.isTunnel || $0.isVirtual }) else { return }
        for name in bridges { interfaces[name]?.isVirtual = true }
    }

    private static func driver(_ interface: String, _ socket: CInt) -> String? {
        // struct ethtool_drvinfo: the command, then the driver's name in 32 bytes; 196 bytes in all.
        var answer = [UInt8](repeating: 0, count: 256)
        answer[0] = 0x03  // ETHTOOL_GDRVINFO
        var request = [UInt8](repeating: 0, count: 40)  // struct ifreq
        let name = interface.utf8.prefix(15)
        request.replaceSubrange(0..<name.count, with: name)
        let status = unsafe answer.withUnsafeMutableBytes { answer in
            unsafe request.withUnsafeMutableBytes { request in
                unsafe request.storeBytes(of: UInt(bitPattern: answer.baseAddress), toByteOffset: 16, as: UInt.self)
                return unsafe clinux_ethtool(socket, request.baseAddress)
            }
        }
        guard status == 0 else { return nil }
        return String(decoding: answer[4..<36].prefix { $0 != 0 }, as: UTF8.self)
    }

    private static func add(
        _ address: UnsafeMutablePointer<sockaddr>, mask: UnsafeMutablePointer<sockaddr>?,
        to interfaces: inout [String: HostInterface], name: String, _ namespace: UInt32
    ) {
        switch Int32(unsafe address.pointee.sa_family) {
        case AF_PACKET:
            let link = unsafe UnsafeRawPointer(address).loadUnaligned(as: sockaddr_ll.self)
            interfaces[name] = HostInterface(
                index: UInt32(truncatingIfNeeded: link.sll_ifindex), name: LosslessEscape.text(name),
                namespace: namespace, mac: mac(link))
        case AF_INET:
            let bits = unsafe v4(address)
            append(
                IPAddress(v4: bits), prefix: unsafe mask.map { unsafe v4($0).nonzeroBitCount }, to: &interfaces, name)
        case AF_INET6:
            let halves = unsafe v6(address)
            let length = unsafe mask.map { mask in
                let halves = unsafe v6(mask)
                return halves.high.nonzeroBitCount + halves.low.nonzeroBitCount
            }
            append(IPAddress(v6High: halves.high, low: halves.low), prefix: length, to: &interfaces, name)
        default: break
        }
    }

    /// The packet family's entries come first, so the interface is there already.
    private static func append(
        _ address: IPAddress, prefix: Int?, to interfaces: inout [String: HostInterface], _ name: String
    ) {
        let length = UInt8(prefix ?? (address.version == .v4 ? 32 : 128))
        interfaces[name]?.addresses.append(HostInterface.Network(address: address, prefixLength: length))
    }

    private static func mac(_ link: sockaddr_ll) -> MACAddress? {
        guard link.sll_hatype == ethernet, link.sll_halen == 6 else { return nil }
        let bits = unsafe withUnsafeBytes(of: link.sll_addr) { bytes in
            unsafe bytes.prefix(6).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        return MACAddress(bits: bits)
    }

    private static func v4(_ address: UnsafeMutablePointer<sockaddr>) -> UInt32 {
        UInt32(bigEndian: unsafe UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr)
    }

    private static func v6(_ address: UnsafeMutablePointer<sockaddr>) -> (high: UInt64, low: UInt64) {
        let whole = unsafe UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in6.self).sin6_addr
        return unsafe withUnsafeBytes(of: whole) { bytes in
            unsafe (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }
}
