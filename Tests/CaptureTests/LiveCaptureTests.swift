import Capture
import Foundation
import Glibc
import PacketDecoding
import Records
import Testing

@Suite(
    "Live captures", .serialized, .timeLimit(.minutes(2)),
    .enabled(if: LivePrivilege.isGranted, "needs root, and namespaces that can be made"))
struct LiveCaptureTests {
    let pair: NamespacePair

    init() throws { pair = try NamespacePair() }

    /// A prime number of datagrams.
    static let count = 23

    // MARK: What is seen

    @Test(arguments: [false, true])
    func seesEveryDatagramOnAnInterface(isVersion6: Bool) throws {
        let (seen, interface, span) = try pair.inside {
            let capture = try LiveCapture(interface: "wsc0", filter: "udp", snapLength: 0, bufferBytes: 0)
            let start = now()
            try send(Self.count, to: isVersion6 ? "2001:db8::2" : "192.0.2.2", port: 2762)
            let seen = try collect(Self.count, capture)
            return (seen, capture.interface, start...now())
        }
        #expect(interface.name == "wsc0")
        #expect(interface.linkType == LinkType.ethernet)
        #expect(seen.count == Self.count)
        #expect(seen.map(\.frame.frame) == (1...UInt64(Self.count)).map { $0 })
        for (number, one) in seen.enumerated() {
            let ip = try #require(one.decoded.ip)
            #expect(span.contains(one.frame.time))
            #expect(ip.transport == .udp)
            #expect(ip.version == (isVersion6 ? .v6 : .v4))
            #expect(ip.destinationPort == 2762)
            #expect(ip.payloadPrefix == PayloadPrefix(payload(number)))
            #expect(one.frame.originalLength == 14 + (isVersion6 ? 40 : 20) + 16)
            #expect(one.frame.capturedLength == one.frame.originalLength)
        }
        // Times of nanoseconds, not of microseconds that were multiplied.
        #expect(seen.contains { $0.frame.time.nanoseconds % 1000 != 0 })
    }

    @Test func anySeesDirectionsAndInterfaces() throws {
        let (seen, interface, index) = try pair.inside {
            let capture = try LiveCapture(interface: "any", filter: "icmp", snapLength: 0, bufferBytes: 0)
            _ = try run(["ping", "-c", "3", "-i", "0.01", "-s", "1", "-p", "3f", "192.0.2.2"])
            return (try collect(6, capture), capture.interface, unsafe if_nametoindex("wsc0"))
        }
        #expect(
            interface == CaptureInterface(name: "any", linkType: LinkType.linuxSLL2, snapLength: interface.snapLength))
        #expect(seen.count == 6)
        #expect(seen.map(\.decoded.direction) == [.egress, .ingress, .egress, .ingress, .egress, .ingress])
        #expect(seen.allSatisfy { $0.decoded.interfaceIndex == index })
        #expect(seen.map { $0.decoded.ip?.isEchoRequest } == [true, false, true, false, true, false])
        #expect(seen.allSatisfy { $0.decoded.ip?.payloadPrefix == PayloadPrefix([0x3F]) })
    }

    @Test func loopbackShowsEachDatagramOnce() throws {
        let (seen, more) = try pair.inside {
            let capture = try LiveCapture(interface: "lo", filter: "udp port 2762", snapLength: 0, bufferBytes: 0)
            try send(Self.count, to: "127.0.0.1", port: 2762)
            let seen = try collect(Self.count, capture)
            waitUntilReadable(capture.descriptor)
            return (seen, try capture.drain(limit: 1000) { _, _ in })
        }
        #expect(seen.count == Self.count)
        #expect(more == 0)
        #expect(seen.allSatisfy { $0.decoded.ip?.destination.isLoopback == true })
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/net/tun"), "needs /dev/net/tun"))
    func tunDevicesAreRawIP() throws {
        try NamespacePair.ip("-n \(pair.near) tuntap add mode tun name wsctun")
        try NamespacePair.ip("-n \(pair.near) link set wsctun up")
        let interface = try pair.inside {
            try LiveCapture(interface: "wsctun", filter: "udp", snapLength: 0, bufferBytes: 0).interface
        }
        #expect(interface.linkType == LinkType.raw)
    }

    @Test func snapLengthCutsFrames() throws {
        let seen = try pair.inside {
            let capture = try LiveCapture(interface: "wsc0", filter: "udp", snapLength: 42, bufferBytes: 0)
            try send(Self.count, to: "192.0.2.2", port: 2762)
            return try collect(Self.count, capture)
        }
        #expect(seen.count == Self.count)
        #expect(seen.allSatisfy { $0.frame.capturedLength == 42 && $0.frame.originalLength == 50 })
        #expect(seen.allSatisfy { $0.decoded.ip?.payloadLength == 8 && $0.decoded.payloadCaptured == 0 })
    }

    @Test func drainNeverWaits() throws {
        let (counts, elapsed) = try pair.inside {
            let capture = try LiveCapture(interface: "wsc0", filter: "udp port 9", snapLength: 0, bufferBytes: 0)
            let start = now()
            var counts: [Int] = []
            for _ in 0..<101 { counts.append(try capture.drain(limit: 1000) { _, _ in }) }
            return (counts, now().since(start))
        }
        #expect(counts.allSatisfy { $0 == 0 })
        #expect(elapsed < 1_000_000_000)
    }

    @Test func drainKeepsToItsLimit() throws {
        let counts = try pair.inside {
            let capture = try LiveCapture(interface: "wsc0", filter: "udp", snapLength: 0, bufferBytes: 0)
            try send(Self.count, to: "192.0.2.2", port: 2762)
            var counts: [Int] = []
            for _ in 0..<1000 where counts.reduce(0, +) < Self.count {
                counts.append(try capture.drain(limit: 5) { _, _ in })
                if counts.last == 0 { waitUntilReadable(capture.descriptor) }
            }
            return counts
        }
        #expect(counts.reduce(0, +) == Self.count)
        #expect(counts.allSatisfy { (0...5).contains($0) })
    }

    @Test func framesComeSoon() throws {
        let delay = try pair.inside {
            let capture = try LiveCapture(interface: "wsc0", filter: "udp", snapLength: 0, bufferBytes: 0)
            try send(1, to: "192.0.2.2", port: 2762)
            let seen = try collect(1, capture)
            return now().since(seen.first?.frame.time ?? .distantPast)
        }
        // About 10 ms, with room for a busy machine; libpcap's usual second would not do.
        #expect(delay < 500_000_000)
    }

    // MARK: What is lost

    @Test func lossesAreCountedExactly() throws {
        let sent = 20_011
        let (seen, before, during, after) = try pair.inside {
            // A ring too small for the burst, drained only behind it.
            let capture = try LiveCapture(
                interface: "wsc0", filter: "udp port 2762", snapLength: 0, bufferBytes: 1 << 18)
            let before = try capture.statistics()
            try send(sent, to: "192.0.2.2", port: 2762)
            let during = try capture.statistics()
            var seen = 0
            for _ in 0..<10 {
                waitUntilReadable(capture.descriptor)
                while case let count = try capture.drain(limit: 4096, { _, _ in }), count > 0 { seen += count }
            }
            return (seen, before, during, try capture.statistics())
        }
        #expect(before == (0, 0))
        #expect(during.dropped > 0)
        #expect(after == (UInt64(sent), UInt64(sent - seen)))
        #expect(after.dropped >= during.dropped)
    }

    // MARK: What goes wrong

    @Test func missingInterfaceIsNamedWithTheOnesThereAre() throws {
        let error = try pair.inside { () -> CaptureError? in
            do throws(CaptureError) {
                _ = try LiveCapture(interface: "wsc9", filter: "", snapLength: 0, bufferBytes: 0)
                return nil
            } catch {
                return error
            }
        }
        #expect(error?.code == .noSuchInterface)
        #expect(error?.description == "There is no interface wsc9; there are lo, wsc0, any.")
        #expect(try pair.inside { listInterfaces() } == ["lo", "wsc0"])
    }

    @Test(arguments: ["wsc0", "any"])
    func wrongFilterIsNamed(interface: String) throws {
        let error = try pair.inside { () -> CaptureError? in
            do throws(CaptureError) {
                _ = try LiveCapture(interface: interface, filter: "udp prt 53", snapLength: 0, bufferBytes: 0)
                return nil
            } catch {
                return error
            }
        }
        #expect(error?.code == .badFilter)
        #expect(error?.description.contains("udp prt 53") == true)
    }

    @Test func interfaceThatIsDownIsNamed() throws {
        try NamespacePair.ip("-n \(pair.near) link set wsc0 down")
        let error = try pair.inside { () -> CaptureError? in
            do throws(CaptureError) {
                _ = try LiveCapture(interface: "wsc0", filter: "", snapLength: 0, bufferBytes: 0)
                return nil
            } catch {
                return error
            }
        }
        #expect(error?.code == .interfaceDown)
        #expect(error?.description.contains("ip link set wsc0 up") == true)
    }

    @Test func interfaceThatGoesDownAndUpIsCapturedOn() throws {
        let name = pair.near
        let (before, after) = try pair.inside {
            let capture = try LiveCapture(interface: "wsc0", filter: "udp", snapLength: 0, bufferBytes: 0)
            try send(11, to: "192.0.2.2", port: 2762)
            let before = try collect(11, capture)
            try NamespacePair.ip("-n \(name) link set wsc0 down")
            for _ in 0..<5 { _ = try capture.drain(limit: 10) { _, _ in } }
            try NamespacePair.ip("-n \(name) link set wsc0 up")
            try send(13, to: "192.0.2.2", port: 2762)
            return (before, try collect(13, capture))
        }
        #expect(before.count == 11)
        #expect(after.count == 13)
        #expect(after.last?.frame.frame == 24)
    }

    @Test func interfaceThatDisappearsIsSaidAfterItsFrames() throws {
        let name = pair.near
        let (seen, failure) = try pair.inside { () -> (Int, CaptureError?) in
            let capture = try LiveCapture(interface: "wsc0", filter: "udp", snapLength: 0, bufferBytes: 0)
            try send(Self.count, to: "192.0.2.2", port: 2762)
            try NamespacePair.ip("-n \(name) link del wsc0")
            var seen = 0
            for _ in 0..<100 {
                do throws(CaptureError) {
                    seen += try capture.drain(limit: 7) { _, _ in }
                } catch {
                    return (seen, error)
                }
                waitUntilReadable(capture.descriptor)
            }
            return (seen, nil)
        }
        #expect(seen == Self.count)
        #expect(failure?.code == .interfaceGone)
        #expect(failure?.description.contains("wsc0 disappeared") == true)
    }
}

// MARK: Traffic

private struct Seen: Sendable {
    var frame: CapturedFrame
    var decoded: DecodedFrame
}

/// Drains until `count` frames came or five seconds passed.
private func collect(_ count: Int, _ capture: LiveCapture) throws -> [Seen] {
    var seen: [Seen] = []
    let start = now()
    while seen.count < count, now().since(start) < 5_000_000_000 {
        let found = try capture.drain(limit: 1000) { frame, bytes in
            seen.append(
                Seen(
                    frame: frame,
                    decoded: decodeFrame(bytes, linkType: frame.linkType, originalLength: frame.originalLength)))
        }
        if found == 0 { waitUntilReadable(capture.descriptor) }
    }
    return seen
}

/// At most 50 ms.
private func waitUntilReadable(_ descriptor: CInt) {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = unsafe poll(&request, 1, 50)
}

private func now() -> Timestamp {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
}

/// Eight bytes that tell the datagrams apart.
private func payload(_ number: Int) -> [UInt8] { bytes(UInt64(number) &* 0x9E37_79B9_7F4A_7C15) }

private struct SendFailure: Error {
    var errno: CInt
}

/// Sends datagrams from the calling thread's namespace.
private func send(_ count: Int, to address: String, port: UInt16) throws {
    var hints = unsafe addrinfo()
    unsafe hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
    unsafe hints.ai_socktype = CInt(SOCK_DGRAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard unsafe getaddrinfo(address, "\(port)", &hints, &list) == 0, let target = unsafe list else {
        throw SendFailure(errno: EINVAL)
    }
    defer { unsafe freeaddrinfo(target) }
    let socket = unsafe socket(target.pointee.ai_family, CInt(SOCK_DGRAM.rawValue), 0)
    guard socket >= 0 else { throw SendFailure(errno: errno) }
    defer { close(socket) }
    for number in 0..<count {
        let content = payload(number)
        let sent = unsafe sendto(socket, content, content.count, 0, target.pointee.ai_addr, target.pointee.ai_addrlen)
        guard sent == content.count else { throw SendFailure(errno: errno) }
    }
}
